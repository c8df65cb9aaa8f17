using System.Collections.Immutable;
using System.CommandLine;
using AgentQueue.Config;
using AgentQueue.Watching;

namespace AgentQueue.Cli.Commands;

/// <summary><c>watch</c>: in the foreground, changes of files become events.</summary>
internal static class WatchCommand
{
    private static readonly Option<string[]> s_on = Options.Repeated(
        "--on",
        "GLOB=EVENT",
        "Changes of these files are this event, beside the rules in agent-config.json"
    );

    public static Command Create()
    {
        var command = new Verb(
            "watch",
            "Turn changes of files into events, until q or Ctrl-C; what they start goes on",
            "agentq watch",
            "agentq watch --on 'src/**/*.py=saved' --on '*.md=docs'",
            "agentq watch --json | jq -r 'select(.event).file'"
        )
        {
            s_on,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        ImmutableArray<WatchRule> named = [.. (parsed.GetValue(s_on) ?? []).Select(ReadRule)];
        var setup = Read(session, named);
        if (setup.Rules.IsEmpty)
        {
            throw QueueException.Usage(
                "Nothing says what to watch",
                "For once: agentq watch --on 'src/**/*.py=saved'; for good, in agent-config.json: "
                    + "\"watch\": [{ \"paths\": [\"src/**/*.py\"], \"event\": \"saved\" }]"
            );
        }

        if (!session.FoundProject)
        {
            throw new QueueException(
                $"There is no project in {session.Project.Root} or above it, so nothing could come of an event",
                "Make one with agentq init, or say where it is: --root DIR"
            );
        }

        return new WatchRun(
            session,
            () => Read(session, named),
            (name, variables) => Trigger(session, name, variables),
            new FollowedFile(session.Events.Log.File, new WatchedEnds(session).Tell)
        ).Run(setup);
    }

    // Anew each time, so that a change of the configuration counts.
    private static WatchSetup Read(Session session, ImmutableArray<WatchRule> named) =>
        new([.. session.Project.Config.Watches, .. named], [.. session.Project.ConfigFiles]);

    private static WatchOutcome Trigger(
        Session session,
        string name,
        IReadOnlyDictionary<string, string> variables
    )
    {
        var record = session.Events.Trigger(
            name,
            variables.ToImmutableSortedDictionary(StringComparer.Ordinal)
        );
        session.Events.StartFollowers();
        return new WatchOutcome(
            [.. record.Started.Select(static s => $"{s.Agent} ({s.Id})")],
            [.. record.Ignored.Select(static i => $"{i.Agent}: {i.Why}")]
        );
    }

    private static WatchRule ReadRule(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var name = text[(equals + 1)..].Trim();
        return equals > 0 && name.Length > 0 && !name.Any(char.IsControl)
            ? new WatchRule([text[..equals]], [], name, WatchRule.DefaultDebounce)
            : throw QueueException.Usage(
                $"--on wants GLOB=EVENT, not '{text}'",
                "For example --on 'src/**/*.py=saved'"
            );
    }
}
