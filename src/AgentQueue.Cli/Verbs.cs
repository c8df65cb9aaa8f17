using System.CommandLine;
using AgentQueue.Cli.Commands;
using AgentQueue.Config;

namespace AgentQueue.Cli;

/// <summary>The verbs, each with how to build it, so that a call builds only the one it needs.</summary>
internal static class Verbs
{
    public sealed record Entry(string Name, Func<Command> Create);

    public static readonly IReadOnlyList<Entry> All =
    [
        new("start", StartCommand.Create),
        new("run", RunCommand.Create),
        new("wait", WaitCommand.Create),
        new("status", StatusCommand.Create),
        new("show", ShowCommand.Create),
        new("logs", LogsCommand.Create),
        new("result", ResultCommand.Create),
        new("usage", UsageCommand.Create),
        new("cancel", CancelCommand.Create),
        new("diff", DiffCommand.Create),
        new("apply", ApplyCommand.Create),
        new("merge", MergeCommand.Create),
        new("discard", DiscardCommand.Create),
        new("clean", CleanCommand.Create),
        new("archive", ArchiveCommand.Create),
        new("import", ImportCommand.Create),
        new("init", InitCommand.Create),
        new("setup", SetupCommand.Create),
        new("daemon", DaemonCommand.Create),
        new("watch", WatchCommand.Create),
        new("retry", RetryCommand.Create),
        new("continue", ContinueCommand.Create),
        new("answer", AnswerCommand.Create),
        new("timeout", TimeoutCommand.Create),
        new("hold", HoldCommand.Create),
        new("release", ReleaseCommand.Create),
        new("deps", DepsCommand.Create),
        new("plan", PlanCommand.Create),
        new("trigger", TriggerCommand.Create),
        new("triggers", TriggersCommand.Create),
        new("history", HistoryCommand.Create),
        new("events", EventsCommand.Create),
        new("schedule", ScheduleCommand.Create),
        new("hash", HashCommand.Create),
        new("git", GitCommand.Create),
        new("records", RecordsCommand.Create),
        new("agents", AgentsCommand.Create),
        new("preview", PreviewCommand.Create),
        new("config", ConfigCommand.Create),
        new("mcp", McpCommand.Create),
        new("demo", DemoCommand.Create),
        new("completion", CompletionCommand.Create),
        new("doctor", DoctorCommand.Create),
    ];

    /// <summary>The verb that a command line names; null if it names none, or asks for general help.</summary>
    public static Entry? Find(string[] args) =>
        Word(args) is { } word ? All.FirstOrDefault(v => v.Name == word) : null;

    /// <exception cref="QueueException">The first word is no verb: a later one must not be taken for it.</exception>
    public static void RefuseUnknown(string[] args)
    {
        if (Word(args) is { } word && All.All(v => v.Name != word))
        {
            throw QueueException.Usage(
                $"There is no verb '{word}'{Nearest.Suggestion(word, All.Select(static v => v.Name))}",
                "See agentq --help"
            );
        }
    }

    private static string? Word(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--root")
            {
                i++;
            }
            else if (!args[i].StartsWith('-'))
            {
                return args[i];
            }
        }

        return null;
    }

    /// <summary>
    /// Gives a bare <c>--parallel</c> its value, so that it does not take an id that follows it.
    /// </summary>
    public static string[] Normalize(string[] args)
    {
        // What people type before they know about --help.
        if (args is ["help", .. var rest])
        {
            return [.. rest, "--help"];
        }

        for (var i = 0; i < args.Length && args[i] != "--"; i++)
        {
            if (
                args[i] is "--parallel" or "-p"
                && (i + 1 == args.Length || !LooksLikeNumber(args[i + 1]))
            )
            {
                args[i] = "--parallel=" + RunCommand.BareParallel;
            }
        }

        return args;
    }

    private static bool LooksLikeNumber(string text) =>
        text.Length > 0
        && (
            char.IsAsciiDigit(text[0])
            || (text[0] is '-' or '+' && text.Length > 1 && char.IsAsciiDigit(text[1]))
        );
}
