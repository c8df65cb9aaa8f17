namespace AgentQueue.Config;

/// <summary>
/// Which arguments of an agent are scripts of a shell, so that values are quoted in them: what stands behind
/// <c>-c</c> of a shell, also of one that another program starts (<c>env bash -c …</c>), and what stands behind
/// <c>/c</c> of Windows' cmd.
/// </summary>
internal static class ShellQuoting
{
    private static readonly HashSet<string> s_posix = Names(
        "sh bash dash zsh ksh ash mksh oksh yash rbash ksh93"
    );

    private static readonly HashSet<string> s_foreign = Names(
        "fish csh tcsh nu xonsh elvish pwsh powershell"
    );

    // They run what they are given, so a shell among their arguments is one.
    private static readonly HashSet<string> s_runners = Names(
        "busybox toybox env nice nohup timeout time setsid stdbuf ionice chrt taskset sudo doas docker podman"
            + " kubectl xargs flock unshare bwrap systemd-run chroot"
    );

    // Of bash; each takes a word.
    private static readonly string[] s_longOptionsWithWord = ["--rcfile", "--init-file"];

    /// <summary>Where the scripts are among the arguments.</summary>
    /// <param name="Shell">The name of the shell; null if there is none.</param>
    /// <param name="First">Where its arguments begin.</param>
    /// <param name="Script">The argument that is a script; −1 if none is.</param>
    /// <param name="Operand">The first that is not an option; the number of arguments if there is none.</param>
    internal readonly record struct Layout(string? Shell, int First, int Script, int Operand)
    {
        public bool IsPosix => Shell is not null && s_posix.Contains(Shell);

        public bool IsCmd => Shell == "cmd";

        /// <summary>True if the shell will take the same argument for its script once all are filled in.</summary>
        public bool IsStillOf(Layout filled) =>
            filled == this || (Shell is null && filled.Script < 0);

        /// <summary>True if the argument is a script, or a part of one.</summary>
        public bool IsScript(int argument) =>
            Script >= 0 && (IsPosix ? argument == Script : argument >= Script);
    }

    public static Layout LayoutOf(string command, IReadOnlyList<string> args)
    {
        var name = NameOf(command);
        var first = 0;
        if (s_runners.Contains(name))
        {
            while (first < args.Count && !IsShell(NameOf(args[first])))
            {
                first++;
            }

            if (first == args.Count)
            {
                return new Layout(null, 0, -1, 0);
            }

            name = NameOf(args[first++]);
        }

        return !IsShell(name) ? new Layout(null, 0, -1, 0)
            : s_posix.Contains(name) ? Posix(name, first, args)
            : Other(name, first, args);
    }

    /// <summary>How values are written in an argument; null if it is no script.</summary>
    public static ScriptText? ScriptOf(Layout layout, int argument) =>
        !layout.IsScript(argument) ? null : Begin(layout);

    /// <summary>How values are written in the agent's prompt; null if no shell reads it.</summary>
    /// <param name="template">What becomes of the prompt before the agent gets it.</param>
    public static ScriptText? ScriptOfPrompt(AgentDefinition agent, string template)
    {
        var layout = LayoutOf(agent.Command, agent.Args);
        if (layout.Shell is null)
        {
            return null;
        }

        string[] inTemplate = [Placeholders.UserPrompt, Placeholders.Prompt];
        var scripts = Enumerable.Range(0, agent.Args.Length).Where(layout.IsScript);
        var before = scripts.SelectMany(i => Before(agent.Args[i], [Placeholders.Prompt])).ToList();
        if (before.Count == 0 && IsReadAsFile(layout, agent))
        {
            before.Add("");
        }

        if (before.Count == 0)
        {
            return null;
        }

        var lead = Before(template, inTemplate).ToList();
        if (before.Count > 1 || lead.Count > 1)
        {
            return new ClosedScript("stands in a prompt that comes into a script twice");
        }

        var script = Begin(layout);
        script.Literal(before[0]);
        script.Literal(lead is [var beginning] ? beginning : "");
        return script;
    }

    // Without -c a shell takes its commands from a file, or from its standard input.
    private static bool IsReadAsFile(Layout layout, AgentDefinition agent) =>
        layout.Script < 0
        && (
            !layout.IsPosix ? agent.PromptVia != PromptVia.Arg
            : layout.Operand < agent.Args.Length
                ? Placeholders.InArgument(agent.Args[layout.Operand], Placeholders.PromptFile)
                    || (agent.PromptVia == PromptVia.Stdin && HasOptionS(layout, agent.Args))
            : agent.PromptVia == PromptVia.Stdin
        );

    private static bool HasOptionS(Layout layout, IReadOnlyList<string> args)
    {
        for (var i = layout.First; i < layout.Operand; i++)
        {
            if (
                args[i].StartsWith('-')
                && !args[i].StartsWith("--", StringComparison.Ordinal)
                && args[i].Contains('s', StringComparison.Ordinal)
            )
            {
                return true;
            }
        }

        return false;
    }

    // What stands before each place that has one of the names.
    private static IEnumerable<string> Before(string text, string[] names)
    {
        var plain = VariableText.Without(text);
        foreach (var name in names)
        {
            var word = $"{{{name}}}";
            for (
                var at = plain.IndexOf(word, StringComparison.Ordinal);
                at >= 0;
                at = plain.IndexOf(word, at + 1, StringComparison.Ordinal)
            )
            {
                yield return text[..at];
            }
        }
    }

    private static ScriptText Begin(Layout layout) =>
        layout.IsPosix ? new PosixScript()
        : layout.IsCmd ? new CmdScript()
        : new ClosedScript($"stands in a script of {layout.Shell}, for which agentq cannot quote");

    // XCU sh: options, each of which may be several letters; o takes a word; then operands, the first of
    // which is the script if c was among the letters.
    private static Layout Posix(string name, int first, IReadOnlyList<string> args)
    {
        var hasScript = false;
        for (var i = first; i < args.Count; i++)
        {
            var word = args[i];
            if (word is "--" or "-")
            {
                return new Layout(name, first, hasScript && i + 1 < args.Count ? i + 1 : -1, i + 1);
            }

            if (word.StartsWith("--", StringComparison.Ordinal))
            {
                i += s_longOptionsWithWord.Contains(word) ? 1 : 0;
            }
            else if (word.Length > 1 && word[0] is '-' or '+')
            {
                hasScript |= word[0] == '-' && word.Contains('c', StringComparison.Ordinal);
                i += word.Count(static c => c is 'o' or 'O');
            }
            else
            {
                return new Layout(name, first, hasScript ? i : -1, i);
            }
        }

        return new Layout(name, first, -1, args.Count);
    }

    private static Layout Other(string name, int first, IReadOnlyList<string> args)
    {
        for (var i = first; i < args.Count; i++)
        {
            // All of these take abbreviations, and cmd what follows its letter without a blank.
            var isScript =
                name == "cmd"
                    ? args[i].StartsWith("/c", StringComparison.OrdinalIgnoreCase)
                        || args[i].StartsWith("/k", StringComparison.OrdinalIgnoreCase)
                    : args[i].StartsWith("-c", StringComparison.OrdinalIgnoreCase)
                        || args[i].StartsWith("--c", StringComparison.OrdinalIgnoreCase);
            if (isScript)
            {
                return new Layout(name, first, args[i].Length > 2 && name == "cmd" ? i : i + 1, i);
            }
        }

        // Windows' PowerShell takes any first word for a command.
        return name is "powershell"
            ? new Layout(name, first, first, first)
            : new Layout(name, first, -1, args.Count);
    }

    private static bool IsShell(string name) =>
        name == "cmd" || s_posix.Contains(name) || s_foreign.Contains(name);

    private static string NameOf(string command)
    {
        var name = command[(command.LastIndexOfAny(['/', '\\']) + 1)..].ToLowerInvariant();
        return name.EndsWith(".exe", StringComparison.Ordinal) ? name[..^4] : name;
    }

    private static HashSet<string> Names(string names) =>
        new(names.Split(' '), StringComparer.Ordinal);
}
