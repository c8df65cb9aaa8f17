using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>What agentq does to a disk, told from beginning to end; the power may go at each step.</summary>
internal static class PowerLossFlows
{
    private static readonly NewTask s_request = new("coder", "do it");

    public static IReadOnlyDictionary<string, Action<PowerLossStory>> All { get; } =
        new Dictionary<string, Action<PowerLossStory>>
        {
            ["start, the first"] = static s => Start(s),
            ["start, another"] = static s =>
            {
                Put(s, "a");
                s.Begin();
                Start(s);
            },
            ["start, with a dependency"] = static s =>
            {
                var on = Put(s, "a").Id;
                s.Begin();
                Start(s, s_request with { DependsOn = [on] });
            },
            ["start --batch"] = static s =>
            {
                s.Begin();
                Batch(s);
            },
            ["start --batch, twice"] = static s =>
            {
                s.Begin();
                Batch(s);
                Batch(s);
            },
            ["a batch that was interrupted"] = static s =>
            {
                Crash.At(s.World, 18, static own => own.NewTasks.CreateAll([s_request, s_request]));
                s.Begin();
                s.Own.Reconciler.Reconcile(autoRetry: true);
            },
            ["start, run, exit 0"] = static s =>
            {
                s.Begin();
                Start(s);
                Run(s);
            },
            ["exit 3"] = static s => RunOne(s, new FakeAgent().Exit(1, code: 3), code: 3),
            ["killed by a signal"] = static s =>
                RunOne(s, new FakeAgent().Killed(1, signal: 9), code: 137),
            ["launch fails"] = static s => RunOne(s, new FakeAgent { LaunchError = "no" }),
            [".done, then exit 1"] = static s =>
                RunOne(s, new FakeAgent().Drop(1, Sentinel.Done).Exit(2, code: 1)),
            [".error"] = static s =>
                RunOne(s, new FakeAgent().Drop(1, Sentinel.Error, "{\"error\":\"no\"}").Exit(2)),
            ["timeout"] = static s =>
                RunOne(
                    s,
                    new FakeAgent().Exit(60),
                    static t => t with { Timeout = TimeSpan.FromSeconds(5) }
                ),
            ["stalled"] = static s =>
                RunOne(
                    s,
                    new FakeAgent().Print(1).Exit(60),
                    static t => t with { IdleTimeout = TimeSpan.FromSeconds(5) }
                ),
            ["cancel, running"] = static s =>
                RunOne(s, new FakeAgent().At(1, a => Ask(s, a.Task, "cancel")).Exit(60)),
            ["extend, running"] = static s =>
                RunOne(
                    s,
                    new FakeAgent().At(1, a => Ask(s, a.Task, "extend-1", "30")).Exit(20),
                    static t => t with { Timeout = TimeSpan.FromSeconds(5) }
                ),
            ["cancel, pending"] = static s =>
            {
                var id = Put(s, "a").Id;
                s.Begin();
                s.Own.Control.Cancel(id);
                s.PromiseVerdict(id);
            },
            ["hold, release, extend"] = static s =>
            {
                var id = Put(s, "a", static t => t with { Timeout = TimeSpan.FromSeconds(5) }).Id;
                s.Begin();
                s.PromiseTask(id);
                s.Own.Control.Hold(id);
                s.Promise("held", l => l.Tasks[id].State is TaskState.Pending { Held: true });
                s.WithdrawLast();
                s.Own.Control.Release(id);
                s.Promise("released", l => l.Tasks[id].State is TaskState.Pending { Held: false });
                s.Own.Control.Extend(id, TimeSpan.FromSeconds(30));
                s.Promise("extended", l => l.Tasks[id].Timeout == TimeSpan.FromSeconds(35));
            },
            ["deps add, deps remove"] = static s =>
            {
                var (id, on) = (Put(s, "a").Id, Put(s, "b").Id);
                s.Begin();
                s.PromiseTask(id);
                s.Own.Control.AddDependency(id, on);
                s.Promise("added", l => l.Tasks[id].DependsOn.Contains(on));
                s.WithdrawLast();
                s.Own.Control.RemoveDependency(id, on);
                s.Promise("removed", l => l.Tasks[id].DependsOn.IsEmpty);
            },
            ["retry"] = static s =>
            {
                var id = Fail(s);
                s.Begin();
                s.PromiseVerdict(id);
                s.PromiseTask(s.Own.Retries.Create(id, new RetryOptions()).Id);
                Run(s);
            },
            ["retry by itself"] = static s =>
            {
                var id = Fail(s, static t => t with { AutoRetry = true });
                s.World.Time.Advance(TimeSpan.FromMinutes(10));
                s.Begin();
                s.PromiseVerdict(id);
                s.Own.Reconciler.Reconcile(autoRetry: true);
                s.PromiseAll();
                Run(s);
            },
            ["a retry that was interrupted"] = static s =>
            {
                var id = Fail(s);
                Crash.At(s.World, 4, own => own.Retries.Create(id, new RetryOptions()));
                s.Begin();
                s.PromiseVerdict(id);
                s.Own.Reconciler.Reconcile(autoRetry: true);
                s.PromiseAll();
            },
            ["drain of three"] = static s =>
            {
                Put(s, "a");
                Put(s, "b");
                Put(s, "c", static t => t with { DependsOn = [TaskId.Parse("task_a")] });
                s.Begin();
                s.PromiseAll();
                s.Own.Run.BeginDrain(new(1));
                s.World.Backend.LiveAll();
                s.PromiseVerdicts();
            },
            ["a supervisor that was killed"] = static s =>
            {
                Put(s, "a");
                s.World.Backend.Launched = static x => x.Process.Die();
                var lost = new TaskState.Running(FakeTime.Start, 99_999_999);
                Put(s, "b", t => t with { Attempt = 1, State = lost });
                s.Begin();
                s.PromiseBegun(TaskId.Parse("task_b"));
                s.Own.Reconciler.Reconcile(autoRetry: true);
                s.PromiseVerdict(TaskId.Parse("task_b"));
            },
            ["a sentinel is dropped on a pending task"] = static s =>
            {
                var id = Put(s, "a").Id;
                s.World.Disk.Plant(s.Own.Queue.SentinelFile(id, Sentinel.Done), "");
                s.Begin();
                s.Own.Reconciler.Reconcile(autoRetry: true);
                s.PromiseVerdict(id);
            },
            ["clean"] = static s =>
            {
                var (id, failed) = (Complete(s, "a"), Fail(s));
                Put(s, "c", t => t with { DependsOn = [id] });
                s.Begin();
                s.PromiseTask(TaskId.Parse("task_c"));
                s.PromiseVerdict(failed);
                s.Own.Cleaning.Clean([id]);
                s.Promise("cleaned", l => !l.Tasks.ContainsKey(id));
                s.Promise(
                    "its dependent is free",
                    l => l.Tasks[TaskId.Parse("task_c")].DependenciesMet.Contains(id)
                );
            },
            ["archive, restore"] = static s =>
            {
                var (id, other) = (Complete(s, "a"), Fail(s));
                s.Begin();
                s.PromiseVerdict(id);
                s.PromiseVerdict(other);
                s.Own.Archive.Store([id, other]);
                s.Promise("archived", l => l.Disk.Has(s.Own.Queue.ArchivedTask(id)));
                s.WithdrawLast();
                s.Own.Archive.Restore([id]);
                s.Promise("restored", l => l.Disk.Has(s.Own.Queue.TaskFile(id)));
            },
        };

    private static void Start(PowerLossStory s, NewTask? request = null)
    {
        s.Begin();
        s.PromiseTask(s.Own.NewTasks.Create(request ?? s_request).Id);
    }

    private static void Batch(PowerLossStory s)
    {
        NewTask[] requests = [s_request, s_request, s_request];
        var count = s.Count;
        s.Promise("all of the batch or none", l => (l.Tasks.Count - count) % 3 == 0);
        foreach (var task in s.Own.NewTasks.CreateAll(requests))
        {
            s.PromiseTask(task.Id);
        }
    }

    private static void RunOne(
        PowerLossStory s,
        FakeAgent agent,
        Func<AgentTask, AgentTask>? change = null,
        int? code = null
    )
    {
        var id = Put(s, "a", change).Id;
        s.World.Host.Script = _ => agent;
        s.Begin();
        s.PromiseAll();
        s.Promise(
            "no exit code is recorded but the agent's",
            l =>
                code is null
                || l.Tasks[id].State is not TaskState.Finished { ExitCode: { } recorded }
                || recorded == code
        );
        Run(s);
    }

    private static void Run(PowerLossStory s)
    {
        s.Own.Run.Fill(3);
        s.World.Backend.LiveAll();
        s.PromiseVerdicts();
    }

    private static AgentTask Put(
        PowerLossStory s,
        string token,
        Func<AgentTask, AgentTask>? change = null
    ) => s.World.Put(s.World.NewTask(token, change));

    private static TaskId Complete(PowerLossStory s, string token)
    {
        var now = s.World.Time.GetUtcNow();
        var id = Put(
            s,
            token,
            t => t with { State = new TaskState.Complete(now, now) { ExitCode = 0 } }
        ).Id;
        s.World.Disk.Plant(s.Own.Queue.SentinelFile(id, Sentinel.Done), "");
        s.World.Disk.Plant(s.Own.Queue.SentinelFile(id, Sentinel.ExitCode), "0\n");
        return id;
    }

    private static TaskId Fail(PowerLossStory s, Func<AgentTask, AgentTask>? change = null)
    {
        var now = s.World.Time.GetUtcNow();
        var failed = new TaskState.Failed(now, now, Reason.Exit, "no") { ExitCode = 3 };
        var id = Put(
            s,
            "failed",
            t => (change?.Invoke(t) ?? t) with { Attempt = 1, State = failed }
        ).Id;
        s.World.Disk.Plant(s.Own.Queue.SentinelFile(id, Sentinel.Error), "{\"error\":\"no\"}");
        s.World.Disk.Plant(s.Own.Queue.SentinelFile(id, Sentinel.ExitCode), "3\n");
        return id;
    }

    private static void Ask(PowerLossStory s, TaskId id, string request, string content = "") =>
        s.Own.Queue.Request(id, request, content);
}
