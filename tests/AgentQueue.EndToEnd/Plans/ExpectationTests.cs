namespace AgentQueue.EndToEnd.Plans;

/// <summary>What people expect of a run beside what its plan says.</summary>
public sealed class ExpectationTests
{
    private const string Failing = """
        tasks:
          - {id: c, cmd: "test -e ok"}
          - {id: d, cmd: ["true"], depends_on: [c]}
          - {id: w, cmd: ["true"], when: {task: c, outcome: complete}}
        """;

    [Fact]
    public void Waiting_for_a_skipped_task_ends_and_is_no_success()
    {
        using var box = new Sandbox();
        box.RunPlan(Failing).Gives(3);

        var outcome = box.Run("wait", box.Plan()["d"].TaskId).Gives(3);

        Assert.Contains("skipped", outcome.Err, StringComparison.Ordinal);
        Assert.Contains(
            "skipped: Dependency",
            box.Run("status").Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_retry_by_hand_looks_again_at_what_a_condition_has_skipped()
    {
        using var box = new Sandbox();
        box.RunPlan(Failing).Gives(3);
        Assert.Equal("failed skipped skipped", box.Plan().States);
        box.Write("ok", "");

        box.Run("retry", box.Plan()["c"].TaskId).Gives(0);
        box.Reaches("complete");

        Assert.Equal("complete complete complete", box.Plan().States);
    }

    [Fact]
    public void What_a_check_prints_is_not_taken_for_the_work()
    {
        using var box = new Sandbox();
        box.RunPlan(
                """
                tasks:
                  - {id: make, cmd: [echo, DATA], verify: ["echo checked"]}
                  - {id: use, cmd: ["sh", "-c", "cat ${tasks.make.log} > used"]}
                """
            )
            .Gives(0);

        Assert.Equal("DATA\n", File.ReadAllText(Path.Join(box.Folder, "used")));
        Assert.Contains(
            "make, attempt 1 of 1: verify",
            box.Run("plan", "logs", "last", "--task", "make").Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("cd /tmp && ls", "'&&'")]
    [InlineData("echo a | cat", "'|'")]
    [InlineData("|\n      echo one\n      echo two", "a new line")]
    public void Who_writes_for_a_shell_is_warned(string command, string meant)
    {
        using var box = new Sandbox();
        box.Write("p.yaml", $"tasks:\n  - id: a\n    cmd: {command}\n");

        var outcome = box.Run("plan", "validate", "p.yaml").Gives(0);

        Assert.Contains(
            $"is given to no shell, so {meant} only stands between its words",
            outcome.Out + outcome.Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_edges_of_a_run_are_those_of_its_plan()
    {
        using var box = new Sandbox();
        box.RunPlan(Failing).Gives(3);
        var (c, d) = (box.Plan()["c"].TaskId, box.Plan()["d"].TaskId);

        Assert.Contains(
            "whose plan is frozen",
            box.Run("deps", "remove", d, c).Gives(1).Err,
            StringComparison.Ordinal
        );
        Assert.Equal("failed skipped skipped", box.Plan().States);
    }

    [Fact]
    public void Tasks_whose_run_was_removed_by_hand_can_be_cleaned()
    {
        using var box = new Sandbox();
        box.RunPlan("tasks: [{id: a, cmd: [\"true\"]}]").Gives(0);
        Directory.Delete(Path.Join(box.Queue, "runs"), recursive: true);

        box.Run("clean", "all", "--yes").Gives(0);

        Assert.Empty(box.Ids);
    }

    [Fact]
    public void A_run_that_nobody_can_be_told_of_runs_all_the_same()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: a, cmd: [\"true\"]}]");

        var outcome = box.Sh("agentq plan run p.yaml > /dev/full");

        Assert.Equal(1, outcome.Code);
        box.Reaches("complete");
    }

    [Fact]
    public void Following_the_logs_of_a_run_that_nobody_works_on_is_no_success()
    {
        using var box = new Sandbox();
        box.Detach(
            $$"""
            tasks:
              - {id: a, cmd: {{box.Noting("a", box.Gate())}}}
              - {id: b, cmd: ["true"]}
            """
        );
        box.Starts("a");
        box.KillAll();

        box.RunLong(60, "plan", "logs", "last", "-f").Gives(3);
    }

    [Fact]
    public void An_output_that_could_not_be_kept_is_told_in_the_report()
    {
        using var box = new Sandbox();
        box.RunPlan(
                """
                tasks:
                  - {id: a, cmd: ["ln", "-s", "/etc/hostname", "link"], outputs: [link]}
                """
            )
            .Gives(0);

        Assert.Contains("link", box.Plan()["a"].Reason, StringComparison.Ordinal);
        Assert.Contains(
            "### a: complete",
            box.Run("plan", "report").Gives(0).Out,
            StringComparison.Ordinal
        );
    }
}
