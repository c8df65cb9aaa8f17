using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Starting the tasks of one scope. A pass holds the queue's lock from the count of what runs to the last hand-over of a
/// task's lock, so two passes at once never start a task twice and never exceed the limit.
/// </summary>
internal sealed partial class QueueRun(
    QueueFolder queue,
    Reconciler reconciler,
    Retries retries,
    IAgentPlanner planner,
    IBackend backend,
    TimeProvider clock,
    QueueScope scope = default
)
{
    // Supervisors are in no hurry: nobody looks at them.
    private static readonly TimeSpan s_supervisorPatience = TimeSpan.FromSeconds(60);

    // How soon a supervisor looks again at what somebody had in hand; a release of a lock is no event.
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(20);

    // Two seconds of looks: longer than that no verb holds a lock, and what is starting carries on itself.
    private const int MostLooks = 100;

    private readonly Drain _drain = new(queue, scope);
    private readonly ReadyList _list = new(queue, scope, clock);
    private readonly Surveyor _surveyor = new(queue, retries, scope, clock);

    /// <summary>Starts ready tasks until <paramref name="limit"/> run in all.</summary>
    /// <param name="most">Start no more than this many.</param>
    public PassResult Fill(int limit, int most = int.MaxValue)
    {
        using var turn = queue.LockQueue();
        DropStaleDrain();
        return Pass(limit, most, null, takeOne: false);
    }

    /// <summary>Starts the named tasks, whatever their priority.</summary>
    /// <param name="limit">The most that may run at once; null for no limit.</param>
    /// <exception cref="QueueException">One of them cannot start now; none was started.</exception>
    public PassResult StartNamed(IReadOnlyList<TaskId> ids, int? limit)
    {
        using var turn = queue.LockQueue();
        DropStaleDrain();
        return Pass(limit ?? int.MaxValue, int.MaxValue, ids, takeOne: false);
    }

    /// <summary>Starts those of the tasks that are ready, as far as there are slots.</summary>
    public PassResult StartAny(IReadOnlyCollection<TaskId> ids, int limit)
    {
        using var turn = queue.LockQueue();
        DropStaleDrain();
        return Pass(limit, int.MaxValue, null, takeOne: false, only: ids.Contains);
    }

    /// <summary>Keeps the slots full from now on, without this process.</summary>
    public PassResult BeginDrain(DrainRules rules)
    {
        using var turn = queue.LockQueue();
        _drain.Begin(rules);
        _list.Forget();
        return ContinueDrain(rules);
    }

    /// <summary>Nothing more is started by itself; what runs goes on. False if there was no drain.</summary>
    public bool EndDrain()
    {
        using var turn = queue.LockQueue();
        return _drain.End();
    }

    /// <summary>
    /// After a change that may have made a task ready: fills the slots if a drain is on. Null if none is, or
    /// if no slot is free.
    /// </summary>
    public PassResult? ContinueDrain()
    {
        if (_drain.Rules is null)
        {
            return null;
        }

        using var turn = queue.LockQueue();
        DropStaleDrain();
        if (_drain.Rules is not { } rules)
        {
            return null;
        }

        // Those whose slots are taken choose again when one is free.
        _list.Forget();
        return SlotsAreFull(rules.Parallel) ? null : ContinueDrain(rules);
    }

    /// <summary>
    /// What a supervisor does when its task has ended: fills the slots if a drain is on, and takes one
    /// task itself; or stays as the keeper that waits for the next back-off. Null: nothing left for it.
    /// </summary>
    /// <param name="ended">The task that it has just seen to its end.</param>
    public (AgentTask Task, HeldLock Lock)? TakeNext(AgentTask? ended = null)
    {
        HeldLock? keeper = null;
        var looks = 0;
        try
        {
            while (_drain.Rules is not null)
            {
                PassResult pass;
                DateTimeOffset now;
                using (queue.LockQueue(s_supervisorPatience))
                {
                    if (_drain.Rules is not { } rules)
                    {
                        return null;
                    }

                    // Another one has taken this one's place; with each that stayed there would be more.
                    if (keeper is null && SlotsAreFull(rules.Parallel))
                    {
                        return null;
                    }

                    // What has failed may be retried, or block others: then everything is looked at.
                    if (
                        keeper is null
                        && ended is null or { State: TaskState.Complete }
                        && NoSupervisorWasKilled()
                        && !StartGate.IsNeeded(queue, planner)
                        && (ended is null || ListWhatWaitedFor(ended.Id, rules))
                        && TakeListed() is { } listed
                    )
                    {
                        return listed;
                    }

                    ended = null;
                    // Before the look: a clock that is set back after it must not make the wait longer.
                    now = clock.GetUtcNow();
                    var snapshot = Reconcile();
                    keeper ??= _surveyor.NextDue(snapshot) is null ? null : _drain.TryKeep();
                    pass = Pass(
                        rules.Parallel,
                        int.MaxValue,
                        null,
                        takeOne: keeper is null,
                        snapshot
                    );
                    if (EndDrainWhenDone(pass))
                    {
                        return null;
                    }

                    if (pass.NextDue is null)
                    {
                        // Under the lock: who looks whether there is a keeper shall not find one that leaves.
                        keeper?.Dispose();
                        keeper = null;
                    }
                }

                if (pass.Taken is not null)
                {
                    return pass.Taken;
                }

                if ((pass.InHand > 0 || IsDone(pass)) && looks++ < MostLooks)
                {
                    // Leaving now could leave a task behind that is ready in a moment, and a drain with nobody.
                    queue.Disk.Pause(s_lookAgain);
                    continue;
                }

                if (keeper is null || pass.NextDue is not { } due)
                {
                    return null;
                }

                using var watch = queue.Disk.Watch(queue.Tasks);
                watch.Wait(Until(due, now));
            }

            return null;
        }
        finally
        {
            keeper?.Dispose();
        }
    }

    /// <summary>
    /// The tasks that have not ended, and whether any of them runs or could start now. <c>Ending</c>: no
    /// task does, and a drain will be over as soon as its last supervisor has noticed.
    /// </summary>
    public (HashSet<TaskId> Unfinished, bool Busy, bool Ending) Look()
    {
        var (snapshot, survey) = LookAround(autoRetry: true);
        // While a drain is on, a back-off that it waits for is work in progress; one whose supervisors
        // were all killed does nothing any more.
        var atWork = survey.Ready.Count > 0 || survey.Agents.Count > 0;
        var draining = !atWork && IsBeingDrained(_drain);
        return (
            [.. snapshot.Unfinished.Select(static t => t.Id)],
            atWork
                || draining
                || Drain.Runs(queue).Any(run => IsBeingDrained(new Drain(queue, run)))
                || (
                    snapshot.Unfinished.Exists(static t => EventTaskId.Is(t.Id))
                    && IsBeingDrained(new Drain(queue, QueueScope.Events))
                ),
            draining && survey.NextDue is null
        );
    }

    private static bool IsBeingDrained(Drain drain) => drain.Rules is not null && !drain.IsDeserted;

    private PassResult ContinueDrain(DrainRules rules)
    {
        var pass = Pass(rules.Parallel, int.MaxValue, null, takeOne: false);
        EndDrainWhenDone(pass);
        if (pass.NextDue is not null && !_drain.IsKept)
        {
            backend.LaunchKeeper(scope);
        }

        return pass;
    }

    // A snapshot lists the names first and reads the files then, so a retry that is made in between is in
    // neither. One look that begins after the other has ended is proof.
    private bool EndDrainWhenDone(PassResult pass)
    {
        if (!IsDone(pass))
        {
            return false;
        }

        if (scope == QueueScope.Events)
        {
            // It is never over; whoever stores a task there makes a pass of his own.
            return true;
        }

        var last = Survey(QueueSnapshot.Take(queue));
        return last is { Ready.Count: 0, Running.Count: 0, InHand: 0, NextDue: null }
            && _drain.End();
    }

    private static bool IsDone(PassResult pass) =>
        pass is { Running: 0, Ready: 0, InHand: 0, NextDue: null, Taken: null };

    // A drain whose supervisors were all killed would otherwise come back with the next task.
    private void DropStaleDrain()
    {
        if (_drain.Rules is not null && _drain.IsDeserted)
        {
            // A supervisor that is only starting has a task's lock already.
            var snapshot = QueueSnapshot.Take(queue, Closeness.OpenTasks);
            if (
                !snapshot.Unfinished.Exists(t =>
                    _surveyor.IsInScope(t.Id) && _surveyor.IsSupervised(t, snapshot)
                )
            )
            {
                _drain.End();
            }
        }
    }

    private QueueSnapshot Reconcile() =>
        reconciler.Reconcile(autoRetry: true, Closeness.OpenTasks).Snapshot;

    // That there is nothing to do is said only after every file was asked.
    private (QueueSnapshot Snapshot, QueueSurvey Survey) LookAround(bool autoRetry)
    {
        var snapshot = reconciler.Reconcile(autoRetry, Closeness.OpenTasks).Snapshot;
        var survey = Survey(snapshot);
        if (survey is { Ready.Count: 0, Running.Count: 0, Agents.Count: 0 })
        {
            snapshot = reconciler.Reconcile(autoRetry).Snapshot;
            survey = Survey(snapshot);
        }

        return (snapshot, survey);
    }

    // A name says that a lock may be held; it is tried only when that decides.
    private bool SlotsAreFull(int parallel)
    {
        var names = LockNames();
        return names.Count >= parallel && names.Count(TakesSlot) >= parallel;
    }

    // Whoever finishes the telling of an end holds the lock of a task that has ended, for a moment; a supervisor that
    // left for that would leave a drain with nobody.
    private bool TakesSlot(TaskId id) =>
        queue.IsSupervised(id) && queue.Read(id) is not TaskRead.Found({ IsFinished: true }, _);

    private List<TaskId> LockNames()
    {
        var names = queue.LockNames();
        names.RemoveAll(id => !_surveyor.IsInScope(id));
        return names;
    }

    private QueueSurvey Survey(QueueSnapshot snapshot)
    {
        var survey = _surveyor.Of(snapshot, failFast: _drain.Rules is { FailFast: true });
        survey.Bar(queue, planner, clock);
        return survey;
    }

    // A lock's file that nobody holds may be that of a killed supervisor, whose agent still takes a slot: only a
    // look at everything settles that.
    // One that has just recorded its end takes its lock's file with it.
    private bool NoSupervisorWasKilled() =>
        LockNames()
            .TrueForAll(id =>
                queue.IsSupervised(id) || queue.Disk.Facts(queue.LockFile(id)) is null
            );

    /// <summary>
    /// Takes the next task of the list without looking at the rest; null if a look at everything is due.
    /// </summary>
    private (AgentTask, HeldLock)? TakeListed()
    {
        while (_list.Take() is { } id)
        {
            var held = queue.TryLockTask(id);
            if (held is null)
            {
                continue;
            }

            if (ReadIfStillReady(id) is { } task)
            {
                return (task, held);
            }

            new PassingLock(held, queue.Disk, queue.LockFile(id)).Dispose();
        }

        return null;
    }

    /// <summary>
    /// Lists what a task's success has made ready, so that a long chain costs its links and not their number
    /// times the queue. False if only a look at everything tells.
    /// </summary>
    private bool ListWhatWaitedFor(TaskId ended, DrainRules rules)
    {
        if (_list.FreedBy(ended) is not { } freed)
        {
            return false;
        }

        if (freed.Count == 0)
        {
            return true;
        }

        var ready = new List<TaskSummary>();
        foreach (var id in freed)
        {
            if (queue.Read(id) is not TaskRead.Found({ State: TaskState.Pending } task, _))
            {
                continue;
            }

            switch (new Dependencies(queue, snapshot: null).Check(task))
            {
                // Others may wait for its being skipped; and a limit of its own is for who looks at everything.
                case Readiness.Blocked:
                case Readiness.Ready
                    when !rules.Groups.IsEmpty || planner.MaxParallel(task.Agent) is not null:
                    return false;
                case Readiness.Ready:
                    ready.Add(task);
                    break;
            }
        }

        // This one takes one of them; where slots are free for more, whoever looks at everything fills them.
        return _list.Add(ready) <= 1 || SlotsAreFull(rules.Parallel - 1);
    }

    // The caller holds the task's lock.
    private AgentTask? ReadIfStillReady(TaskId id) =>
        queue.Read(id) is TaskRead.Found({ State: TaskState.Pending { Held: false } } task, _)
        && task.WaitsUntil(clock.GetUtcNow()) is null
        && (
            task.DependsOn.IsEmpty
            || new Dependencies(queue, snapshot: null).Check(task) is Readiness.Ready
        )
        && !new Sentinels(queue).AnyVerdict(id)
            ? task
            : null;

    // The caller holds the queue's lock.
    private PassResult Pass(
        int limit,
        int most,
        IReadOnlyList<TaskId>? ids,
        bool takeOne,
        QueueSnapshot? snapshot = null,
        Func<TaskId, bool>? only = null
    )
    {
        var begun = clock.GetTimestamp();
        QueueSurvey survey;
        if (snapshot is null)
        {
            (snapshot, survey) = LookAround(autoRetry: true);
        }
        else
        {
            survey = Survey(snapshot);
        }

        var runs = survey.Running.Count;
        var slots = Math.Min(limit - runs, most);
        var chosen = ids is null
            ? Choose(survey, slots, only)
            : [.. ids.Select(id => CheckNamed(id, survey, snapshot)).Take(Math.Max(slots, 0))];
        var started = new List<StartedTask>();
        (AgentTask, HeldLock)? taken = null;
        var inHand = survey.InHand;
        foreach (var choice in chosen)
        {
            var held = queue.TryLockToStart(choice.Id);
            if (held is null)
            {
                // A verb is at work on it: hold, cancel, deps. The next pass sees what came of that.
                inHand++;
                continue;
            }

            // What was read for the choice may have been changed before the lock was ours.
            if (ReadIfStillReady(choice.Id) is not { } task)
            {
                new PassingLock(held, queue.Disk, queue.LockFile(choice.Id)).Dispose();
                continue;
            }

            if (takeOne && taken is null)
            {
                taken = (task, held);
                continue;
            }

            using (held)
            {
                started.Add(new StartedTask(task, backend.Launch(task.Id, held)));
            }
        }

        if (_drain.Rules is not null)
        {
            List(survey, chosen.Count, clock.GetElapsedTime(begun));
        }

        var now = started.Count + (taken is null ? 0 : 1);
        return new PassResult(
            started,
            runs + now,
            survey.Ready.Count - now,
            survey.Pending,
            survey.NextDue
        )
        {
            Taken = taken,
            InHand = inHand,
            Unfinished =
            [
                .. snapshot
                    .Unfinished.Where(t => _surveyor.IsInScope(t.Id))
                    .Select(static t => t.Id),
            ],
        };
    }

    private List<TaskSummary> Choose(QueueSurvey survey, int slots, Func<TaskId, bool>? only) =>
        Scheduler.Choose(
            only is null ? survey.Ready : survey.Ready.Where(t => only(t.Id)),
            slots,
            survey.Agents,
            planner.MaxParallel,
            SlotGroups.Of(scope, _drain.Rules, survey, planner)
        );

    // An agent's own limit may let a later task pass an earlier one: that only a whole look can tell.
    private void List(QueueSurvey survey, int chosen, TimeSpan cost)
    {
        if (
            scope == QueueScope.Events
            || _drain.Rules is { Groups.IsEmpty: false }
            || survey.Barred.Count > 0
            || StartGate.IsNeeded(queue, planner)
            || survey.Ready.Exists(t => planner.MaxParallel(t.Agent) is not null)
        )
        {
            _list.Forget();
        }
        else
        {
            _list.Write(Scheduler.InOrder(survey.Ready).Skip(chosen), survey.Awaited, cost);
        }
    }

    private static TimeSpan Until(DateTimeOffset due, DateTimeOffset now)
    {
        var left = due - now;
        // Looked at again at least once a minute, so that a clock that was set back cannot stop a drain.
        return left < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1)
            : left > TimeSpan.FromMinutes(1) ? TimeSpan.FromMinutes(1)
            : left;
    }
}
