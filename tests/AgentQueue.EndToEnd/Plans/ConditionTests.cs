namespace AgentQueue.EndToEnd.Plans;

/// <summary>What runs depends on how other tasks ended, on a file, or on what somebody says.</summary>
public sealed class ConditionTests
{
    [Fact]
    public void A_task_that_asks_waits_until_somebody_says_yes_and_then_the_run_goes_on()
    {
        using var box = new Sandbox();
        box.Detach(Asking(box));
        box.Reaches("waiting");
        Assert.Equal("complete approval pending", box.Plan().States);
        Assert.Equal("Really?", box.Plan()["ask"].Reason);
        Eventually.Holds(() => box.Supervisors.Count == 0, "nobody works meanwhile");

        box.Run("plan", "approve", "last", "ask").Gives(0);

        box.Reaches("complete");
        Assert.Equal("start a, stop a, start ask, stop ask, start b, stop b", box.Told());
        box.Run("plan", "approve", "last", "ask").Gives(1);
    }

    [Fact]
    public void Who_waits_for_a_run_sees_the_question_and_the_outcome_of_a_yes()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", Asking(box));
        using var run = box.Begin("plan", "run", "p.yaml");
        Eventually.Holds(
            () => run.Err.Contains("ask asks: Really?", StringComparison.Ordinal),
            "it is asked"
        );

        box.Run("plan", "approve", "last", "ask").Gives(0);

        run.End().Gives(0);
    }

    [Fact]
    public void A_no_cancels_the_task_and_skips_what_depends_on_it_and_gives_4()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", Asking(box));
        using var run = box.Begin("plan", "run", "p.yaml");
        box.NodeReaches("ask", "approval");

        box.Run("plan", "reject", "last", "ask").Gives(0);

        run.End(60).Gives(4);
        Assert.Equal("complete cancelled skipped", box.Plan().States);
        Assert.Equal("start a, stop a", box.Told());
    }

    [Fact]
    public void A_yes_before_its_turn_counts_when_its_turn_comes()
    {
        using var box = new Sandbox();
        box.Detach(Asking(box, box.Gate()));
        box.Starts("a");

        box.Run("plan", "approve", "last", "ask").Gives(0);
        Assert.Equal(0, box.Journal.StartsOf("ask"));
        box.Open();

        box.Reaches("complete");
    }

    [Fact]
    public void A_resume_is_no_yes()
    {
        using var box = new Sandbox();
        box.Detach(Asking(box));
        box.Reaches("waiting");

        box.Run("plan", "resume", "last", "--detach").Gives(0);

        Assert.Equal("complete approval pending", box.Reaches("waiting").States);
        Assert.Equal(0, box.Journal.StartsOf("ask"));
    }

    [Fact]
    public void Who_was_refused_is_asked_again_when_the_run_is_resumed()
    {
        using var box = new Sandbox();
        box.Detach(Asking(box));
        box.Reaches("waiting");
        box.Run("plan", "reject", "last", "ask").Gives(0);
        Assert.Equal("cancelled", box.Plan().State);

        box.Run("plan", "resume", "last", "--detach").Gives(0);
        Assert.Equal("complete approval pending", box.Reaches("waiting").States);
        box.Run("plan", "approve", "last", "ask").Gives(0);

        box.Reaches("complete");
    }

    private static string Asking(Sandbox box, string first = "true") =>
        $$"""
            tasks:
              - {id: a, cmd: {{box.Noting("a", first)}} }
              - {id: ask, cmd: {{box.Noting("ask")}}, approval: "Really?", depends_on: [a]}
              - {id: b, cmd: {{box.Noting("b")}}, depends_on: [ask]}
            """;

    [Fact]
    public void A_task_runs_when_its_condition_holds_and_is_skipped_when_it_does_not()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - {id: good, cmd: {{PlanBox.Sh("echo the answer is yes > answer")}} }
                  - {id: bad, cmd: "false"}
                  - {id: yes1, cmd: {{box.Noting("yes1")}}, when: {task: good, outcome: complete} }
                  - {id: yes2, cmd: {{box.Noting("yes2")}}, when: {task: bad, outcome: failed} }
                  - {id: yes3, cmd: {{box.Noting(
                    "yes3"
                )}}, when: {task: good, file: answer, contains: "is yes"} }
                  - {id: no1, cmd: {{box.Noting("no1")}}, when: {task: good, outcome: failed} }
                  - {id: no2, cmd: {{box.Noting("no2")}}, when: {task: bad, outcome: complete} }
                  - {id: no3, cmd: {{box.Noting(
                    "no3"
                )}}, when: {task: good, file: answer, contains: "is no"} }
                  - {id: no4, cmd: {{box.Noting(
                    "no4"
                )}}, when: {task: good, file: none, contains: x} }
                """
            )
            .Gives(3);

        var run = box.Plan();
        Assert.Equal(
            "complete failed complete complete complete skipped skipped skipped skipped",
            run.States
        );
        Assert.Equal(["yes1", "yes2", "yes3"], box.Journal.Starts.Order(StringComparer.Ordinal));
        Assert.Contains(
            "good is complete, not failed",
            run["no1"].Reason,
            StringComparison.Ordinal
        );
        Assert.Contains("does not contain", run["no3"].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_skipped_condition_alone_is_no_failure()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - {id: a, cmd: "true"}
                  - {id: no, cmd: {{box.Noting("no")}}, when: {task: a, outcome: failed} }
                  - {id: after, cmd: {{box.Noting("after")}}, depends_on: [no]}
                """
            )
            .Gives(0);

        Assert.Equal("complete skipped skipped", box.Plan().States);
        Assert.Empty(box.Journal.Lines);
    }

    [Fact]
    public void What_waits_for_any_end_runs_after_a_skipped_task_and_a_failed_one()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - {id: bad, cmd: "false"}
                  - {id: skipped, cmd: {{box.Noting("skipped")}}, depends_on: [bad]}
                  - {id: any1, cmd: {{box.Noting("any1")}}, after: "afterany:bad"}
                  - {id: any2, cmd: {{box.Noting("any2")}}, after: ["afterany:skipped"]}
                  - {id: next, cmd: {{box.Noting("next")}}, depends_on: [any2]}
                """
            )
            .Gives(3);

        Assert.Equal("failed skipped complete complete complete", box.Plan().States);
        Assert.Equal(["any1", "any2", "next"], box.Journal.Starts.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_waits_for_a_failure_runs_after_one_and_is_skipped_after_a_success()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - {id: good, cmd: "true"}
                  - {id: bad, cmd: {{PlanBox.Sh(
                    "echo why; exit 1"
                )}}, retries: 1, retry_backoff_sec: [0]}
                  - {id: mend, cmd: {{box.Noting(
                    "mend",
                    "cp \"${tasks.bad.log}\" seen"
                )}}, after: "afternotok:bad"}
                  - {id: not, cmd: {{box.Noting("not")}}, after: "afternotok:good"}
                """
            )
            .Gives(3);

        Assert.Equal("complete failed complete skipped", box.Plan().States);
        Assert.Equal(["mend"], box.Journal.Starts);
        Assert.Contains(
            "why",
            File.ReadAllText(Path.Join(box.Folder, "seen")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void With_fail_fast_nothing_starts_after_a_failure_and_what_runs_ends_by_itself()
    {
        using var box = new Sandbox();
        box.Detach(
            $$"""
            fail_fast: true
            max_parallel: 2
            tasks:
              - {id: long, cmd: {{box.Noting("long", box.Gate())}} }
              - {id: bad, cmd: {{box.Noting("bad", box.Gate("fail") + "; exit 1")}} }
              - {id: later, cmd: {{box.Noting("later")}} }
            """
        );
        box.Starts("long");
        box.Starts("bad");

        box.Open("fail");
        box.NodeReaches("bad", "failed");
        box.Open();

        box.Reaches("failed");
        var run = box.Plan();
        Assert.Equal("complete failed skipped", run.States);
        Assert.Contains("bad failed", run["later"].Reason, StringComparison.Ordinal);
        Assert.Equal(0, box.Journal.StartsOf("later"));
        box.RunLong(60, "plan", "status", "last", "--watch").Gives(3);
    }

    [Fact]
    public void With_fail_fast_a_failure_that_is_retried_stops_nothing()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                max_parallel: 1
                tasks:
                  - {id: a, cmd: {{PlanBox.Sh(
                    "test -e tried || { touch tried; exit 1; }"
                )}}, retries: 1, retry_backoff_sec: [0.05]}
                  - {id: b, cmd: {{box.Noting("b")}} }
                """,
                "--fail-fast"
            )
            .Gives(0);

        Assert.Equal("complete complete", box.Plan().States);
    }

    [Fact]
    public void A_resume_after_fail_fast_runs_the_rest()
    {
        using var box = new Sandbox();
        box.RunPlan(
                $$"""
                fail_fast: true
                max_parallel: 1
                tasks:
                  - {id: a, cmd: {{box.Noting("a", "test -e ok")}} }
                  - {id: b, cmd: {{box.Noting("b")}} }
                """
            )
            .Gives(3);
        box.Write("ok", "");

        box.RunLong(60, "plan", "resume", "last").Gives(0);

        Assert.Equal("complete complete", box.Plan().States);
    }
}
