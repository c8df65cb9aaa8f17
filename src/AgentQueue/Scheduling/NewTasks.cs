using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>What <c>start</c> asks for; everything already read into its type.</summary>
internal sealed record NewTask(string Agent, string Prompt)
{
    public string? Name { get; init; }
    public ImmutableSortedDictionary<string, string> Labels { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Absolute.</summary>
    public string? WorkingFolder { get; init; }
    public ImmutableSortedDictionary<string, string?> Environment { get; init; } =
        ImmutableSortedDictionary<string, string?>.Empty;
    public TimeSpan? Timeout { get; init; }
    public TimeSpan? TimeoutWarning { get; init; }
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>1 to 10.</summary>
    public int Priority { get; init; } = AgentTask.DefaultPriority;
    public int MaxRetries { get; init; } = AgentTask.DefaultMaxRetries;
    public bool AutoRetry { get; init; }
    public bool Hold { get; init; }

    /// <summary>What must hold of its work; null for nothing of its own.</summary>
    public WorkChecks? Checks { get; init; }

    /// <summary>What it asks of its agent's adapter.</summary>
    public AgentOptions? Options { get; init; }

    /// <summary>It is not ready before; null if it may start at once.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    public ImmutableArray<Dependency> DependsOn { get; init; } = [];

    /// <summary>Null for none, unless the agent has one for each of its tasks.</summary>
    public Worktree? Worktree { get; init; }

    /// <summary>Each dependency once.</summary>
    /// <exception cref="QueueException">One is named with two kinds.</exception>
    public static ImmutableArray<Dependency> Unique(IEnumerable<Dependency> dependencies)
    {
        ImmutableArray<Dependency> unique = [.. dependencies.Distinct()];
        return
            unique.GroupBy(static d => d.Id).FirstOrDefault(static g => g.Skip(1).Any())
                is { } twice
            ? throw QueueException.Usage(
                $"{twice.Key} is named as {string.Join(" and as ", twice.Select(static d => d.Kind.Word()))}",
                "Name it once"
            )
            : unique;
    }
}

/// <summary>Queues tasks. Once a call has returned, they survive anything but <c>clean</c>.</summary>
internal sealed class NewTasks(QueueFolder queue, TimeProvider clock)
{
    /// <summary>How many tasks the queue takes, finished ones too; null for no limit.</summary>
    public int? Most { get; init; }

    /// <summary>The longest prompt: 4 MiB of UTF-8.</summary>
    public const int LongestPrompt = TaskJson.LongestText;

    /// <summary>
    /// What an agent's configuration asks of the work of its tasks: stored with each, so that nobody who works on
    /// it can change it any more.
    /// </summary>
    public Func<string, WorkChecks?> ChecksOfAgent { get; init; } = static _ => null;

    // The system's limit for one argument or variable.
    private const int LongestDetail = 128 << 10;

    /// <exception cref="QueueException">
    /// A dependency does not exist, there is no room, a prompt cannot be delivered, or the disk refused;
    /// nothing was stored.
    /// </exception>
    public AgentTask Create(NewTask request)
    {
        // Between the look and the write no dependency is cleaned and nobody else takes the last room.
        using var turn = Prepare([request]);
        var task = Build(request, TaskId.New(clock.GetUtcNow()));
        while (!TryStore(task))
        {
            task = task with { Id = TaskId.New(clock.GetUtcNow()) };
        }

        return task;
    }

    // The task's own file comes last: with it the task is there, and what failed before has queued nothing.
    private bool TryStore(AgentTask task)
    {
        var stored = false;
        try
        {
            PlanFiles.Write(queue, task);
            return stored = queue.TryCreate(task);
        }
        finally
        {
            if (!stored && queue.Disk.Facts(queue.TaskFile(task.Id)) is null)
            {
                queue.Disk.Delete(queue.PlanFile(task.Id));
            }
        }
    }

    /// <summary>All or none, with ids in their order.</summary>
    public IReadOnlyList<AgentTask> CreateAll(IReadOnlyList<NewTask> requests)
    {
        if (requests.Count == 0)
        {
            return [];
        }

        using var turn = Prepare(requests);
        var ids = TaskId.NewSeries(clock.GetUtcNow(), requests.Count);
        var tasks = requests.Select((r, i) => Build(r, ids[i])).ToList();
        TaskBatch.Create(queue, tasks);
        return tasks;
    }

    /// <summary>Stores the tasks of a run as they are; those that are there already stay as they are.</summary>
    /// <exception cref="QueueException">There is no room, or the disk refused; nothing was stored.</exception>
    public void CreateRun(IReadOnlyList<AgentTask> tasks)
    {
        queue.Create();
        using var turn = queue.LockQueue();
        CheckRoom(tasks.Count);
        TaskBatch.Create(
            queue,
            [
                .. tasks.Select(t =>
                    t.Step is { Command.IsEmpty: true }
                        ? t with
                        {
                            Checks = WorkChecks.Join(t.Checks, ChecksOfAgent(t.Agent)),
                        }
                        : t
                ),
            ]
        );
    }

    private HeldLock? Prepare(IReadOnlyList<NewTask> requests)
    {
        foreach (var request in requests)
        {
            CheckPrompt(request.Prompt);
            CheckDetails(request);
        }

        queue.Create();

        if (Most is null && !requests.Any(static r => r.DependsOn.Length > 0))
        {
            return null;
        }

        var turn = queue.LockQueue();
        try
        {
            CheckRoom(requests.Count);
            CheckDependencies(requests);
            return turn;
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    private void CheckRoom(int more)
    {
        if (Most is { } most && new TaskLookup(queue).All().Count() + more > most)
        {
            throw new QueueException(
                $"The queue is limited to {most} tasks (queue.maxTasks)",
                "Make room: agentq clean, or agentq archive"
            );
        }
    }

    private void CheckDependencies(IReadOnlyList<NewTask> requests)
    {
        foreach (
            var id in requests
                .SelectMany(static r => r.DependsOn)
                .Select(static d => d.Id)
                .Distinct()
        )
        {
            if (
                queue.Disk.Facts(queue.TaskFile(id)) is null
                && queue.Disk.Facts(queue.ArchivedTask(id)) is null
            )
            {
                throw new QueueException(
                    $"There is no task {id} to depend on",
                    "See what there is: agentq status --all"
                );
            }
        }
    }

    private AgentTask Build(NewTask request, TaskId id) =>
        new()
        {
            Id = id,
            Agent = request.Agent,
            Prompt = request.Prompt,
            CreatedAt = clock.GetUtcNow(),
            Name = request.Name,
            Labels = request.Labels,
            WorkingFolder = request.WorkingFolder,
            Environment = request.Environment,
            Timeout = request.Timeout,
            TimeoutWarning = request.TimeoutWarning,
            IdleTimeout = request.IdleTimeout,
            Priority = request.Priority,
            MaxRetries = request.MaxRetries,
            AutoRetry = request.AutoRetry,
            Checks = WorkChecks.Join(request.Checks, ChecksOfAgent(request.Agent)),
            Options = request.Options,
            DependsOn = [.. request.DependsOn.Select(static d => d.Id).Distinct()],
            AfterAny = Those(request, DependencyKind.AfterAny),
            AfterNotOk = Those(request, DependencyKind.AfterNotOk),
            Worktree = request.Worktree,
            State = new TaskState.Pending(request.Hold, request.NotBefore),
        };

    private static ImmutableArray<TaskId> Those(NewTask request, DependencyKind kind) =>
        [.. request.DependsOn.Where(d => d.Kind == kind).Select(static d => d.Id).Distinct()];

    // What is stored can be read again.
    private static void CheckDetails(NewTask request)
    {
        string?[] details =
        [
            request.Name,
            request.WorkingFolder,
            .. request.Labels.Keys,
            .. request.Labels.Values,
            .. request.Environment.Keys,
            .. request.Environment.Values,
        ];
        if (details.Any(static d => d is not null && Encoding.UTF8.GetByteCount(d) > LongestDetail))
        {
            throw QueueException.Usage(
                "A name, label, folder or variable is longer than 128 KiB",
                "Put it into a file and tell the agent to read that"
            );
        }

        if (
            request.Labels.Count > TaskJson.MostEntries
            || request.Environment.Count > TaskJson.MostEntries
            || request.DependsOn.Length > TaskJson.MostItems
        )
        {
            throw QueueException.Usage(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A task may have {TaskJson.MostEntries} labels, as many variables and {TaskJson.MostItems} dependencies"
                )
            );
        }
    }

    /// <summary>Refuses what cannot reach an agent byte for byte.</summary>
    public static void CheckPrompt(string prompt)
    {
        if (string.IsNullOrWhiteSpace(prompt))
        {
            throw QueueException.Usage("The prompt is empty", "Say what the agent shall do");
        }

        CheckText(prompt, "The prompt");

        if (Encoding.UTF8.GetByteCount(prompt) > LongestPrompt)
        {
            throw QueueException.Usage(
                "The prompt is longer than 4 MiB",
                "Put it into a file and tell the agent to read that"
            );
        }
    }

    /// <summary>Refuses what cannot be stored and handed on as it is.</summary>
    /// <param name="what">Its name, at the beginning of a sentence.</param>
    public static void CheckText(string text, string what)
    {
        if (text.Contains('\0'))
        {
            throw QueueException.Usage(
                $"{what} holds a NUL character, which no program can be given"
            );
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
            {
                throw QueueException.Usage(
                    $"{what} is not valid Unicode (half of a surrogate pair)"
                );
            }

            i++;
        }
    }
}
