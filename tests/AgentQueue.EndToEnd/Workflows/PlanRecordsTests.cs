namespace AgentQueue.EndToEnd.Workflows;

/// <summary>Who did what with plans, and when.</summary>
public sealed class PlanRecordsTests
{
    [Fact]
    public void Each_action_is_one_record_about_its_run()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: a, cmd: sleep 300}]\n");
        box.Write(
            "ask.yaml",
            "tasks: [{id: a, cmd: 'true', approval: now?}, {id: b, cmd: 'true', approval: b?}]\n"
        );

        box.Run("plan", "run", "p.yaml", "--detach").Gives(0);
        box.Run("plan", "cancel", "last").Gives(0);
        var first = box.Run("plan", "list", "--json")
            .Json.GetProperty("runs")[0]
            .GetProperty("run")
            .GetString();
        box.Run("plan", "run", "ask.yaml", "--detach").Gives(0);
        box.Run("plan", "approve", "last", "a").Gives(0);
        box.Run("plan", "reject", "last", "b").Gives(0);
        box.Run("plan", "resume", "last", "--detach").Gives(0);
        box.Run("plan", "new", "x").Gives(0);

        var records = Workflow.Records(box, "plan");
        Assert.Equal(
            [
                "plan.new",
                "plan.resume",
                "plan.reject",
                "plan.approve",
                "plan.run",
                "plan.cancel",
                "plan.run",
            ],
            records.Select(r => r.GetProperty("action").GetString())
        );
        Assert.Equal(first, records[^1].GetProperty("subject").GetString());
        Assert.Equal(
            ["agentq", "plan", "run", "p.yaml", "--detach"],
            records[^1].GetProperty("arguments").EnumerateArray().Select(a => a.GetString())
        );
        Assert.All(records, r => Assert.Equal(0, r.GetProperty("exitCode").GetInt32()));
    }

    [Fact]
    public void What_only_looks_or_is_refused_is_no_record()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: a, cmd: 'true'}]\n");

        box.Run("plan", "run", "p.yaml", "--dry-run").Gives(0);
        box.Run("plan", "run", "none.yaml").Gives(2);
        box.Run("plan", "list").Gives(0);
        box.Run("plan", "cancel", "last").Gives(1);

        Assert.False(Directory.Exists(Path.Join(box.Queue, "records")));
    }

    [Fact]
    public void A_verb_does_its_work_although_it_cannot_be_recorded()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: a, cmd: 'true'}]\n");
        box.Write(".agents/records", "no folder");

        var run = box.Run("plan", "run", "p.yaml").Gives(0);

        Assert.Contains("plan.run is not recorded", run.Err, StringComparison.Ordinal);
        Assert.Contains("1 complete", run.Out, StringComparison.Ordinal);
    }
}
