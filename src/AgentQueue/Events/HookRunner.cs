using System.Collections;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Events;

/// <summary>
/// Runs the hooks of one event, one after the other, each for its own time at most. It belongs to nobody: no lock
/// is held, no task waits, and whoever emitted the event may be gone.
/// </summary>
internal sealed class HookRunner(ProjectQueue project, EventEmitter events)
{
    /// <summary>Of what a hook prints, the last bytes of each stream are kept for the record of its failure.</summary>
    private const int KeptOutput = 4 << 10;

    private readonly QueueFolder _queue = project.Queue;

    public void Run(long sequence)
    {
        if (events.Log.Find(sequence) is not { } record)
        {
            // Put there by nobody of ours, or swept away since.
            return;
        }

        foreach (
            var (number, hook) in Hooks.Of(project.Config.Hooks, record.Names).ToList().Index()
        )
        {
            if (Failure(record, hook) is not { } problem)
            {
                continue;
            }

            try
            {
                var name = HookProgram.NameOf(hook.Rule);
                events.HookFailed(record, hook.Event, number, name, problem);
                events.StartFollowers();
            }
            catch (QueueException)
            {
                // The log cannot be written, and nobody else is there to be told; the other hooks still run.
            }
        }
    }

    private string? Failure(EventRecord record, MatchedHook hook)
    {
        var name = HookProgram.NameOf(hook.Rule);
        try
        {
            var program = HookProgram.Of(
                hook.Rule,
                HookText.Notification(record, hook.Event),
                command =>
                    ExecutableLookup.Find(
                        command,
                        Environment.GetEnvironmentVariable("PATH"),
                        project.Root
                    )
            );
            name = program.Name;
            return Failure(program, hook, HookInput.Of(record, TaskOf(record)));
        }
        catch (QueueException e)
        {
            return HookText.Plain($"{name}: {e.Message}");
        }
    }

    private string? Failure(HookProgram program, MatchedHook hook, byte[] input)
    {
        var mark =
            $"{AgentEnvironment.HookVariable}={TaskId.New(project.Clock.GetUtcNow()).Value[TaskId.Prefix.Length..]}";
        var output = new OutputTail(KeptOutput);
        var errors = new OutputTail(KeptOutput);
        var end = ForegroundProgram.Run(
            new ForegroundLaunch(
                program.Executable,
                program.Arguments,
                project.Root,
                EnvironmentOf(
                    Environment.GetEnvironmentVariables(),
                    hook.Event,
                    project.Root,
                    mark
                ),
                input
            )
            {
                Limit = new ProgramLimit(program.Limit, mark, project.Clock),
            },
            (piece, isError) => (isError ? errors : output).Add(piece)
        );
        return Problem(program, hook.Rule.Timeout, end, output.ToString(), errors.ToString());
    }

    /// <summary>What is to be said of how a hook ended; null if all is well.</summary>
    internal static string? Problem(
        HookProgram program,
        TimeSpan timeout,
        ForegroundEnd end,
        string output,
        string errors
    )
    {
        if (end is { TimedOut: false, Exit.IsSuccess: true })
        {
            return null;
        }

        var how =
            end.TimedOut || end.Exit == ExitStatus.Exited(program.TimeoutCode ?? -1)
                ? "timed out after " + TextOf(timeout)
                : end.Exit.Describe();
        var last = HookText.LastLine(errors) is { Length: > 0 } said
            ? said
            : HookText.LastLine(output);
        return $"{program.Name} {how}{(last.Length > 0 ? ": " + last : "")}";
    }

    /// <summary>As <c>KEY=VALUE</c>: the runner's, less the marks of a task, and what tells the hook where it is.</summary>
    internal static List<string> EnvironmentOf(
        IDictionary environment,
        string name,
        string projectRoot,
        string mark
    )
    {
        var entries = LocalBackend.WithoutMarks(environment);
        entries.RemoveAll(static e =>
            AgentEnvironment.Names.Equals(e.Split('=', 2)[0], AgentEnvironment.RootVariable)
        );
        entries.Add($"{AgentEnvironment.EventVariable}={name}");
        entries.Add($"{AgentEnvironment.RootVariable}={projectRoot}");
        entries.Add(mark);
        return entries;
    }

    private AgentTask? TaskOf(EventRecord record) =>
        record.Task is not { } id ? null
        : _queue.Read(id) is TaskRead.Found(var task, _) ? task
        : _queue.ReadArchived(id) is TaskRead.Found(var archived, _) ? archived
        : null;

    private static string TextOf(TimeSpan time) =>
        time.Ticks % TimeSpan.TicksPerSecond == 0
            ? Duration.Format(time)
            : time.TotalSeconds.ToString("0.###'s'", CultureInfo.InvariantCulture);
}
