using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>run</c>: start what is ready.</summary>
internal static class RunCommand
{
    /// <summary>What a bare <c>--parallel</c> stands for: the setting.</summary>
    public const string BareParallel = "setting";

    private static readonly Argument<string[]> s_ids = Options.Ids(
        "Tasks to start, whatever their priority (default: the next ready one)",
        required: false
    );

    private static readonly Option<string?> s_parallel = new("--parallel", "-p")
    {
        Description = "Fill up to N running in all (bare: the setting 'parallel', 3)",
        HelpName = "N",
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (text != BareParallel && !IsCount(text))
            {
                result.AddError(
                    $"--parallel must be a whole number from 1 to {Settings.MostParallel}, not '{text}'"
                );
            }

            return text;
        },
    };

    private static readonly Option<bool> s_drain = Options.Flag(
        "--drain",
        "Keep the slots full in the background until nothing is left to do"
    );

    private static readonly Option<bool> s_stop = Options.Flag(
        "--stop",
        "End a drain: what runs goes on, nothing more is started"
    );

    private static readonly Option<bool> s_wait = Options.Flag(
        "--wait",
        "Stay until what was started has ended, and exit by the outcome"
    );

    private static readonly Option<bool> s_dryRun = Options.Flag(
        "--dry-run",
        "Show what would be started, with the exact command"
    );

    public static Command Create()
    {
        var command = new Verb(
            "run",
            "Start the next ready task, or those named",
            "agentq run",
            "agentq run --parallel 3 --wait",
            "agentq run --drain --parallel 2",
            "agentq run 01j9x2 --dry-run"
        )
        {
            s_ids,
            s_parallel,
            s_drain,
            s_stop,
            s_wait,
            s_dryRun,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var ids = parsed.GetValue(s_ids) ?? [];
        var drain = parsed.GetValue(s_drain);
        if (drain && ids.Length > 0)
        {
            throw QueueException.Usage("--drain takes every ready task; leave out the ids");
        }

        if (!session.Queue.Exists)
        {
            return NothingToDo(session, "The queue is empty; nothing to start");
        }

        if (parsed.GetValue(s_stop))
        {
            return NothingToDo(
                session,
                session.Project.Run.EndDrain()
                    ? "Nothing more is started by itself; what runs goes on"
                    : "There was no drain to end"
            );
        }

        var named = ids.Length == 0 ? null : session.FindIds(ids);
        var parallel = ParallelOf(session, parsed);
        // Both are needed to start anything: an error in them is told here, before anything is changed.
        _ = session.Project.Config;
        _ = session.Project.Settings;
        if (parsed.GetValue(s_dryRun))
        {
            return DryRun.Show(
                session,
                session.Project.Run.Preview(
                    named,
                    parallel ?? (drain ? session.Project.Settings.Parallel : int.MaxValue),
                    parallel is null && !drain ? 1 : int.MaxValue
                )
            );
        }

        var pass = Start(session, named, drain, parallel);
        if (pass.Started.Count == 0 && !(drain && parsed.GetValue(s_wait)))
        {
            return NothingToDo(session, WhyNothing(pass, parallel));
        }

        var code = Starts.Tell(session, pass.Started, session.Json);
        if (parsed.GetValue(s_wait))
        {
            Session.Screen.Flush();
            var outcome = drain
                ? WaitCommand.ForAll(session, quiet: false, also: pass.Unfinished)
                : Following.SeeThrough(
                    session,
                    [
                        .. pass
                            .Started.Select(static s => s.Task.Id)
                            .Where(id => code == ExitCode.Ok || !Following.IsPending(session, id)),
                    ],
                    quiet: false,
                    parallel ?? int.MaxValue
                );
            code = outcome == ExitCode.Ok ? code : outcome;
            if (pass.Ready > 0 && !drain)
            {
                Session.Screen.Talk($"{pass.Ready} more could start: agentq run --drain", Tone.Dim);
            }
        }

        if (session.Json)
        {
            Reply(session, pass);
        }

        return code;
    }

    private static PassResult Start(
        Session session,
        IReadOnlyList<TaskId>? named,
        bool drain,
        int? parallel
    )
    {
        var run = session.Project.Run;
        return named is not null ? run.StartNamed(named, parallel)
            : drain ? run.BeginDrain(new(parallel ?? session.Project.Settings.Parallel))
            : parallel is { } limit ? run.Fill(limit)
            : run.Fill(int.MaxValue, most: 1);
    }

    private static int? ParallelOf(Session session, ParseResult parsed) =>
        parsed.GetValue(s_parallel) switch
        {
            null => null,
            BareParallel => session.Project.Settings.Parallel,
            var text => int.Parse(text, CultureInfo.InvariantCulture),
        };

    private static string WhyNothing(PassResult pass, int? limit)
    {
        if (limit is { } most && pass.Running >= most && pass.Ready > 0)
        {
            return $"Already running {pass.Running} of {most}; {pass.Ready} more are ready";
        }

        return pass.Pending == 0
            ? pass.Running == 0
                ? "The queue is empty; nothing to start"
                : $"Nothing is pending; {pass.Running} running"
            : $"None of {pass.Pending} pending can start now (held, waiting, or an agent's limit); see agentq status";
    }

    private static ExitCode NothingToDo(Session session, string why)
    {
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteStartArray("started"u8);
                    w.WriteEndArray();
                    w.WriteString("message"u8, why);
                }
            );
        }
        else
        {
            Session.Screen.Talk(why);
        }

        return ExitCode.Ok;
    }

    private static void Reply(Session session, PassResult pass) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                TaskReply.WriteArray(
                    w,
                    "started"u8,
                    [.. pass.Started.Select(s => session.Queue.ReadOrThrow(s.Task.Id))]
                );
                w.WriteNumber("running"u8, pass.Running);
                w.WriteNumber("ready"u8, pass.Ready);
            }
        );

    private static bool IsCount(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
        && n is >= 1 and <= Settings.MostParallel;
}
