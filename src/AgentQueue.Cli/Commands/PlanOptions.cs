using System.CommandLine;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary>What several verbs of <c>plan</c> take.</summary>
internal static class PlanOptions
{
    public static readonly Argument<string> File = new("PLAN")
    {
        HelpName = "PLAN",
        Description = "The plan's file, YAML or JSON",
    };

    public static readonly Option<string[]> Set = new("--set")
    {
        HelpName = "NAME=VALUE",
        Description = "A value for a parameter of the plan; may be given more than once",
    };

    public static readonly Argument<string> Run = OfRun(required: true);

    /// <summary>As <see cref="Run"/>, the last one if it is left out.</summary>
    public static readonly Argument<string> RunOrLast = OfRun(required: false);

    public static readonly Option<int?> MaxParallel = Options.Number(
        "--max-parallel",
        "Tasks of this run at once (default: as the plan says, else 4)",
        1,
        Settings.MostParallel
    );

    public static readonly Option<bool> FailFast = Options.Flag(
        "--fail-fast",
        "Start nothing more once a task has failed for good"
    );

    public static readonly Option<bool> NoFailFast = Options.Flag(
        "--no-fail-fast",
        "Go on with what does not depend on the failure, whatever the plan says"
    );

    public static readonly Option<bool> Detach = Options.Flag(
        "--detach",
        "Return at once; the run goes on",
        "-d"
    );

    public static (string Path, string ShownAs) FileOf(Session session, ParseResult parsed)
    {
        var file = parsed.GetValue(File)!;
        return (Path.GetFullPath(file, session.CurrentFolder), file);
    }

    public static Dictionary<string, string> Given(ParseResult parsed) =>
        ReadGiven(parsed.GetValue(Set));

    /// <param name="texts">Each <c>NAME=VALUE</c>.</param>
    public static Dictionary<string, string> ReadGiven(string[]? texts)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in texts ?? [])
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw QueueException.Usage($"--set wants NAME=VALUE, not '{text}'");
            }

            if (!given.TryAdd(text[..equals], text[(equals + 1)..]))
            {
                throw QueueException.Usage($"--set gives '{text[..equals]}' twice");
            }
        }

        return given;
    }

    /// <summary>Null if neither word was said.</summary>
    public static bool? FailFastOf(ParseResult parsed) =>
        (parsed.GetValue(FailFast), parsed.GetValue(NoFailFast)) switch
        {
            (true, true) => throw QueueException.Usage(
                "--fail-fast and --no-fail-fast say the opposite; leave one out"
            ),
            (true, _) => true,
            (_, true) => false,
            _ => null,
        };

    private static Argument<string> OfRun(bool required)
    {
        var run = new Argument<string>("RUN")
        {
            HelpName = "RUN",
            Description = required
                ? "A run: its id, a part of it, or 'last'"
                : "A run: its id, a part of it, or 'last' (default)",
            Arity = required ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
            CompletionSources = { Completions.Runs },
        };
        if (!required)
        {
            run.DefaultValueFactory = static _ => "last";
        }

        return run;
    }
}
