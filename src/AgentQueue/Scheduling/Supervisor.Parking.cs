using AgentQueue.Agents;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <content>Tasks whose agent has ended without an end: their account has no more, or they wait for a person.</content>
internal sealed partial class Supervisor
{
    /// <summary>How often a task is put off before its limit counts as a failure.</summary>
    private const int MostTimesPutOff = 50;

    private const int LongestQuestion = 4000;

    // Where nobody says when it is over: the first wait, doubled each time, and the longest.
    private static readonly TimeSpan s_firstQuotaWait = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_firstRateWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(1);

    // Not all accounts of a service, and not all queues of an account, come back in the same second.
    private static readonly TimeSpan s_longestJitter = TimeSpan.FromSeconds(30);

    /// <summary>The task as it waits, or null if there is nothing to wait for.</summary>
    private AgentTask? WaitingFor(
        AgentTask task,
        AgentPlan plan,
        Verdict verdict,
        AgentReading? reading,
        ReadError? error
    )
    {
        if (
            verdict is Verdict.Complete or Verdict.Failed { Reason: Reason.Exit or Reason.Agent }
            && !_sentinels.Exists(task.Id, Sentinel.Done)
            && QuestionOf(task.Id, reading) is { } question
        )
        {
            return task with
            {
                Options = GoingOn(task, reading?.Session, followUp: null),
                State = new TaskState.Pending(Held: true) { Question = question },
            };
        }

        if (
            reading is null
            || error is null
            || !ErrorClass.IsLimit(error.Class)
            // Its work may well be about limits.
            || reading.Word == AgentWord.Success
            || verdict
                is not Verdict.Failed { Reason: Reason.Exit or Reason.Agent or Reason.Stalled }
        )
        {
            return null;
        }

        var until = (reading.ResetsAt ?? clock.GetUtcNow() + WaitOf(task, error.Class)) + Jitter();
        var message = error.Message ?? error.Class;
        Attempt(() =>
            new AccountLimits(queue).Set(new AccountLimit(plan.Reader!.Account, until, message))
        );
        var hasBegun = reading.Facts.ToolCalls > 0 || reading.Facts.Text is not null;
        var putOff = task.Options?.TimesPutOff ?? 0;
        return !plan.OnLimit.Waits || putOff >= MostTimesPutOff
            ? null
            : task with
            {
                Options = (
                    hasBegun && reading.Session is { } session
                        ? GoingOn(
                            task,
                            session,
                            "You were interrupted by a usage limit, which is over. Go on where you were.\n"
                        )
                        : task.Options ?? new()
                ) with
                {
                    TimesPutOff = putOff + 1,
                },
                State = new TaskState.Pending(NotBefore: until)
                {
                    Limit = $"{plan.Reader!.Account}: {message}",
                },
            };
    }

    private static AgentOptions GoingOn(AgentTask task, string? session, string? followUp) =>
        (task.Options ?? new()) with
        {
            Session = session ?? task.Options?.Session,
            FollowUp = followUp,
        };

    // The agent's own file says more than its stream.
    private string? QuestionOf(TaskId id, AgentReading? reading)
    {
        var file = queue.QuestionFile(id);
        if (queue.Disk.Facts(file) is not null)
        {
            var read = queue.Disk.Read(file, LongestQuestion * 4);
            return
                read.Status == ReadStatus.Ok
                && System.Text.Encoding.UTF8.GetString(read.Content).Trim() is { Length: > 0 } text
                ? text.Length > LongestQuestion
                    ? text[..LongestQuestion] + "…"
                    : text
                : $"It asks something, but what it wrote into {Path.GetFileName(file)} cannot be read";
        }

        return reading?.Facts.Question;
    }

    private static TimeSpan WaitOf(AgentTask task, string error)
    {
        var first = error == ErrorClass.Quota ? s_firstQuotaWait : s_firstRateWait;
        var wait = first * Math.Pow(2, Math.Min(task.Options?.TimesPutOff ?? 0, 10));
        return wait < s_longestWait ? wait : s_longestWait;
    }

    private static TimeSpan Jitter() => s_longestJitter * Random.Shared.NextDouble();

    /// <summary>Records that the task waits again. Its outcome is still to come, so nothing of one is left behind.</summary>
    private AgentTask Park(AgentTask waiting) =>
        Patiently(
            waiting.Id,
            () =>
            {
                foreach (var kind in (ReadOnlySpan<Sentinel>)[Sentinel.ExitCode, Sentinel.Done])
                {
                    queue.Disk.Delete(queue.SentinelFile(waiting.Id, kind));
                }

                // Of this attempt: the next one would be judged by it.
                queue.Disk.Delete(queue.RequestFile(waiting.Id, Requests.Stalled));
                _verdicts.NoteUsage(waiting);
                queue.Write(waiting);
                _verdicts.CloseParked(waiting);
                return waiting;
            },
            static () => { }
        );
}
