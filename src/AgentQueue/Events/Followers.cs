using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Events;

/// <summary>
/// What follows from one occurrence: tasks that are ended, then tasks that are stored. How many run at once is not
/// decided here but by the scheduler when it starts them, under the queue's lock; so two events at once never have
/// two tasks run where one may. Used under the lock of the log.
/// </summary>
internal sealed class Followers(ProjectQueue project, AgentConfig config, Occurrence occurrence)
{
    /// <summary>How many events may lie behind a task.</summary>
    public const int DeepestChain = 100;

    private readonly QueueFolder _queue = project.Queue;
    private readonly VerdictWriter _verdicts = new(project.Queue, project.Clock);
    private readonly HashSet<TaskId> _gone = [];
    private QueueSnapshot? _snapshot;

    public List<AffectedTask> Started { get; } = [];
    public List<AffectedTask> Cancelled { get; } = [];
    public List<PassedOver> Ignored { get; } = [];

    public void Decide()
    {
        foreach (var agent in config.Agents.Values)
        {
            if (EventName.Match(agent.Events.CancelOn, occurrence.Names) is not null)
            {
                CancelAll(AtWork(agent.Name));
            }
        }

        NoteEnd();
        foreach (var agent in config.Agents.Values)
        {
            if (Fires(agent, out var name, out var memory))
            {
                Follow(agent, name, memory);
            }

            memory?.Store();
        }
    }

    private void NoteEnd()
    {
        if (
            occurrence.Task is { IsFinished: true, Cause: not null } ended
            && config.Agents.TryGetValue(ended.Agent, out var agent)
            && agent.Events is { DebounceMode: DebounceMode.Completion, Debounce.Ticks: > 0 }
        )
        {
            var memory = RuleMemory.Of(_queue, agent.Name, project.Clock);
            memory.NoteEnd();
            memory.Store();
        }
    }

    // The memory is made only where there is something to remember.
    private bool Fires(AgentDefinition agent, out string name, out RuleMemory? memory)
    {
        memory = null;
        var rule = agent.Events;
        if (EventName.Match(rule.Triggers, occurrence.Names) is { } single)
        {
            name = single;
            return true;
        }

        name = "";
        var came = rule.AllOf.Where(n => occurrence.Names.Any(o => EventName.IsMatch(n, o)));
        if (came.FirstOrDefault() is not { } joined)
        {
            return false;
        }

        memory = RuleMemory.Of(_queue, agent.Name, project.Clock);
        name = occurrence.Names.First(o => EventName.IsMatch(joined, o));
        if (!memory.Join(rule.AllOf, came, occurrence.Id))
        {
            Ignored.Add(
                new PassedOver(
                    agent.Name,
                    $"it counts, and waits for {string.Join(", ", rule.AllOf.Except(memory.Joined))} as well"
                )
            );
            return false;
        }

        memory.Fired(occurrence.Id);
        return true;
    }

    private void Follow(AgentDefinition agent, string name, RuleMemory? memory)
    {
        var rule = agent.Events;
        var id = EventTaskId.Of(occurrence.Id, occurrence.At, agent.Name);
        if (IsStored(id))
        {
            Started.Add(new AffectedTask(agent.Name, id));
            return;
        }

        if (WhyNot(name) is { } round)
        {
            Ignored.Add(new PassedOver(agent.Name, round));
            return;
        }

        if (rule.Debounce > TimeSpan.Zero && rule.DebounceMode != DebounceMode.Trailing)
        {
            memory ??= RuleMemory.Of(_queue, agent.Name, project.Clock);
            var isStart = rule.DebounceMode == DebounceMode.Start;
            if (
                (isStart ? memory.SinceStart : memory.SinceEnd) is { } since
                && since < rule.Debounce
            )
            {
                Ignored.Add(
                    new PassedOver(
                        agent.Name,
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"it {(isStart ? "started" : "ended")} {since.TotalMilliseconds:0} ms ago, and {rule.Debounce.TotalMilliseconds:0} ms shall lie between"
                        )
                    )
                );
                return;
            }
        }

        var cause = CauseOf(name);
        if (PromptOf(agent, cause, out var unfilled) is not { } prompt)
        {
            // Before anything is ended for it; the other rules have nothing to do with it.
            Ignored.Add(new PassedOver(agent.Name, unfilled!));
            return;
        }

        var isTrailing = rule is { DebounceMode: DebounceMode.Trailing, Debounce.Ticks: > 0 };
        var atWork = AtWork(agent.Name);
        if (isTrailing && Merge(agent, cause, prompt, atWork))
        {
            return;
        }

        if (WhyNoRoom() is { } full)
        {
            Ignored.Add(new PassedOver(agent.Name, full));
            return;
        }

        if (rule.MaxConcurrent is { } most && atWork.Count >= most)
        {
            switch (rule.OnRetrigger)
            {
                // Its last event would be lost, and with it the state that the burst came to.
                case OnRetrigger.Ignore when !isTrailing:
                    Ignored.Add(
                        new PassedOver(
                            agent.Name,
                            $"{string.Join(", ", atWork.Select(static t => t.Id))} is at work, and onRetrigger is ignore"
                        )
                    );
                    return;
                case OnRetrigger.CancelAndRestart:
                    CancelAll(atWork);
                    break;
            }
        }

        Store(agent, cause, prompt, id, isTrailing);
        Started.Add(new AffectedTask(agent.Name, id));
        if (rule is { DebounceMode: DebounceMode.Start, Debounce.Ticks: > 0 })
        {
            memory ??= RuleMemory.Of(_queue, agent.Name, project.Clock);
            memory.NoteStart();
            memory.Store();
        }
    }

    private string? WhyNoRoom() =>
        project.Settings.MaxQueuedTasks is { } most && new TaskLookup(_queue).All().Count() >= most
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"the queue is limited to {most} tasks (queue.maxTasks)"
            )
            : null;

    private bool IsStored(TaskId id) =>
        _queue.Disk.Facts(_queue.TaskFile(id)) is not null
        || _queue.Disk.Facts(_queue.ArchivedTask(id)) is not null;

    // Per branch: only what lies behind this very event counts.
    private string? WhyNot(string name)
    {
        var loops =
            occurrence.Task is { } task
            && config.Agents.TryGetValue(task.Agent, out var agent)
            && !agent.Events.LoopDetection;
        var at = occurrence.Chain.LastIndexOf(name);
        // What an agent without loop detection tells begins a chain anew.
        var begin = -1;
        for (var i = 0; i < occurrence.Chain.Length; i++)
        {
            begin = TellsAnew(occurrence.Chain[i]) ? i : begin;
        }

        return at >= Math.Max(begin, 0) && !loops
                ? $"it would go round: {string.Join(" → ", occurrence.Chain[at..].Add(name))}"
            : occurrence.Chain.Length >= DeepestChain
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"{DeepestChain} events lie behind it, which is as many as may"
                )
            : null;
    }

    private bool TellsAnew(string name) =>
        EventName.NamesTask(name, out _, out var about)
        && config.Agents.TryGetValue(about, out var agent)
        && !agent.Events.LoopDetection;

    // Pending, starting or running tasks that events started, the oldest first.
    private List<TaskSummary> AtWork(string agent)
    {
        // Taken once: what is stored or ended here meanwhile concerns other agents.
        _snapshot ??= QueueSnapshot.Take(_queue, Closeness.OpenTasks);
        return
        [
            .. _snapshot.Unfinished.Where(t =>
                t.Agent == agent && EventTaskId.Is(t.Id) && !_gone.Contains(t.Id)
            ),
        ];
    }

    private void CancelAll(List<TaskSummary> tasks)
    {
        foreach (var task in tasks)
        {
            _gone.Add(task.Id);
            if (!Requests.Has(_queue, task.Id, Requests.Cancel) && Cancel(task.Id))
            {
                Cancelled.Add(new AffectedTask(task.Agent, task.Id));
            }
        }
    }

    // Nobody is waited for: the scheduler does not start the next one before this one is gone.
    private bool Cancel(TaskId id)
    {
        using (var held = _queue.TryLockPassing(id))
        {
            if (held is not null && _queue.Read(id) is TaskRead.Found(var task, _))
            {
                if (task.State is TaskState.Pending)
                {
                    _verdicts.Record(task, new Evidence { CancelRequested = true });
                    return true;
                }

                if (task.IsFinished)
                {
                    return false;
                }
            }
        }

        Requests.AskToEnd(_queue, id, Requests.Cancel);
        return true;
    }

    // A task that waits for the events to stop coming takes the newest one over.
    private bool Merge(
        AgentDefinition agent,
        TaskCause cause,
        string prompt,
        List<TaskSummary> atWork
    )
    {
        foreach (var waiting in atWork.Where(static t => t.State is TaskState.Pending))
        {
            using var held = _queue.TryLockPassing(waiting.Id);
            if (
                held is not null
                && _queue.Read(waiting.Id)
                    is TaskRead.Found({ State: TaskState.Pending pending } task, _)
            )
            {
                _queue.Write(
                    task with
                    {
                        Cause = cause,
                        Prompt = prompt,
                        State = pending with
                        {
                            NotBefore = project.Clock.GetUtcNow() + agent.Events.Debounce,
                        },
                    }
                );
                Started.Add(new AffectedTask(agent.Name, task.Id));
                return true;
            }
        }

        return false;
    }

    private void Store(
        AgentDefinition agent,
        TaskCause cause,
        string prompt,
        TaskId id,
        bool isTrailing
    )
    {
        var now = project.Clock.GetUtcNow();
        var task = new AgentTask
        {
            Id = id,
            Agent = agent.Name,
            Prompt = prompt,
            CreatedAt = now,
            Cause = cause,
            Checks = agent.Work.Checks,
            State = new TaskState.Pending(
                NotBefore: isTrailing ? now + agent.Events.Debounce : null
            ),
        };
        PlanFiles.Write(_queue, task);
        _queue.TryCreate(task);
    }

    private TaskCause CauseOf(string name) =>
        new(name, occurrence.Chain.Add(name))
        {
            Task = occurrence.Task?.Id,
            Variables = occurrence.Variables,
        };

    // Null if its template cannot be filled.
    private string? PromptOf(AgentDefinition agent, TaskCause cause, out string? problem)
    {
        try
        {
            problem = null;
            return Variables.FillPrompt(config, agent, cause);
        }
        catch (QueueException e)
        {
            problem = e.Message;
            return null;
        }
    }
}
