using System.Text;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

/// <summary>In a run a task that can no longer start is over, and so is what waits for it.</summary>
public sealed class SkippedTests
{
    [Fact]
    public void What_waits_for_a_failure_is_skipped_and_so_is_what_waits_for_that()
    {
        var stage = new RunStage("a", "b", "c");
        stage.Put("a", RunStage.Failed());
        var b = stage.Put("b", "a");
        var c = stage.Put("c", "b");
        var dependencies = stage.Dependencies();
        Assert.Equal("failed", Assert.IsType<Readiness.Blocked>(dependencies.Check(b)).Note);
        var blocked = Assert.IsType<Readiness.Blocked>(dependencies.Check(c));
        Assert.Equal((b.Id, "was skipped", false), (blocked.By, blocked.Note, blocked.MayRetry));
        Assert.Equal((TaskStatus.Cancelled, b.Id, "was skipped", true), dependencies.Resolve(b.Id));
    }

    [Theory]
    [InlineData("afterok", "Blocked")]
    [InlineData("afterany", "Ready")]
    [InlineData("afternotok", "Blocked")]
    public void A_skipped_task_has_ended_and_has_neither_succeeded_nor_failed(
        string kind,
        string expected
    )
    {
        foreach (var isRecorded in (bool[])[true, false])
        {
            var stage = new RunStage("a", "b", "c");
            stage.Put("a", RunStage.Failed());
            stage.Put("b", isRecorded ? RunStage.Skipped() : new TaskState.Pending(), "a");
            var c = stage.Put("c", $"{kind}:b");
            Assert.Equal(expected, stage.Dependencies().Check(c).GetType().Name);
            Assert.Equal(
                expected,
                new Dependencies(stage.World.Open().Queue, null).Check(c).GetType().Name
            );
        }
    }

    [Fact]
    public void A_task_of_no_run_is_never_skipped()
    {
        var world = new World();
        world.Put(world.NewTask("a") with { State = RunStage.Failed() });
        var b = world.Put(world.NewTask("b") with { DependsOn = [TaskId.Parse("task_a")] });
        var queue = world.Open().Queue;
        Assert.Equal(
            (TaskStatus.Pending, b.Id, "", false),
            new Dependencies(queue, QueueSnapshot.Take(queue)).Resolve(b.Id)
        );
    }

    [Fact]
    public void A_failure_that_is_tried_again_skips_nothing()
    {
        var stage = new RunStage("a", "b", "c");
        var a = stage.New("a") with { MaxRetries = 1, AutoRetry = true, State = RunStage.Failed() };
        stage.World.Put(a);
        stage.Put("b", "a");
        var c = stage.Put("c", "b");
        Assert.IsType<Readiness.Waiting>(stage.Dependencies().Check(c));
    }

    [Fact]
    public void What_was_met_once_skips_nothing_when_it_is_gone()
    {
        var stage = new RunStage("a", "b", "c");
        var b = stage.New("b", "a");
        stage.World.Put(b with { DependenciesMet = b.DependsOn });
        Assert.IsType<Readiness.Waiting>(stage.Dependencies().Check(stage.Put("c", "b")));
    }

    [Fact]
    public void In_whatever_order_they_are_asked_for_the_answer_is_the_same()
    {
        // "mid" waits for "low" alone, and is reached beside it.
        var stage = new RunStage("end", "top", "mid", "low", "root");
        stage.Put("root", RunStage.Failed());
        stage.Put("low", "root");
        stage.Put("mid", "low");
        stage.Put("top", "low", "mid");
        var end = stage.Put("end", "afterany:top", "afterany:mid");
        Assert.IsType<Readiness.Ready>(stage.Dependencies().Check(end));
    }

    [Fact]
    public void Every_random_graph_is_judged_as_its_rules_say()
    {
        for (var seed = 0; seed < 1000; seed++)
        {
            var random = new Random(seed);
            string[] names = [.. Enumerable.Range(0, random.Next(2, 10)).Select(i => $"n{i}")];
            // A plan's order need not be that of its graph.
            var order = names.ToArray();
            random.Shuffle(order);
            var stage = new RunStage(order);
            string[] kinds = ["afterok", "afterany", "afternotok"];
            var waits = new Dictionary<string, string[]>();
            var ends = new Dictionary<string, TaskState>();
            for (var i = 0; i < names.Length; i++)
            {
                waits[names[i]] =
                [
                    .. names[..i]
                        .Where(_ => random.Next(5) < 2)
                        .Select(n => $"{kinds[random.Next(4) % 3]}:{n}"),
                ];
                ends[names[i]] =
                    i < 2 && random.Next(3) > 0
                        ? random.Next(2) == 0
                            ? RunStage.Failed()
                            : RunStage.Complete()
                        : new TaskState.Pending();
                stage.Put(names[i], ends[names[i]], waits[names[i]]);
            }

            var asked = names.ToArray();
            random.Shuffle(asked);
            var dependencies = stage.Dependencies();
            foreach (var name in asked)
            {
                var expected = Expected(name, waits, ends);
                var found = dependencies.Check(stage.Read(name)) switch
                {
                    Readiness.Ready => DependencyStanding.Met,
                    Readiness.Waiting => DependencyStanding.Open,
                    _ => DependencyStanding.Lost,
                };
                Assert.True(expected == found, $"seed {seed}: {name} is {found}, not {expected}");
            }
        }
    }

    private static DependencyStanding Expected(
        string name,
        Dictionary<string, string[]> waits,
        Dictionary<string, TaskState> ends
    )
    {
        var all = waits[name]
            .Select(w =>
            {
                var (kind, on) = (w.Split(':')[0], w.Split(':')[1]);
                var isPending = ends[on] is TaskState.Pending;
                var skipped = isPending && Expected(on, waits, ends) == DependencyStanding.Lost;
                return DependencyKinds.Find(kind)!.Value.Judge(ends[on].Status, skipped);
            })
            .ToList();
        return all.Contains(DependencyStanding.Lost) ? DependencyStanding.Lost
            : all.Contains(DependencyStanding.Open) ? DependencyStanding.Open
            : DependencyStanding.Met;
    }

    [Fact]
    public void Files_edited_into_a_ring_end_and_skip_nothing()
    {
        var stage = new RunStage("a", "b", "c", "d");
        stage.Put("a", "c");
        stage.Put("b", "a");
        stage.Put("c", "b");
        var d = stage.Put("d", "a");
        Assert.IsType<Readiness.Waiting>(stage.Dependencies().Check(d));
        Assert.IsType<Readiness.Waiting>(new Dependencies(stage.World.Open().Queue, null).Check(d));
        var self = stage.Put("a", "a");
        Assert.IsType<Readiness.Waiting>(stage.Dependencies().Check(self));
    }

    [Fact]
    public void Through_ten_thousand_that_wait_for_one_another_a_failure_is_followed()
    {
        // No stack overflows, and four times as many cost four times as much.
        var few = LooksThrough(Chain(2_500));
        var many = LooksThrough(Chain(10_000));
        Assert.InRange(many / (double)few, 3.5, 4.5);
    }

    [Fact]
    public void In_a_look_at_everything_each_of_a_chain_is_skipped()
    {
        var stage = Chain(500);
        var dependencies = stage.Dependencies();
        Assert.All(
            stage.Record.Nodes.Skip(1),
            n => Assert.IsType<Readiness.Blocked>(dependencies.Check(stage.Read(n)))
        );
    }

    // One by one, so that each file is asked for: the slowest way that there is.
    private static int LooksThrough(RunStage stage)
    {
        var last = stage.Read(stage.Record.Nodes[^1]);
        var looks = 0;
        stage.World.Disk.Before = _ => looks++;
        var blocked = new Dependencies(stage.World.Open().Queue, null).Check(last);
        Assert.Equal("was skipped", Assert.IsType<Readiness.Blocked>(blocked).Note);
        return looks;
    }

    private static RunStage Chain(int length)
    {
        var stage = new RunStage([.. Enumerable.Range(0, length).Select(static i => $"n{i}")]);
        for (var i = 0; i < length; i++)
        {
            var task = i == 0 ? stage.New("n0") : stage.New($"n{i}", $"n{i - 1}");
            task = i == 0 ? task with { State = RunStage.Failed() } : task;
            if (i == 0)
            {
                stage.World.Put(task);
            }
            else
            {
                stage.World.Disk.Plant(
                    $"{World.Root}/.agents/tasks/{task.Id}.json",
                    Encoding.UTF8.GetString(TaskJson.Write(task))
                );
            }
        }

        return stage;
    }
}
