using System.CommandLine;
using System.CommandLine.Completions;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary><c>completion</c>: the script that makes a shell complete agentq's command lines.</summary>
internal static class CompletionCommand
{
    private static readonly (string Shell, string Script)[] s_scripts =
    [
        ("bash", CompletionScripts.Bash),
        ("zsh", CompletionScripts.Zsh),
        ("fish", CompletionScripts.Fish),
        ("pwsh", CompletionScripts.Pwsh),
    ];

    private static readonly Argument<string> s_shell = new("SHELL")
    {
        HelpName = "bash|zsh|fish|pwsh",
        Description = "The shell",
        CompletionSources = { static _ => Shells.Select(static s => new CompletionItem(s)) },
    };

    private static IEnumerable<string> Shells => s_scripts.Select(static s => s.Shell);

    public static Command Create()
    {
        var command = new Verb(
            "completion",
            "Print a script that completes verbs, options, task ids and agents in your shell",
            "eval \"$(agentq completion bash)\"        # in ~/.bashrc",
            "eval \"$(agentq completion zsh)\"         # in ~/.zshrc, after compinit",
            "agentq completion fish | source         # in ~/.config/fish/config.fish",
            "agentq completion pwsh | Out-String | Invoke-Expression    # in $PROFILE"
        )
        {
            s_shell,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var shell = parsed.GetValue(s_shell)!;
        var (name, script) = Array.Find(s_scripts, s => s.Shell == shell);
        if (name is null)
        {
            throw QueueException.Usage(
                $"There is no completion for '{shell}'{Nearest.Suggestion(shell, Shells)}",
                $"There is one for {string.Join(", ", Shells)}"
            );
        }

        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("shell"u8, name);
                    w.WriteString("script"u8, script);
                }
            );
        }
        else
        {
            Session.Screen.Out(script);
        }

        return ExitCode.Ok;
    }
}
