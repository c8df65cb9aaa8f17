using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>What a retry may change from the task that failed.</summary>
/// <param name="Resume">What to ask of the agent to go on with its session; null to begin anew.</param>
internal sealed record RetryOptions(
    int? MaxRetries = null,
    bool AutoRetry = false,
    Func<AgentTask, AgentOptions>? Resume = null
);

/// <summary>
/// Makes the task that retries a failed one, exactly once for each failure. The new id is written into the
/// failed task before the new task exists; a crash between the two is finished by the next pass.
/// </summary>
internal sealed class Retries(QueueFolder queue, TimeProvider clock)
{
    /// <summary>The agents that its configuration names to go on with.</summary>
    public Func<string, ImmutableArray<string>> FallbackOfAgent { get; init; } = static _ => [];

    /// <summary>Retries a failed task.</summary>
    /// <exception cref="QueueException">It is not failed, was retried already, or has no retries left.</exception>
    public AgentTask Create(TaskId id, RetryOptions options)
    {
        // A running task's lock is its supervisor's: what it is comes before whether it is free.
        CheckEnded(queue.ReadOrThrow(id));
        using var held = queue.LockTask(id);
        var task = queue.ReadOrThrow(id);
        var failed = CheckEnded(task);

        if (failed.RetriedBy is { } by)
        {
            throw new QueueException(
                $"Task {id} was already retried as {by}",
                $"See how that went: agentq show {by}"
            );
        }

        var most = options.MaxRetries ?? task.MaxRetries;
        // In a plan the number is that of automatic retries; who asks for one more gets it, and them again.
        if (task.Step is null && task.RetryCount + 1 > most && failed.RetryIntent is null)
        {
            throw new QueueException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Task {id} has used its {most} retries"
                ),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Allow one more: agentq retry {id} --max-retries {task.RetryCount + 1}"
                )
            );
        }

        return Create(
            task,
            failed,
            most,
            options.AutoRetry,
            afresh: task.Step is not null,
            options.Resume?.Invoke(task)
        );
    }

    /// <summary>The failed tasks that <see cref="Create(TaskId, RetryOptions)"/> would take, by id.</summary>
    public IReadOnlyList<TaskId> FindRetryable(QueueSnapshot snapshot, RetryOptions options) =>
        [
            .. snapshot
                .Finished.Where(t =>
                    t.Status == Tasks.TaskStatus.Failed
                    && queue.Read(t.Id)
                        is TaskRead.Found({ State: TaskState.Failed { RetriedBy: null } } task, _)
                    && task.Step is null
                    && task.RetryCount < (options.MaxRetries ?? task.MaxRetries)
                )
                .Select(static t => t.Id)
                .Order(),
        ];

    private static TaskState.Unsuccessful CheckEnded(AgentTask task) =>
        task.State as TaskState.Unsuccessful
        ?? throw new QueueException(
            $"Task {task.Id} is {TaskJson.NameOf(task.Status)}; only a task that failed or was cancelled can be retried"
        );

    /// <summary>Makes the automatic retries that are due; returns how many.</summary>
    public int CreateDue(QueueSnapshot snapshot)
    {
        var made = 0;
        var now = clock.GetUtcNow();
        foreach (var candidate in snapshot.Finished)
        {
            if (!candidate.WillRetry)
            {
                continue;
            }

            // Whoever holds the lock is doing the same.
            using var held = queue.TryLockPassing(candidate.Id);
            if (
                held is not null
                && queue.Read(candidate.Id) is TaskRead.Found(var task, _)
                && RetryPolicy.DueAt(task) is { } due
                && RetryPolicy.IsDue(task, due, now)
                && task.State is TaskState.Failed failed
            )
            {
                Create(
                    task,
                    failed,
                    task.MaxRetries,
                    autoRetry: task.AutoRetry || failed.FallbackTo is null
                );
                made++;
            }
        }

        return made;
    }

    /// <summary>When the next automatic retry is due; null if none is.</summary>
    /// <param name="which">Which failed tasks are looked at.</param>
    public DateTimeOffset? NextDue(QueueSnapshot snapshot, Func<TaskId, bool> which) =>
        snapshot
            .Finished.Where(t => t.WillRetry && which(t.Id))
            .Min(t =>
                queue.Read(t.Id) is TaskRead.Found(var task, _) ? RetryPolicy.DueAt(task) : null
            );

    /// <summary>Completes retries whose maker died half-way; returns how many.</summary>
    public int FinishInterrupted(QueueSnapshot snapshot)
    {
        var finished = 0;
        foreach (var candidate in snapshot.Finished)
        {
            if (!candidate.HasIntent)
            {
                continue;
            }

            using var held = queue.TryLockPassing(candidate.Id);
            if (
                held is not null
                && queue.Read(candidate.Id) is TaskRead.Found(var task, _)
                && task.State is TaskState.Unsuccessful { RetryIntent: not null } failed
            )
            {
                // By itself it would not have been retried once more.
                var afresh = task.Step is not null && task.RetryCount >= task.MaxRetries;
                Create(task, failed, task.MaxRetries, task.AutoRetry, afresh);
                finished++;
            }
        }

        return finished;
    }

    /// <param name="afresh">Its automatic retries are counted from here.</param>
    // The caller holds the failed task's lock.
    private AgentTask Create(
        AgentTask task,
        TaskState.Unsuccessful failed,
        int maxRetries,
        bool autoRetry,
        bool afresh = false,
        AgentOptions? resume = null
    )
    {
        var now = clock.GetUtcNow();
        var fallback = (failed as TaskState.Failed)?.FallbackTo;
        var retry = new AgentTask
        {
            Id = failed.RetryIntent ?? NewId(task, now),
            Agent = fallback ?? task.Agent,
            Prompt = task.Prompt,
            CreatedAt = now,
            Name = task.Name,
            Labels = task.Labels,
            WorkingFolder = task.WorkingFolder,
            Environment = task.Environment,
            Timeout = task.Timeout,
            TimeoutWarning = task.TimeoutWarning,
            IdleTimeout = task.IdleTimeout,
            Priority = task.Priority,
            RetryCount = afresh ? 0 : task.RetryCount + 1,
            MaxRetries = maxRetries,
            AutoRetry = task.Step is null ? autoRetry : maxRetries > 0,
            Parent = task.Parent ?? task.Id,
            RetryHistory =
            [
                .. task.RetryHistory,
                new RetryRecord(
                    task.Step is null ? task.RetryCount + 1 : task.RetryHistory.Length + 1,
                    now,
                    (failed as TaskState.Failed)?.Message,
                    task.Id
                ),
            ],
            DependsOn = task.DependsOn,
            AfterAny = task.AfterAny,
            AfterNotOk = task.AfterNotOk,
            DependenciesMet = failed.StartedAt is null ? task.DependenciesMet : MetBy(task),
            Step = task.Step,
            Checks = task.Checks,
            Options =
                resume
                ?? (
                    fallback is not null ? HandedOn(task, failed)
                    : task.Options is { } asked ? Sessions.Fresh(asked)
                    : null
                ),
            Worktree = task.Worktree?.ForRetry(),
            Cause = task.Cause,
            // Who has not been asked yet is asked again.
            State = new TaskState.Pending(
                Held: task.Step?.Approval is not null && failed.StartedAt is null
            ),
        };
        if (failed.RetryIntent is null)
        {
            queue.Write(task with { State = failed with { RetryIntent = retry.Id } });
        }

        // False if the retry exists already: its maker died just after it.
        if (queue.TryCreate(retry))
        {
            PlanFiles.Write(queue, retry, (failed as TaskState.Failed)?.Message ?? "Cancelled");
        }

        queue.Write(
            task with
            {
                State = failed with { RetryIntent = null, RetriedBy = retry.Id, RetriedAt = now },
            }
        );
        return retry;
    }

    // Another agent knows neither its session nor its models; those before it had their turn.
    private AgentOptions HandedOn(AgentTask task, TaskState.Unsuccessful failed)
    {
        var to = ((TaskState.Failed)failed).FallbackTo!;
        var list = task.Options?.Fallback ?? FallbackOfAgent(task.Agent);
        return Sessions.Fresh(task.Options) with
        {
            Model = null,
            Session = null,
            Continues = null,
            OnLimit = task.Options?.OnLimit is { Fallback: null } policy ? policy : null,
            Fallback = [.. list.SkipWhile(a => a != to).Skip(1)],
        };
    }

    // It could start once, so all of them were met; by now they may have been cleaned. But in a run they may be
    // tried again as well, and what comes after them then waits for that.
    private ImmutableArray<TaskId> MetBy(AgentTask task) =>
        task.Step is null
            ? task.DependsOn
            :
            [
                .. task.DependsOn.Where(id =>
                    task.DependenciesMet.Contains(id) || queue.Read(id) is TaskRead.Missing
                ),
            ];

    private TaskId NewId(AgentTask task, DateTimeOffset now)
    {
        var tries = task.RetryHistory.Length;
        TaskId id;
        do
        {
            tries++;
            id =
                RunId.Of(task.Id) is not null ? RunId.RetryOf(task.Id, tries)
                : EventTaskId.Is(task.Id) ? EventTaskId.New(now, task.Id)
                : TaskId.New(now);
        } while (queue.Disk.Facts(queue.TaskFile(id)) is not null);

        return id;
    }
}
