namespace AgentQueue.EndToEnd.Plans;

/// <summary>The ordinary kinds of plan, and what their exit codes say.</summary>
public sealed class OutcomeTests
{
    [Fact]
    public void A_chain_runs_in_order_and_gives_0()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $"""
                tasks:
                  - id: c
                    cmd: {box.Noting("c")}
                    depends_on: [b]
                  - id: b
                    cmd: {box.Noting("b")}
                    depends_on: [a]
                  - id: a
                    cmd: {box.Noting("a")}
                """
            )
            .Gives(0);

        Assert.Equal("start a, stop a, start b, stop b, start c, stop c", box.Told());
        Assert.Equal("complete complete complete", box.Plan().States);
    }

    [Fact]
    public void Tasks_that_do_not_wait_for_one_another_run_at_the_same_time()
    {
        using var box = new Sandbox();
        // Each waits for the other one.
        box.RunPlan(
                $"""
                tasks:
                  - id: a
                    cmd: {PlanBox.Sh("touch a; until test -e b; do sleep 0.02; done")}
                    timeout_sec: 100
                  - id: b
                    cmd: {PlanBox.Sh("touch b; until test -e a; do sleep 0.02; done")}
                    timeout_sec: 100
                """
            )
            .Gives(0);
    }

    [Fact]
    public void A_task_that_fails_twice_and_may_be_retried_twice_succeeds_at_the_third_attempt()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $"""
                tasks:
                  - id: a
                    cmd: {box.Noting("a", "echo x >> tries; test $(wc -l < tries) -eq 3")}
                    retries: 2
                    retry_backoff_sec: [0.05, 0.1]
                  - id: b
                    cmd: {box.Noting("b")}
                    depends_on: [a]
                """
            )
            .Gives(0);

        Assert.Equal("start a, start a, start a, stop a, start b, stop b", box.Told());
        Assert.Equal(3, box.Plan()["a"].Attempts);
    }

    [Fact]
    public void A_task_that_fails_for_good_gives_3_and_skips_what_depends_on_it_with_its_name()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $"""
                tasks:
                  - id: bad
                    cmd: {box.Noting("bad", "exit 7")}
                    retries: 1
                    retry_backoff_sec: [0]
                  - id: next
                    cmd: {box.Noting("next")}
                    depends_on: [bad]
                  - id: last
                    cmd: {box.Noting("last")}
                    depends_on: [next]
                  - id: other
                    cmd: {box.Noting("other")}
                """
            )
            .Gives(3);

        var run = box.Plan();
        Assert.Equal("failed", run.State);
        Assert.Equal("failed skipped skipped complete", run.States);
        Assert.Equal(2, run["bad"].Attempts);
        Assert.Contains("bad failed", run["next"].Reason, StringComparison.Ordinal);
        Assert.Contains("next was skipped", run["last"].Reason, StringComparison.Ordinal);
        Assert.Equal(
            (2, 0, 0, 1),
            (
                box.Journal.StartsOf("bad"),
                box.Journal.StartsOf("next"),
                box.Journal.StartsOf("last"),
                box.Journal.StartsOf("other")
            )
        );
    }

    [Fact]
    public void A_run_that_is_cancelled_gives_4_to_who_waits_for_it()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            $"""
            tasks:
              - id: a
                cmd: {box.Noting("a", "sleep 300")}
              - id: b
                cmd: "true"
                depends_on: [a]
            """
        );
        using var run = box.Begin("plan", "run", "p.yaml");
        box.Starts("a");

        box.Run("plan", "cancel", "last").Gives(0);

        run.End().Gives(4);
        Assert.Equal("cancelled cancelled", box.Plan().States);
        Assert.Equal("cancelled", box.Plan().State);
    }

    [Theory]
    [InlineData("plan run bad.yaml")]
    [InlineData("plan run none.yaml")]
    [InlineData("plan run good.yaml --max-parallel 0")]
    [InlineData("plan run good.yaml --max-parallel x")]
    [InlineData("plan run good.yaml --no-such-option")]
    [InlineData("plan run good.yaml --fail-fast --no-fail-fast")]
    [InlineData("plan run good.yaml --workdir none")]
    [InlineData("plan run good.yaml --workdir good.yaml")]
    [InlineData("plan run good.yaml --set x=1")]
    [InlineData("plan run")]
    public void What_cannot_be_run_gives_2_and_stores_nothing(string line)
    {
        using var box = new Sandbox();
        box.Write("good.yaml", "tasks: [{id: a, cmd: 'true'}]\n");
        box.Write("bad.yaml", "tasks: [{id: a, cmd: 'true', depends_on: [a]}]\n");
        var before = box.Picture();

        box.Run(line.Split(' ')).Gives(2);

        Assert.Equal(before, box.Picture());
    }

    [Fact]
    public void A_dry_run_shows_an_order_and_stores_nothing()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            "tasks: [{id: b, cmd: 'true', depends_on: [a]}, {id: a, cmd: 'true'}]\n"
        );
        var before = box.Picture();

        var lines = box.Run("plan", "run", "p.yaml", "--dry-run").Gives(0).Lines;

        Assert.Contains(" a ", lines[1], StringComparison.Ordinal);
        Assert.Contains(" b ", lines[2], StringComparison.Ordinal);
        Assert.Equal(before, box.Picture());
    }

    [Fact]
    public void A_detached_run_goes_on_by_itself_and_waiting_for_it_gives_its_outcome()
    {
        using var box = new Sandbox();
        var run = box.Detach(
            $$"""
            tasks:
              - {id: a, cmd: {{PlanBox.Sh(box.Gate())}}}
              - {id: b, cmd: "false", depends_on: [a]}
            """
        );
        Eventually.Holds(() => box.Plan(run).States == "running pending", "it is at work");

        box.Open();

        box.RunLong(60, "plan", "status", run, "--watch").Gives(3);
        Assert.Equal("complete failed", box.Plan(run).States);
        Assert.True(File.Exists(Path.Join(box.Plan().Folder, "report", "final_report.md")));
    }

    [Fact]
    public void Standard_output_and_error_are_kept_apart_and_a_tail_is_the_last_lines()
    {
        using var box = new Sandbox();
        box.RunPlan(
                $"""
                tasks:
                  - id: a
                    cmd: {PlanBox.Sh("echo one; echo two; echo three; echo bad >&2")}
                """
            )
            .Gives(0);

        var text = box.Run("plan", "logs", "last", "--task", "a", "--tail", "2").Gives(0).Out;

        Assert.Equal(
            "===== a, attempt 1 of 1: stdout =====\ntwo\nthree\n===== a, attempt 1 of 1: stderr =====\nbad\n",
            text
        );
        Assert.NotEqual(0, box.Run("plan", "logs", "last", "--task", "none").Code);
    }
}
