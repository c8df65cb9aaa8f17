using AgentQueue.Agents;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

/// <summary>A dependency as it stands: what became of it, and of its retries.</summary>
/// <param name="Status">Null if it is gone.</param>
/// <param name="Last">What stands for it: the last of its retries.</param>
internal sealed record DependencyFact(
    TaskId Id,
    TaskStatus? Status,
    TaskId Last,
    DependencyKind Kind,
    string Note
);

/// <summary>A file of the task, there or not.</summary>
internal sealed record FileFact(string Path, bool Exists);

/// <summary>What to type next, and what that does.</summary>
internal sealed record NextStep(string Command, string Purpose);

/// <summary>
/// Everything known of one task, in the queue or in the archive: its file, what lies beside it, who holds
/// it. It only reads, and tells what it finds also where that does not fit together.
/// </summary>
internal sealed record TaskDetails
{
    public const int LogLines = 10;
    private const int LongestTail = 4000;

    public required TaskView View { get; init; }

    public required bool IsArchived { get; init; }

    public required FileFact TaskFile { get; init; }

    public required FileFact LogFile { get; init; }

    public required FileFact PlanFile { get; init; }

    /// <summary>The marker files that lie beside the task.</summary>
    public required IReadOnlyList<Sentinel> Sentinels { get; init; }

    public ExitStatus? RecordedExit { get; init; }

    public ErrorReport? ReportedError { get; init; }

    /// <summary>A supervisor, or a verb at work on the task, holds its lock.</summary>
    public required bool IsLocked { get; init; }

    /// <summary>The agent, or a process that it started, lives.</summary>
    public required bool IsAgentAlive { get; init; }

    /// <summary>Null unless it runs, or its supervisor died.</summary>
    public RunIdentity? Identity { get; init; }

    /// <summary>What was asked of the supervisor and not yet done.</summary>
    public required IReadOnlyList<string> Requests { get; init; }

    public required IReadOnlyList<DependencyFact> Dependencies { get; init; }

    /// <summary>What its agent came to; null if nobody could read it, or not yet.</summary>
    public AgentResult? Result { get; init; }

    /// <summary>The last lines of the log, as they stand there.</summary>
    public required string LogTail { get; init; }

    public AgentTask Task => View.Task;

    /// <summary>What contradicts something else, in sentences.</summary>
    public IReadOnlyList<string> Conflicts => [.. FindConflicts()];

    public IReadOnlyList<NextStep> Next => [.. WhatNext()];

    /// <exception cref="QueueException">There is no such task, or its file cannot be read.</exception>
    public static TaskDetails Of(
        QueueFolder queue,
        TaskId id,
        DateTimeOffset now,
        Func<TimeZoneInfo>? zone = null
    )
    {
        var isArchived =
            queue.Disk.Facts(queue.TaskFile(id)) is null
            && queue.Disk.Facts(queue.ArchivedTask(id)) is not null;
        var task = isArchived ? queue.ReadArchivedOrThrow(id) : queue.ReadOrThrow(id);
        var dependencies = new Lazy<Dependencies>(() => new Dependencies(queue, snapshot: null));
        var log = queue.FindLog(id);
        var evidence = new Sentinels(queue);
        FileFact File(string path) => new(path, queue.Disk.Facts(path) is { IsRegular: true });
        var logFile = File(log);
        return new TaskDetails
        {
            View = TaskView.Of(
                task,
                TaskStanding.Of(task, queue, static _ => true, dependencies, now) with
                {
                    Zone = zone ?? (static () => TimeZoneInfo.Utc),
                }
            ),
            IsArchived = isArchived,
            TaskFile = File(isArchived ? queue.ArchivedTask(id) : queue.TaskFile(id)),
            LogFile = logFile,
            PlanFile = File(isArchived ? queue.ArchivedPlan(id) : queue.PlanFile(id)),
            Sentinels =
            [
                .. SentinelNames.All.Where(kind =>
                    isArchived
                        ? queue.Disk.Facts(queue.ArchivedSentinel(id, kind)) is not null
                        : evidence.Exists(id, kind)
                ),
            ],
            RecordedExit = evidence.ReadExit(id),
            ReportedError = evidence.ReadError(id),
            IsLocked = queue.IsSupervised(id),
            IsAgentAlive = queue.IsAgentAlive(id),
            Identity = RunIdentity.Read(queue, id),
            Requests = RequestsFor(queue, id),
            Dependencies =
            [
                .. task.DependsOn.Select(on => DependencyOf(task, on, dependencies.Value)),
            ],
            Result =
                task.Attempt > 0 && new Results(queue).Read(id) is { Adapter.Length: > 0 } result
                    ? result
                    : null,
            LogTail = logFile.Exists ? Storage.LogTail.Lines(log, LogLines, LongestTail) : "",
        };
    }

    private static DependencyFact DependencyOf(AgentTask task, TaskId on, Dependencies all)
    {
        var kind = task.KindOf(on);
        var (status, last, note, _) = all.Resolve(on);
        return !task.DependenciesMet.Contains(on) ? new DependencyFact(on, status, last, kind, note)
            : kind == DependencyKind.AfterOk
                ? new DependencyFact(
                    on,
                    TaskStatus.Complete,
                    on,
                    kind,
                    "completed and was put away"
                )
            : new DependencyFact(on, status, on, kind, "ended and was put away");
    }

    private static List<string> RequestsFor(QueueFolder queue, TaskId id)
    {
        var extension = $"{id.Value}.{Scheduling.Requests.ExtendPrefix}";
        string[] words =
        [
            Scheduling.Requests.Cancel,
            Scheduling.Requests.Expire,
            Scheduling.Requests.Stalled,
        ];
        List<string> requests =
        [
            .. words.Where(word => Scheduling.Requests.Has(queue, id, word)),
            .. queue
                .Disk.List(queue.Run)
                .Where(name => name.StartsWith(extension, StringComparison.Ordinal))
                .Select(static _ => "extend"),
        ];
        requests.Sort(StringComparer.Ordinal);
        return requests;
    }

    private IEnumerable<string> FindConflicts()
    {
        var verdicts = Sentinels.Where(static s => s != Sentinel.ExitCode).ToList();
        if (verdicts.Count > 1)
        {
            yield return $"{string.Join(" and ", verdicts.Select(SentinelNames.Extension))} stand beside each other; the status above is what counts";
        }

        if (Task.State is TaskState.Running && !IsLocked)
        {
            yield return IsAgentAlive
                ? "Its supervisor is gone, but processes of the agent still live"
                : "Its supervisor is gone";
        }

        if (Task.IsFinished && IsAgentAlive)
        {
            yield return "It has ended, but processes of the agent still live";
        }
    }

    private IEnumerable<NextStep> WhatNext()
    {
        var id = Task.Id;
        var log = new NextStep($"agentq logs {id}", "read its log");
        NextStep[] result =
            Task.IsFinished && Result is not null
                ? [new($"agentq result {id}", "see what it said, and what came of it")]
                : [];
        if (IsArchived)
        {
            return
            [
                .. result,
                log,
                new($"agentq archive restore {id}", "bring it back into the queue"),
            ];
        }

        return Task.State switch
        {
            TaskState.Pending pending => WhatNextPending(pending),
            TaskState.Running =>
            [
                new($"agentq logs {id} -f", "follow its log until it ends"),
                new($"agentq cancel {id}", "end it with all its processes"),
                .. Task.Timeout is null
                    ? (ReadOnlySpan<NextStep>)[]
                    : [new($"agentq timeout extend {id} 300", "give it 5 minutes more")],
            ],
            TaskState.Unsuccessful { RetriedBy: { } retry } =>
            [
                new($"agentq show {retry}", "see how its retry went"),
                .. result,
                log,
            ],
            TaskState.Failed when View.RetryIn is not null =>
            [
                new("agentq run --drain", "start its retry as soon as that is due"),
                .. result,
                log,
            ],
            TaskState.Failed when Task.RetryCount >= Task.MaxRetries =>
            [
                .. result,
                log,
                new(
                    $"agentq retry {id} --max-retries {Task.RetryCount + 1} --run",
                    "try once more than was allowed"
                ),
            ],
            TaskState.Failed => [.. result, log, new($"agentq retry {id} --run", "try it again")],
            _ => [.. result, log],
        };
    }

    private IEnumerable<NextStep> WhatNextPending(TaskState.Pending pending)
    {
        var id = Task.Id;
        if (View.IsStarting)
        {
            yield return new($"agentq logs {id} -f", "follow its log until it ends");
        }
        else if (pending.Question is not null)
        {
            yield return new($"agentq answer {id} \"…\" --run", "answer it, and let it go on");
        }
        else if (pending.Held)
        {
            yield return new($"agentq release {id}", "let it start");
        }
        else if (View.Readiness is Readiness.Blocked { By: var by, MayRetry: var mayRetry })
        {
            if (mayRetry)
            {
                yield return new($"agentq retry {by} --run", "try the dependency again");
            }

            yield return new($"agentq deps remove {id} {by}", "do without it");
        }
        else if (View.Readiness is Readiness.Waiting)
        {
            yield return new("agentq run --drain", "start everything in its turn");
        }
        else if (View.StartsIn is not null)
        {
            yield return new("agentq run --drain", "start it when its time comes");
            yield return new($"agentq release {id}", "let it start before its time");
        }
        else
        {
            yield return new($"agentq run {id}", "start it now");
        }

        yield return new($"agentq cancel {id}", "take it out of the queue");
    }
}
