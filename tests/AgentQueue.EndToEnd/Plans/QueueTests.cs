namespace AgentQueue.EndToEnd.Plans;

/// <summary>Runs beside the ordinary verbs of the queue, which see their tasks too.</summary>
public sealed class QueueTests
{
    [Fact]
    public void Retrying_a_failed_task_by_its_id_lets_the_run_go_on_with_what_depends_on_it()
    {
        using var box = new Sandbox();
        box.RunPlan(
                $$"""
                tasks:
                  - {id: a, cmd: {{box.Noting("a", "test -e ok")}} }
                  - {id: next, cmd: {{box.Noting("next")}}, depends_on: [a]}
                  - {id: last, cmd: {{box.Noting("last")}}, depends_on: [next]}
                """
            )
            .Gives(3);
        Assert.Equal("failed skipped skipped", box.Plan().States);
        Eventually.Holds(() => box.Supervisors.Count == 0, "nobody works on it any more");
        box.Write("ok", "");

        box.Run("retry", box.Plan()["a"].TaskId).Gives(0);

        box.Reaches("complete");
        Assert.Equal(
            "start a, start a, stop a, start next, stop next, start last, stop last",
            box.Told()
        );
    }

    [Fact]
    public void Run_starts_no_task_of_a_run()
    {
        using var box = new Sandbox();
        box.Detach(
            $$"""
            max_parallel: 1
            tasks:
              - {id: a, cmd: {{box.Noting("a", box.Gate())}} }
              - {id: b, cmd: {{box.Noting("b")}} }
              - {id: ask, cmd: {{box.Noting("ask")}}, approval: "Really?"}
            """
        );
        box.Starts("a");
        var own = box.Enqueue("true");

        box.RunLong(60, "run", "--parallel", "9", "--wait").Gives(0, 3);
        box.RunLong(60, "run", "--drain", "--parallel", "9").Gives(0);
        box.Ended(own);
        box.Run("run", box.Plan()["b"].TaskId).Gives(1);
        Assert.Equal("start a", box.Told());

        box.KillAll();
        box.RunLong(60, "run", "--drain", "--wait").Gives(0, 3);
        Assert.Equal("start a", box.Told());
        Assert.Equal("ready", box.Plan()["b"].State);
    }

    [Fact]
    public void A_full_queue_keeps_no_run_waiting_and_a_run_takes_no_slot_of_the_queue()
    {
        using var box = new Sandbox();
        var own = box.RunInBackground(box.Gate());
        box.Settings("\"parallel\": 1");

        box.RunPlan("tasks: [{id: a, cmd: 'true'}, {id: b, cmd: 'true'}]\n").Gives(0);

        Assert.Equal("running", box.Task(own).Status);
        box.Open();
        box.Ended(own);
    }

    [Fact]
    public void Clean_all_leaves_the_tasks_of_runs_alone()
    {
        using var box = new Sandbox();
        var own = box.Enqueue("true");
        box.RunLong(60, "run", "--wait").Gives(0);
        box.RunPlan(
                """
                tasks:
                  - {id: a, cmd: "true"}
                  - {id: b, cmd: "false"}
                  - {id: c, cmd: "true", depends_on: [b]}
                """
            )
            .Gives(3);
        var before = box.Plan();

        box.Run("clean", "all", "--yes").Gives(0);

        Assert.DoesNotContain(own, box.Ids);
        Assert.Equal(before.States, box.Plan().States);
        Assert.Equal(
            before.Nodes.Select(static n => n.TaskId),
            box.Plan().Nodes.Select(static n => n.TaskId)
        );
        box.Run("plan", "logs").Gives(0);
    }

    [Fact]
    public void A_run_is_removed_with_all_its_files_and_one_that_runs_is_not()
    {
        using var box = new Sandbox();
        box.RunPlan("tasks: [{id: a, cmd: 'true', outputs: ['*']}, {id: b, cmd: 'false'}]\n")
            .Gives(3);
        var over = box.Plan().Run;
        // Its last supervisor writes its report before it goes.
        box.AllHaveLeft();
        var going = box.Detach($"tasks: [{{id: a, cmd: {box.Noting("a", box.Gate())}}}]\n");
        box.Starts("a");

        box.Run("plan", "clean", "--keep", "0").Gives(0);

        Assert.Equal("running", box.Plan(going).State);
        Assert.NotEqual(0, box.Run("plan", "status", over).Code);
        Assert.DoesNotContain(
            Directory.EnumerateFileSystemEntries(box.Queue, "*", SearchOption.AllDirectories),
            f => f.Contains(over["run_".Length..], StringComparison.Ordinal)
        );
        box.Open();
        box.Reaches("complete");
    }
}
