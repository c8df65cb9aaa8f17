using System.CommandLine;
using System.CommandLine.Completions;
using System.Text;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary><c>agents show</c>: an adapter as its file is written, to begin one of your own with.</summary>
internal static class AgentsShowCommand
{
    public static readonly Func<CompletionContext, IEnumerable<CompletionItem>> Names = static _ =>
        new Adapters("", userFolder: null).Names.Select(static n => new CompletionItem(n.Name));

    private static readonly Argument<string> s_name = new("ADAPTER")
    {
        HelpName = "ADAPTER",
        Description = "Its name, such as claude",
        CompletionSources = { Names },
    };

    public static Command Create()
    {
        var command = new Verb(
            "show",
            "Print the file of an adapter, to begin one of your own with",
            "agentq agents show claude > .agents/adapters/mine.json"
        )
        {
            s_name,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var (file, bytes) = session.Project.Config.Adapters.Read(parsed.GetValue(s_name)!);
        var text = Encoding.UTF8.GetString(bytes);
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("file"u8, file);
                    w.WriteString("text"u8, text);
                }
            );
        }
        else
        {
            Session.Screen.Lines(
                text.TrimEnd('\n').Split('\n').Select(static l => Terminal.Clean(l))
            );
        }

        return ExitCode.Ok;
    }
}
