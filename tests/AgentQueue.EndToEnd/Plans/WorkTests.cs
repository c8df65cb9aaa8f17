namespace AgentQueue.EndToEnd.Plans;

/// <summary>What tasks of a run give one another and leave behind, and what is asked of their work.</summary>
public sealed class WorkTests
{
    [Fact]
    public void A_task_reads_what_another_one_printed_and_waits_for_it_without_being_told()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - id: reader
                    cmd: [sh, -c, 'cat "$0" "$1" > got; cat "$2" > result', "${inputs.notes}", "${tasks.b.log}", "${tasks.a.result}"]
                    inputs: {notes: "${tasks.a.log}"}
                  - {id: a, cmd: {{PlanBox.Sh("sleep 0.1; echo first")}} }
                  - {id: b, cmd: {{PlanBox.Sh("sleep 0.1; echo second")}} }
                """
            )
            .Gives(0);

        Assert.Equal("first\nsecond\n", File.ReadAllText(Path.Join(box.Folder, "got")));
        Assert.Contains(
            "\"complete\"",
            File.ReadAllText(Path.Join(box.Folder, "result")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_task_that_was_retried_is_known_by_its_last_attempt()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - {id: a, cmd: {{PlanBox.Sh(
                    "echo x >> tries; echo attempt $(wc -l < tries); test $(wc -l < tries) -eq 2"
                )}}, retries: 1, retry_backoff_sec: [0]}
                  - {id: b, cmd: {{PlanBox.Sh("cat \"${tasks.a.log}\" > got")}} }
                """
            )
            .Gives(0);

        Assert.Equal("attempt 2\n", File.ReadAllText(Path.Join(box.Folder, "got")));
    }

    [Fact]
    public void A_task_finds_the_artifacts_of_another_one()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - {id: make, cmd: {{PlanBox.Sh(
                    "mkdir -p out; echo made > out/x.txt"
                )}}, outputs: ["out/*.txt"]}
                  - {id: use, cmd: {{PlanBox.Sh("cp \"${tasks.make.outputs}/out/x.txt\" got")}} }
                """
            )
            .Gives(0);

        Assert.Equal("made\n", File.ReadAllText(Path.Join(box.Folder, "got")));
    }

    [Fact]
    public void Work_that_does_not_stand_up_to_its_check_has_failed_for_that_reason()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - {id: good, cmd: touch made, verify: ["test -e made"]}
                  - {id: bad, cmd: "true", depends_on: [good], verify: ["test -e made", "test -e missing"]}
                  - {id: none, cmd: "true", outputs: [nothing], verify: [outputs]}
                  - {id: next, cmd: {{box.Noting("next")}}, depends_on: [bad]}
                """
            )
            .Gives(3);

        var run = box.Plan();
        Assert.Equal("complete failed failed skipped", run.States);
        Assert.Equal("verify", box.Task(run["bad"].TaskId).Reason);
        Assert.Contains("test -e missing", run["bad"].Reason, StringComparison.Ordinal);
        Assert.Equal("verify", box.Task(run["none"].TaskId).Reason);
        Assert.Contains("nothing", run["none"].Reason, StringComparison.Ordinal);
        Assert.Empty(box.Journal.Lines);
    }

    [Fact]
    public void A_check_that_fails_once_is_retried_with_its_task()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                tasks:
                  - id: a
                    cmd: {{PlanBox.Sh("echo x >> tries")}}
                    verify: [{{PlanBox.Sh("test $(wc -l < tries) -eq 2")}}]
                    retries: 3
                    retry_backoff_sec: [0]
                """
            )
            .Gives(0);

        Assert.Equal(2, box.Plan()["a"].Attempts);
    }

    [Fact]
    public void Artifacts_are_kept_of_failures_too_and_also_where_the_plan_wants_them()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                artifacts_dir: kept
                tasks:
                  - {id: a, cmd: {{PlanBox.Sh(
                    "mkdir -p out; echo 1 > out/x; echo 2 > out/y"
                )}}, outputs: [out]}
                  - {id: b, cmd: {{PlanBox.Sh("echo 3 > z; exit 1")}}, outputs: ["z*", "none"]}
                """
            )
            .Gives(3);

        foreach (
            var folder in new[]
            {
                Path.Join(box.Plan().Folder, "artifacts"),
                Path.Join(box.Folder, "kept"),
            }
        )
        {
            Assert.Equal(
                ["a/out/x", "a/out/y", "b/z"],
                Directory
                    .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                    .Select(f => Path.GetRelativePath(folder, f))
                    .Order(StringComparer.Ordinal)
            );
        }

        var report = box.Run("plan", "report").Gives(0).Out;
        Assert.Contains("out/x", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Changing_or_removing_the_plan_during_a_run_changes_nothing()
    {
        using var box = new Sandbox();
        box.Detach(
            $$"""
            tasks:
              - {id: a, cmd: {{box.Noting("a", box.Gate())}} }
              - {id: b, cmd: {{box.Noting("b")}}, depends_on: [a]}
              - {id: c, cmd: {{box.Noting("c", "test -e ok")}}, depends_on: [b]}
            """
        );
        box.Starts("a");
        box.Write("p.yaml", "tasks: [{id: evil, cmd: touch evil}]\n");
        box.Open();
        box.Reaches("failed");

        box.Write("ok", "");
        File.Delete(Path.Join(box.Folder, "p.yaml"));
        box.RunLong(60, "plan", "resume", "last").Gives(0);

        Assert.Equal("complete complete complete", box.Plan().States);
        Assert.Equal("start a, stop a, start b, stop b, start c, start c, stop c", box.Told());
        Assert.False(File.Exists(Path.Join(box.Folder, "evil")));
    }

    [Fact]
    public void A_parameter_keeps_its_value_when_a_run_is_resumed()
    {
        using var box = new Sandbox();
        box.RunPlan(
                """
                params: {who: nobody}
                tasks:
                  - {id: a, cmd: [sh, -c, 'echo "$0" >> who; test -e ok', "${params.who}"]}
                """,
                "--set",
                "who=you & me"
            )
            .Gives(3);
        box.Write("ok", "");

        box.RunLong(60, "plan", "resume", "last").Gives(0);

        Assert.Equal("you & me\nyou & me\n", File.ReadAllText(Path.Join(box.Folder, "who")));
    }

    [Fact]
    public void A_resume_runs_what_is_not_complete_and_nothing_else()
    {
        using var box = new Sandbox();
        box.RunPlan(
                $$"""
                tasks:
                  - {id: done, cmd: {{box.Noting("done")}} }
                  - {id: bad, cmd: {{box.Noting("bad", "test -e ok")}} }
                  - {id: next, cmd: {{box.Noting("next")}}, depends_on: [bad]}
                  - {id: no, cmd: {{box.Noting("no")}}, when: {task: done, outcome: failed} }
                """
            )
            .Gives(3);
        box.Write("ok", "");

        box.RunLong(60, "plan", "resume", "last", "--failed-only").Gives(0);

        Assert.Equal("complete complete complete skipped", box.Plan().States);
        Assert.Equal(
            (1, 2, 1, 0),
            (
                box.Journal.StartsOf("done"),
                box.Journal.StartsOf("bad"),
                box.Journal.StartsOf("next"),
                box.Journal.StartsOf("no")
            )
        );
        box.RunLong(60, "plan", "resume", "last").Gives(0);
        Assert.Equal(4, box.Journal.Starts.Count());
    }
}
