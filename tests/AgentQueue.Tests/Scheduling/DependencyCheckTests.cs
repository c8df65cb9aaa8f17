using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class DependencyCheckTests : IDisposable
{
    private readonly TempQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    private DependencyCheck Check => new(_temp.Queue, _temp.Snapshot);

    [Fact]
    public void A_sound_queue_has_no_problems()
    {
        _temp.Add("a", TempQueue.Complete());
        _temp.Add("b", TempQueue.Running());
        _temp.Add("c", null, "a", "b");

        Assert.Empty(Check.Validate());
    }

    [Fact]
    public void A_cycle_is_told_with_the_way_round()
    {
        _temp.Add("a", null, "b");
        _temp.Add("b", null, "a");

        var problem = Assert.Single(Check.Validate());

        Assert.Equal(DependencyFault.Cycle, problem.Fault);
        Assert.Equal("waits for itself: task_a → task_b → task_a", problem.Message);
    }

    [Fact]
    public void A_dependency_without_a_task_is_unknown()
    {
        _temp.Add("a", null, "nowhere");

        var problem = Assert.Single(Check.Validate());

        Assert.Equal(DependencyFault.Unknown, problem.Fault);
        Assert.Equal("depends on task_nowhere, which was not found", problem.Message);
    }

    [Fact]
    public void What_waits_for_a_blocked_task_is_blocked_too()
    {
        _temp.Add("a", TempQueue.Failed());
        _temp.Add("b", null, "a");
        _temp.Add("c", null, "b");
        _temp.Add("d", null, "c");

        Assert.Equal(
            [
                "task_b depends on task_a, which failed",
                "task_c depends on task_b, which cannot start either",
                "task_d depends on task_c, which cannot start either",
            ],
            Check.Validate().Select(p => $"{p.Task} {p.Message}")
        );
        Assert.All(Check.Validate(), p => Assert.Equal(DependencyFault.Blocked, p.Fault));
    }

    [Fact]
    public void A_retry_stands_for_the_task_that_failed()
    {
        _temp.Add("a", TempQueue.Failed(retriedBy: "r"));
        _temp.Add("r", TempQueue.Running());
        var waiting = _temp.Add("b", null, "a");

        Assert.Empty(Check.Validate());
        Assert.Equal(
            new DependencyLine(
                TempQueue.Id("a"),
                TempQueue.Id("r"),
                TaskStatus.Running,
                DependencyKind.AfterOk,
                DependencyStanding.Open,
                ""
            ),
            Assert.Single(Check.Of(waiting))
        );
    }

    [Fact]
    public void The_end_of_a_task_lets_those_start_that_wait_for_nothing_else()
    {
        _temp.Add("a", TempQueue.Failed(retriedBy: "r"));
        _temp.Add("r", TempQueue.Running());
        _temp.Add("x");
        _temp.Add("b", null, "a");
        _temp.Add("c", null, "r", "x");
        _temp.Add("d", null, "x");

        var lines = Check.WaitingFor(TempQueue.Id("r"));

        Assert.Equal(["task_b", "task_c"], lines.Select(l => l.Task.Id.Value));
        Assert.Empty(lines[0].StillWaitsFor);
        Assert.Equal([TempQueue.Id("x")], lines[1].StillWaitsFor);
    }

    [Fact]
    public void A_dependency_is_found_by_a_part_of_its_id_or_of_its_retry()
    {
        _temp.Add("alpha", TempQueue.Failed(retriedBy: "retry"));
        _temp.Add("retry", TempQueue.Failed());
        var task = _temp.Add("b", null, "alpha", "gone");

        Assert.Equal(TempQueue.Id("alpha"), Check.Find(task, "lph"));
        Assert.Equal(TempQueue.Id("alpha"), Check.Find(task, "task_retry"));
        Assert.Equal(TempQueue.Id("gone"), Check.Find(task, "task_gone"));
    }

    [Fact]
    public void What_is_no_dependency_is_refused_and_so_is_a_part_of_two()
    {
        var task = _temp.Add("b", null, "x1", "x2", "x");

        Assert.Contains(
            "does not depend",
            Assert.Throws<QueueException>(() => Check.Find(task, "y")).Message
        );
        Assert.Contains(
            "3 dependencies",
            Assert.Throws<QueueException>(() => Check.Find(task, "x")).Message
        );
        Assert.Equal(TempQueue.Id("x"), Check.Find(task, "task_x"));
    }

    [Fact]
    public void A_whole_id_wins_over_a_part_of_another_one_also_if_it_was_retried()
    {
        _temp.Add("x", TempQueue.Failed(retriedBy: "r"));
        _temp.Add("r", TempQueue.Running());
        _temp.Add("r1", TempQueue.Running());
        var task = _temp.Add("b", null, "x1", "x", "r1");

        Assert.Equal(TempQueue.Id("x"), Check.Find(task, "task_x"));
        Assert.Equal(TempQueue.Id("x"), Check.Find(task, "task_r"));
    }

    [Fact]
    public void Nothing_typed_means_no_dependency()
    {
        var task = _temp.Add("b", null, "x");

        Assert.Contains(
            "does not depend",
            Assert.Throws<QueueException>(() => Check.Find(task, "")).Message
        );
    }

    [Fact]
    public void A_dependency_that_was_met_and_put_away_keeps_nothing_from_starting()
    {
        var task = _temp.Add("b", null, "a") with { DependenciesMet = [TempQueue.Id("a")] };
        _temp.Queue.Write(task);

        Assert.Equal(
            new DependencyLine(
                TempQueue.Id("a"),
                TempQueue.Id("a"),
                TaskStatus.Complete,
                DependencyKind.AfterOk,
                DependencyStanding.Met,
                ""
            ),
            Assert.Single(Check.Of(task))
        );
        Assert.Empty(Check.Validate());
        Assert.Empty(Check.WaitingFor(TempQueue.Id("a")));
        Assert.IsType<Readiness.Ready>(Check.Readiness(task));
    }

    [Fact]
    public void A_task_whose_dependency_and_its_retry_failed_is_told_which_retry()
    {
        _temp.Add("a", TempQueue.Failed(retriedBy: "r"));
        _temp.Add("r", TempQueue.Cancelled());
        _temp.Add("b", null, "a");

        var problem = Assert.Single(Check.Validate());

        Assert.Equal(
            (DependencyFault.Blocked, "depends on task_a, whose retry task_r was cancelled"),
            (problem.Fault, problem.Message)
        );
    }

    [Fact]
    public void The_graph_holds_the_unfinished_and_what_they_rest_on()
    {
        _temp.Add("base", TempQueue.Complete());
        _temp.Add("a", TempQueue.Complete(), "base");
        _temp.Add("b", null, "a", "gone");
        _temp.Add("alone");
        _temp.Add("old", TempQueue.Complete(), "base");

        var graph = TaskGraph.Of(_temp.Queue, _temp.Snapshot, all: false);
        var whole = TaskGraph.Of(_temp.Queue, _temp.Snapshot, all: true);

        Assert.Equal(
            ["task_a", "task_b", "task_base", "task_gone"],
            graph.Nodes.Select(n => n.Id.Value)
        );
        Assert.Null(graph.Nodes[^1].Status);
        Assert.Contains(whole.Nodes, n => n.Id == TempQueue.Id("old"));
    }
}
