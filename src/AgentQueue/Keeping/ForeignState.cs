using System.Globalization;
using System.Text.Json;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>
/// Settles what the older tool had not: sentinels that wait beside a task are applied, in its order but with
/// <c>.error</c> before <c>.done</c>, and what it left as running without a process is lost. A pid alone
/// proves nothing; only a process that also names the task is taken for its agent.
/// </summary>
internal sealed class ForeignState(IDisk disk, TimeProvider clock)
{
    private const string ExitedWith = "Process exited with code ";

    /// <summary>The task with what became of it; null if its agent still runs under the older tool.</summary>
    public AgentTask? Settle(ForeignTask foreign, AgentTask task, List<string> changes)
    {
        switch (task.State)
        {
            case TaskState.Pending pending:
                return ApplySentinels(foreign, task, null, changes)
                    ?? CheckPrompt(task, pending, changes);
            case TaskState.Running running:
                if (ApplySentinels(foreign, task, running.StartedAt, changes) is { } ended)
                {
                    return ended;
                }

                return IsAlive(foreign) ? null : Lost(foreign, task, running, changes);
            case TaskState.Failed failed:
                return WithoutRetry(task with { State = Classify(failed) }, changes);
            case TaskState.Complete complete when Read(foreign, ".error") is { } text:
                var error = Sentinels.ParseError(text).Message;
                changes.Add("the older tool called it complete although there is an .error");
                return task with
                {
                    State = complete with { Note = $"left an .error as well: {error}" },
                };
            default:
                return task;
        }
    }

    private AgentTask? ApplySentinels(
        ForeignTask foreign,
        AgentTask task,
        DateTimeOffset? started,
        List<string> changes
    )
    {
        var (name, evidence) =
            Read(foreign, ".error") is { } error
                ? (".error", new Evidence { Error = Sentinels.ParseError(error) })
            : Read(foreign, ".done") is not null ? (".done", new Evidence { Done = true })
            : Read(foreign, ".cancelled") is not null
                ? (".cancelled", new Evidence { CancelRequested = true })
            : Read(foreign, ".timeout") is { } timeout
                ? (
                    ".timeout",
                    new Evidence
                    {
                        TimedOut = true,
                        TimeoutLimit = Sentinels.ParseTimeoutLimit(timeout),
                    }
                )
            : ("", null);
        if (evidence is null)
        {
            return null;
        }

        var beaten =
            evidence.Error is not null && Read(foreign, ".done") is not null
                ? " and its .done was not"
                : "";
        changes.Add($"it was {TaskJson.NameOf(task.Status)}; its {name} was applied{beaten}");
        return End(foreign, task, evidence, started, TimeOf(foreign, name), changes);
    }

    private AgentTask Lost(
        ForeignTask foreign,
        AgentTask task,
        TaskState.Running running,
        List<string> changes
    )
    {
        if (Read(foreign, ".exitcode") is not { } text || !ExitStatus.TryParse(text, out var exit))
        {
            changes.Add("it was running; no process of it was found, so it is lost");
            return End(
                foreign,
                task,
                new Evidence
                {
                    LostDetail =
                        "An older tool had left it as running, and no process of it was found",
                },
                running.StartedAt,
                clock.GetUtcNow(),
                changes
            );
        }

        // 124 is what the older tool's own watcher wrote, and nothing else there wrote exit codes.
        var evidence =
            exit.Code == 124
                ? new Evidence { TimedOut = true, TimeoutLimit = task.Timeout }
                : new Evidence { Exit = exit };
        changes.Add("it was running; its .exitcode was applied");
        return End(
            foreign,
            task,
            evidence,
            running.StartedAt,
            TimeOf(foreign, ".exitcode"),
            changes
        );
    }

    private AgentTask End(
        ForeignTask foreign,
        AgentTask task,
        Evidence evidence,
        DateTimeOffset? started,
        DateTimeOffset at,
        List<string> changes
    )
    {
        TaskState state = Verdict.Judge(evidence) switch
        {
            Verdict.Complete complete => new TaskState.Complete(started, at)
            {
                ExitCode = evidence.Exit?.Code,
                Note = complete.Note,
            },
            Verdict.Cancelled => new TaskState.Cancelled(started, at),
            Verdict.Failed failed => new TaskState.Failed(
                started,
                at,
                failed.Reason,
                failed.Message
            )
            {
                ExitCode = evidence.Exit?.Code,
                TimedOutAt = failed.Reason == Reason.Timeout ? TimedOutAt(foreign) ?? at : null,
            },
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return WithoutRetry(task with { State = state }, changes);
    }

    // What failed long ago must not start again by itself because it was imported.
    private static AgentTask WithoutRetry(AgentTask task, List<string> changes)
    {
        if (RetryPolicy.DueAt(task) is null)
        {
            return task;
        }

        changes.Add($"its automatic retry was switched off; try it again: agentq retry {task.Id}");
        return task with { AutoRetry = false };
    }

    private static AgentTask CheckPrompt(
        AgentTask task,
        TaskState.Pending pending,
        List<string> changes
    )
    {
        try
        {
            NewTasks.CheckPrompt(task.Prompt);
            return task;
        }
        catch (QueueException e)
        {
            changes.Add($"it is held: {e.Message}");
            return task with { State = pending with { Held = true } };
        }
    }

    // The older tool knew no reasons; its messages do.
    private static TaskState.Failed Classify(TaskState.Failed failed) =>
        failed.Message switch
        {
            _ when failed.TimedOutAt is not null => failed,
            "Process terminated unexpectedly" => failed with { Reason = Reason.Lost },
            var m when m.StartsWith("Task timed out", StringComparison.Ordinal) => failed with
            {
                Reason = Reason.Timeout,
                TimedOutAt = failed.CompletedAt,
            },
            var m
                when m.StartsWith(ExitedWith, StringComparison.Ordinal)
                    && int.TryParse(
                        m[ExitedWith.Length..],
                        NumberStyles.None,
                        CultureInfo.InvariantCulture,
                        out var code
                    )
                    && code <= 255 => failed with
            {
                Reason = Reason.Exit,
                ExitCode = code,
            },
            _ => failed,
        };

    private static bool IsAlive(ForeignTask foreign) =>
        foreign.Pid is { } pid
        && ProcessTable.Read(pid) is { IsZombie: false }
        && ProcessTable.CommandLine(pid).Contains(foreign.OwnId, StringComparison.Ordinal);

    private string? Read(ForeignTask foreign, string extension) =>
        Sentinels.ReadText(disk, PathOf(foreign, extension));

    private DateTimeOffset TimeOf(ForeignTask foreign, string extension)
    {
        var now = clock.GetUtcNow();
        return
            disk.Facts(PathOf(foreign, extension)) is { } file
            && ForeignFiles.TimeOf(file) is var time
            && time < now
            ? time
            : now;
    }

    private DateTimeOffset? TimedOutAt(ForeignTask foreign)
    {
        try
        {
            using var document = JsonDocument.Parse(Read(foreign, ".timeout") ?? "");
            return
                document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("timestamp", out var value)
                && value.ValueKind == JsonValueKind.String
                && DateTimeOffset.TryParse(
                    value.GetString(),
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeLocal,
                    out var time
                )
                ? time.ToUniversalTime()
                : null;
        }
        catch (JsonException)
        {
            // Empty, or not what the older tool writes: the file's time will do.
            return null;
        }
    }

    private static string PathOf(ForeignTask foreign, string extension) =>
        Path.Join(
            foreign.IsArchived ? foreign.Source.Archive : foreign.Source.Tasks,
            foreign.Stem + extension
        );
}

internal static class ForeignFiles
{
    public static DateTimeOffset TimeOf(FileFacts file) =>
        DateTimeOffset.UnixEpoch.AddTicks(file.ModifiedNs / 100);
}
