using System.Collections.Immutable;
using System.Text;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>What <c>plan run</c> asks for.</summary>
/// <param name="Path">The plan's file, absolute.</param>
/// <param name="ShownAs">As it was typed.</param>
/// <param name="WorkingFolder">Absolute.</param>
/// <param name="Given">Values for parameters.</param>
internal sealed record RunRequest(
    string Path,
    string ShownAs,
    string WorkingFolder,
    IReadOnlyDictionary<string, string> Given
)
{
    /// <summary>Instead of the plan's.</summary>
    public int? MaxParallel { get; init; }

    /// <summary>Instead of the plan's.</summary>
    public bool? FailFast { get; init; }
}

/// <summary>
/// Runs of plans. A run is its tasks in the queue, with ids that begin alike, and a drain of their own: whoever
/// ends a task starts what has become ready.
/// </summary>
internal sealed class PlanRuns(ProjectQueue project)
{
    // Longer no verb holds a task, and nobody keeps resuming what is being cancelled.
    private const int MostLooks = 50;
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(20);

    private readonly QueueFolder _queue = project.Queue;

    /// <summary>The run that a part of an id, or <c>last</c>, means.</summary>
    /// <exception cref="QueueException">None, or more than one.</exception>
    public RunId Find(string part)
    {
        var all = All();
        if (part == "last")
        {
            return all.Count > 0
                ? all[0]
                : throw new QueueException(
                    "No plan has been run in this project",
                    "Run one: agentq plan run PLAN"
                );
        }

        var found = all.Where(run => run.Value.Contains(part, StringComparison.OrdinalIgnoreCase))
            .ToList();
        return part.Length > 0 && found.Count == 1
            ? found[0]
            : throw new QueueException(
                found.Count == 0
                    ? $"No run has '{part}' in its id"
                    : $"'{part}' is in the ids of {found.Count} runs: {string.Join(", ", found.Take(5))}{(found.Count > 5 ? ", …" : "")}",
                found.Count == 0
                    ? "See what there is: agentq plan list"
                    : "Type a longer part, or 'last'"
            );
    }

    /// <summary>All runs, the newest first.</summary>
    public IReadOnlyList<RunId> All()
    {
        var runs = new List<RunId>();
        foreach (var name in _queue.Disk.List(_queue.Runs))
        {
            if (RunId.TryParse(name, out var run))
            {
                runs.Add(run);
            }
        }

        runs.Sort(static (a, b) => b.CompareTo(a));
        return runs;
    }

    /// <exception cref="QueueException">Its record is gone, or cannot be read.</exception>
    public RunView View(RunId run) =>
        RunView.Of(_queue, RunRecord.Read(_queue, run), project.Clock.GetUtcNow());

    /// <summary>Checks a plan and stores its tasks; nothing has started when it returns.</summary>
    /// <exception cref="QueueException">The plan is wrong, an agent or the working folder is not there, or the disk refused.</exception>
    public RunRecord Create(RunRequest request)
    {
        var bytes = PlanFile.ReadOrThrow(request.Path, request.ShownAs);
        var plan = PlanFile.OrThrow(
            PlanReader.Read(request.ShownAs, bytes, request.Given),
            request.ShownAs
        );
        foreach (var node in plan.Tasks)
        {
            CheckAgent(node);
        }

        if (!Directory.Exists(request.WorkingFolder))
        {
            throw QueueException.Usage(
                $"There is no folder {request.WorkingFolder}",
                "The tasks would start there; name another one with --workdir"
            );
        }

        var now = project.Clock.GetUtcNow();
        var run = new RunRecord
        {
            Id = NewId(now),
            Plan = request.ShownAs,
            Frozen = "plan" + (Path.GetExtension(request.Path) is { Length: > 0 } e ? e : ".yaml"),
            Goal = plan.Goal,
            WorkingFolder = request.WorkingFolder,
            Rules = new DrainRules(request.MaxParallel ?? plan.MaxParallel ?? Plan.DefaultParallel)
            {
                FailFast = request.FailFast ?? plan.FailFast,
                Groups = RunTasks.GroupsOf(plan),
            },
            ArtifactsFolder = plan.ArtifactsFolder is { } folder
                ? Path.GetFullPath(folder, request.WorkingFolder)
                : null,
            Given = request.Given.ToImmutableSortedDictionary(StringComparer.Ordinal),
            CreatedAt = now,
            Nodes = [.. plan.Tasks.Select(static t => t.Id)],
        };
        Store(run, bytes, RunTasks.Of(plan, run));
        return run;
    }

    private RunId NewId(DateTimeOffset now)
    {
        var id = RunId.New(now);
        while (_queue.Disk.Facts(_queue.RunFolder(id)) is not null)
        {
            id = RunId.New(now);
        }

        return id;
    }

    private void CheckAgent(PlanTask node)
    {
        if (node.Agent is not { } agent)
        {
            return;
        }

        try
        {
            NewTasks.CheckPrompt(node.Prompt!);
            project.CheckDeliverable(new NewTask(agent, node.Prompt!));
        }
        catch (QueueException e)
        {
            throw QueueException.Usage($"Task '{node.Id}' of the plan: {e.Message}", e.Hint);
        }
    }

    private void Store(RunRecord run, byte[] plan, IReadOnlyList<AgentTask> tasks)
    {
        _queue.Create();
        var folder = _queue.RunFolder(run.Id);
        _queue.Disk.CreateFolder(Path.Join(folder, "logs"));
        try
        {
            _queue.Durable.TryCreate(Path.Join(folder, run.Frozen), plan);
            _queue.Durable.TryCreate(Path.Join(folder, RunRecord.FileName), run.Write());
            _queue.Durable.SyncFolderOf(folder);
            project.NewTasks.CreateRun(tasks);
        }
        catch (QueueException) when (_queue.Read(tasks[0].Id) is TaskRead.Missing)
        {
            _queue.Disk.DeleteFolder(folder);
            throw;
        }
    }

    /// <summary>Starts what is ready, and lets whoever ends a task start the next.</summary>
    public PassResult Begin(RunRecord run)
    {
        var tasks = project.RunOf(run.Id);
        var pass = tasks.BeginDrain(run.Rules);
        // Another verb was at work on a task, and there is no supervisor that would look at it again.
        for (var look = 0; look < MostLooks && pass is { InHand: > 0, Running: 0 }; look++)
        {
            _queue.Disk.Pause(s_lookAgain);
            pass = tasks.BeginDrain(run.Rules);
        }

        return pass;
    }

    /// <summary>
    /// After a change of tasks by hand: the runs that they belong to go on. What was skipped because of how one of
    /// them had ended is looked at again.
    /// </summary>
    public void GoOn(IReadOnlyCollection<TaskId> tasks)
    {
        foreach (var run in tasks.Select(RunId.Of).OfType<RunId>().Distinct())
        {
            var changed = tasks.Where(t => RunId.Of(t) == run).Select(RunId.NodeOf).ToHashSet();
            var view = View(run);
            foreach (var node in view.Nodes)
            {
                if (
                    node.Last
                        is {
                            State: TaskState.Cancelled { Skipped: not null },
                            Step.When: { } when
                        } task
                    && changed.Contains(RunId.NodeOf(when.Task))
                )
                {
                    TryAgain(task);
                }
            }

            Begin(view.Record);
        }
    }

    /// <summary>What <see cref="Resume"/> found to do.</summary>
    /// <param name="Again">Tasks that are run again.</param>
    internal sealed record Resumption(IReadOnlyList<AgentTask> Again, PassResult Pass);

    /// <summary>
    /// Runs what is not complete: what has failed, was cancelled or skipped gets another attempt, what was not
    /// started yet goes on. Called twice at once it does everything once.
    /// </summary>
    /// <param name="failedOnly">Leave alone what a condition has skipped.</param>
    /// <param name="change">Other rules for the rest of the run.</param>
    public Resumption Resume(RunId id, bool failedOnly, Func<DrainRules, DrainRules> change)
    {
        var run = RunRecord.Read(_queue, id);
        project.Reconciler.Reconcile(autoRetry: true);
        Complete(run);
        var again = new List<AgentTask>();
        foreach (var node in RunView.Of(_queue, run, project.Clock.GetUtcNow()).Nodes)
        {
            if (
                node.Last is { State: TaskState.Unsuccessful ended } task
                && node.State != NodeState.Retrying
                && !(failedOnly && ended is TaskState.Cancelled { Skipped: not null })
                && TryAgain(task) is { } retry
            )
            {
                again.Add(retry);
            }
        }

        return new Resumption(again, Begin(run with { Rules = change(run.Rules) }));
    }

    // Null if somebody else was faster, which is as good.
    private AgentTask? TryAgain(AgentTask task)
    {
        try
        {
            return project.Retries.Create(task.Id, new RetryOptions());
        }
        catch (QueueException)
            when (_queue.Read(task.Id)
                    is TaskRead.Found({ State: TaskState.Unsuccessful { RetriedBy: not null } }, _)
            )
        {
            return null;
        }
    }

    // Its maker may have died before the tasks were stored; the same plan gives the same tasks.
    private void Complete(RunRecord run)
    {
        if (
            Enumerable
                .Range(0, run.Nodes.Length)
                .Any(i => _queue.Disk.Facts(_queue.TaskFile(run.TaskOf(i))) is not null)
        )
        {
            return;
        }

        var path = Path.Join(_queue.RunFolder(run.Id), run.Frozen);
        project.NewTasks.CreateRun(RunTasks.Of(PlanFile.LoadOrThrow(path, path, run.Given), run));
    }

    /// <summary>
    /// Ends a run: nothing more starts, what waits is cancelled, what runs is ended with all its processes.
    /// Returns how many tasks were cancelled.
    /// </summary>
    /// <exception cref="QueueException">It is over.</exception>
    public int Cancel(RunId id)
    {
        var run = RunRecord.Read(_queue, id);
        project.Reconciler.Reconcile(autoRetry: false);
        var view = RunView.Of(_queue, run, project.Clock.GetUtcNow());
        if (view.IsOver)
        {
            throw new QueueException(
                $"{id} is {RunView.WordOf(view.State)} already; there is nothing to cancel"
            );
        }

        var count = 0;
        // Again, because what has just failed by itself may have a retry by now.
        for (var look = 0; look < MostLooks && !view.IsOver; look++)
        {
            project.RunOf(id).EndDrain();
            // What waits first: a task that ends makes no other start any more.
            count += CancelAll(
                view.Nodes.Where(static n => n.Last is { State: TaskState.Pending })
            );
            view = RunView.Of(_queue, run, project.Clock.GetUtcNow());
            count += CancelAll(view.Nodes.Where(static n => n.Last is { IsFinished: false }));
            count += view.Nodes.Count(n =>
                n.State == NodeState.Retrying && StopRetrying(n.Last!.Id)
            );
            project.Reconciler.Reconcile(autoRetry: false);
            view = RunView.Of(_queue, run, project.Clock.GetUtcNow());
        }

        return count;
    }

    private int CancelAll(IEnumerable<NodeView> nodes)
    {
        var count = 0;
        QueueException? problem = null;
        Parallel.ForEach(
            nodes,
            node =>
            {
                var id = node.Last!.Id;
                try
                {
                    if (project.Control.Cancel(id).State is TaskState.Cancelled)
                    {
                        Interlocked.Increment(ref count);
                    }
                }
                catch (QueueException)
                    when (_queue.Read(id) is TaskRead.Found({ IsFinished: true }, _))
                {
                    // It has ended by itself meanwhile.
                }
                catch (QueueException e)
                {
                    // The others are ended all the same.
                    problem = e;
                }
            }
        );
        return problem is null ? count : throw problem;
    }

    // False if its retry was made meanwhile.
    private bool StopRetrying(TaskId id)
    {
        using var held = _queue.LockTask(id);
        if (
            _queue.Read(id)
            is not TaskRead.Found
            ({ State: TaskState.Failed { RetryIntent: null, RetriedBy: null } } task, _)
        )
        {
            return false;
        }

        _queue.Write(task with { AutoRetry = false });
        return true;
    }

    /// <summary>Lets a task start that asks for approval, and the run go on.</summary>
    /// <exception cref="QueueException">It does not ask.</exception>
    public AgentTask Approve(RunId id, string node)
    {
        var run = RunRecord.Read(_queue, id);
        var task = Asking(run, node);
        project.Control.Release(task.Id);
        Begin(run);
        return _queue.ReadOrThrow(task.Id);
    }

    /// <summary>Cancels a task that asks for approval; what waits for its success is skipped.</summary>
    public AgentTask Reject(RunId id, string node)
    {
        var run = RunRecord.Read(_queue, id);
        var task = project.Control.CancelHeld(Asking(run, node).Id);
        // What waits for its end, however it ended, can start now.
        Begin(run);
        return task;
    }

    private AgentTask Asking(RunRecord run, string name)
    {
        var view = RunView.Of(_queue, run, project.Clock.GetUtcNow());
        var node = FindNode(view, name);
        return
            node.Last is { State: TaskState.Pending { Held: true }, Step.Approval: not null } task
            ? task
            : throw new QueueException(
                $"Task '{node.Id}' of {run.Id} asks for no approval: it is {RunView.WordOf(node.State)}",
                view.Nodes.FirstOrDefault(static n => n.State == NodeState.Approval) is { } other
                    ? $"This one asks: {other.Id}"
                    : $"See the run: agentq plan status {run.Id}"
            );
    }

    /// <exception cref="QueueException">The run has no such node.</exception>
    public static NodeView FindNode(RunView view, string name) =>
        view.Nodes.FirstOrDefault(n => n.Id == name)
        ?? throw new QueueException(
            $"{view.Record.Id} has no task '{name}'{Nearest.Suggestion(name, view.Record.Nodes)}",
            $"See its tasks: agentq plan status {view.Record.Id}"
        );

    /// <summary>Removes a run that is over, with its tasks, logs and artifacts.</summary>
    /// <exception cref="QueueException">It is not over.</exception>
    public void Remove(RunId id)
    {
        var view = View(id);
        if (!view.IsOver && view.State != RunState.Stopped)
        {
            throw new QueueException(
                $"{id} is {RunView.WordOf(view.State)}; only a run that is over can be removed",
                $"End it: agentq plan cancel {id}"
            );
        }

        // Its folder goes last: as long as it stands, what is left of the run can be removed again.
        foreach (var task in view.Nodes.SelectMany(static n => n.Attempts))
        {
            using var held = _queue.LockTask(task.Id);
            foreach (var kind in SentinelNames.All)
            {
                _queue.Disk.Delete(_queue.SentinelFile(task.Id, kind));
            }

            _queue.Disk.Delete(_queue.PlanFile(task.Id));
            _queue.Disk.Delete(_queue.TaskFile(task.Id));
        }

        new Drain(_queue, id).Forget();
        _queue.Disk.DeleteFolder(_queue.RunFolder(id));
    }

    public string ReportOf(RunView view) => RunReport.Of(_queue, view, project.Clock.GetUtcNow());

    /// <summary>Writes the report of a run as it is now, and returns its path. It can be made again, so it is not synced.</summary>
    public string WriteReport(RunView view)
    {
        var folder = Path.Join(_queue.RunFolder(view.Record.Id), "report");
        _queue.Disk.CreateFolder(folder);
        var path = Path.Join(folder, "final_report.md");
        _queue.Unsynced.ReplaceUnsynced(path, Encoding.UTF8.GetBytes(ReportOf(view)));
        if (view is { IsOver: true, EndedAt: { } ended })
        {
            _queue.Listener?.RunOver(
                view.Record.Id,
                Path.GetFileNameWithoutExtension(view.Record.Plan),
                view.State == RunState.Cancelled ? null : view.State == RunState.Complete,
                ended
            );
        }

        return path;
    }

    /// <summary>What the last supervisor of a run does before it goes: writes the report, if the run is over.</summary>
    public void ReportIfOver(RunId id)
    {
        try
        {
            // As long as it is drained there is another one to do this.
            if (new Drain(_queue, id).Rules is null && View(id) is { IsOver: true } view)
            {
                WriteReport(view);
            }
        }
        catch (QueueException)
        {
            // It is written anew by whoever asks for it.
        }
    }
}
