namespace AgentQueue.EndToEnd.Plans;

/// <summary>Verbs at the wrong moment, and several at once.</summary>
public sealed class RaceTests
{
    [Fact]
    public void A_cancel_at_any_moment_leaves_nothing_that_runs_or_waits()
    {
        var random = new Random(20264);
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        var plan = $$"""
            max_parallel: 3
            tasks:
              - {id: a, cmd: {{box.Noting("a", "exit 1")}}, retries: 90, retry_backoff_sec: [0]}
              - {id: b, cmd: {{box.Noting(
                "b",
                "sleep 0.01; exit 1"
            )}}, retries: 90, retry_backoff_sec: [0.01]}
              - {id: c, cmd: {{box.Noting("c", "sleep 300")}}, retries: 1}
              - {id: d, cmd: {{box.Noting("d")}}, depends_on: [a]}
              - {id: e, cmd: {{box.Noting("e")}}, after: ["afterany:c"]}
            """;
        for (var round = 0; round < 20; round++)
        {
            var before = box.Journal.StartsOf("a");
            var run = box.Detach(plan);
            box.Starts("a", before + 1 + random.Next(4));

            box.Run("plan", "cancel", run).Gives(0);

            var state = box.Plan(run);
            Assert.True(
                state.State == "cancelled",
                $"round {round}: {state.State}: {state.States}"
            );
            Eventually.Holds(() => box.Supervisors.Count == 0, "nobody is left");
            var after = box.Journal.Lines.Count;
            Assert.Equal(state.States, box.Plan(run).States);
            Assert.Equal(after, box.Journal.Lines.Count);
            Assert.Equal(0, box.Journal.StartsOf("d") + box.Journal.StartsOf("e"));
        }
    }

    [Fact]
    public void Of_many_answers_at_once_one_counts_and_the_task_runs_at_most_once()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        for (var round = 0; round < 20; round++)
        {
            var name = $"ask{round}";
            var run = box.Detach(
                $$"""
                tasks:
                  - {id: {{name}}, cmd: {{box.Noting(name)}}, approval: "Really?"}
                  - {id: next, cmd: "true", depends_on: [{{name}}]}
                """
            );
            box.Reaches("waiting");

            var answers = Enumerable
                .Range(0, 6)
                .Select(i => box.Begin("plan", i % 2 == 0 ? "approve" : "reject", run, name))
                .ToList();
            var codes = answers.ConvertAll(static a => a.End().Code);
            answers.ForEach(static a => a.Dispose());

            Assert.All(codes, static c => Assert.InRange(c, 0, 1));
            Assert.Contains(0, codes);
            Eventually.Holds(
                () => box.Plan(run).IsOver,
                $"the run is over: {box.Plan(run).State}: {box.Plan(run).States}"
            );
            Assert.Contains(
                box.Plan(run).States,
                new[] { "complete complete", "cancelled skipped" }
            );
            Assert.Equal(
                box.Plan(run)[name].State == "complete" ? 1 : 0,
                box.Journal.StartsOf(name)
            );
        }
    }

    [Fact]
    public void Runs_that_begin_at_the_same_moment_are_runs_of_their_own()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            $"tasks: [{{id: a, cmd: {box.Noting("a")}}}, {{id: b, cmd: {box.Noting("b")}, depends_on: [a]}}]\n"
        );
        var verbs = Enumerable
            .Range(0, 12)
            .Select(_ => box.Begin("plan", "run", "p.yaml"))
            .ToList();

        var ids = verbs.ConvertAll(static v => v.End(120).Gives(0).Lines[0].Split(' ')[0]);
        verbs.ForEach(static v => v.Dispose());

        Assert.Equal(12, ids.Distinct().Count());
        Assert.Equal((12, 12), (box.Journal.StartsOf("a"), box.Journal.StartsOf("b")));
        Assert.All(ids, id => Assert.Equal("complete complete", box.Plan(id).States));
    }

    [Fact]
    public void A_resume_beside_a_cancel_ends_with_the_run_over_or_at_work()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        for (var round = 0; round < 10; round++)
        {
            var run = box.Detach(
                $$"""
                tasks:
                  - {id: a, cmd: {{box.Noting("a", "sleep 300")}} }
                  - {id: b, cmd: {{box.Noting("b", "exit 1")}} }
                  - {id: c, cmd: "true", depends_on: [a]}
                """
            );
            box.Starts("a", box.Plan(run)["a"].State == "running" ? 1 : 0);
            using var cancel = box.Begin("plan", "cancel", run);
            using var resume = box.Begin("plan", "resume", run, "--detach");
            cancel.End().Gives(0);
            resume.End().Gives(0);

            // Whoever was last; afterwards a cancel is sure.
            Assert.Contains(
                box.Plan(run).State,
                new[] { "cancelled", "running", "failed", "stopped" }
            );
            if (!box.Plan(run).IsOver)
            {
                // What the resume has started may have failed meanwhile, which ends the run too.
                box.Run("plan", "cancel", run).Gives(0, 1);
            }

            Assert.True(box.Plan(run).IsOver, box.Plan(run).States);
            Eventually.Holds(() => box.Supervisors.Count == 0, "nobody is left");
        }
    }

    [Fact]
    public void When_the_one_who_waits_for_a_retry_is_killed_the_run_says_so_and_a_resume_goes_on()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            $$"""
            tasks:
              - {id: a, cmd: {{box.Noting(
                "a",
                "test -e ok"
            )}}, retries: 1, retry_backoff_sec: [20]}
              - {id: b, cmd: {{box.Noting("b")}}, depends_on: [a]}
            """
        );
        using var run = box.Begin("plan", "run", "p.yaml");
        box.NodeReaches("a", "retrying");
        foreach (var pid in box.Supervisors)
        {
            box.KillAtOnce(pid);
        }

        var told = run.End(60).Gives(3);
        Assert.Contains("plan resume", told.Err, StringComparison.Ordinal);
        box.Write("ok", "");

        box.RunLong(60, "plan", "resume", "last").Gives(0);

        Assert.Equal("start a, start a, stop a, start b, stop b", box.Told());
    }

    [Fact]
    public void Who_waits_for_a_run_and_is_told_to_end_leaves_the_run_alone()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", $"tasks: [{{id: a, cmd: {box.Noting("a", box.Gate())}}}]\n");
        foreach (var signal in new[] { Processes.Term, Processes.Hangup, Processes.Kill })
        {
            var before = box.Journal.StartsOf("a");
            using var run = box.Begin("plan", "run", "p.yaml");
            box.Starts("a", before + 1);

            Processes.Signal(run.Pid, signal);
            run.End();

            Assert.Equal("running", box.Plan().State);
            box.Open();
            box.Reaches("complete");
            File.Delete(Path.Join(box.Outside, "gate"));
        }
    }

    [Fact]
    public void Cancelling_one_task_skips_what_depends_on_it_and_the_others_go_on()
    {
        using var box = new Sandbox();
        box.Detach(
            $$"""
            tasks:
              - {id: a, cmd: {{box.Noting("a", "sleep 300")}} }
              - {id: b, cmd: {{box.Noting("b")}}, depends_on: [a]}
              - {id: c, cmd: {{box.Noting("c")}}, after: "afternotok:a"}
              - {id: d, cmd: {{box.Noting("d", box.Gate())}} }
            """
        );
        box.Starts("a");
        box.Starts("d");

        box.Run("cancel", box.Plan()["a"].TaskId).Gives(0);
        box.NodeReaches("c", "complete");
        box.Open();

        Assert.Equal("cancelled skipped complete complete", box.Reaches("cancelled").States);
    }

    [Fact]
    public void Releasing_a_held_task_lets_the_run_go_on()
    {
        using var box = new Sandbox();
        box.Detach(
            $$"""
            tasks:
              - {id: a, cmd: {{box.Noting("a", box.Gate())}} }
              - {id: b, cmd: {{box.Noting("b")}}, depends_on: [a]}
            """
        );
        box.Run("hold", box.Plan()["b"].TaskId).Gives(0);
        box.Open();
        box.Reaches("waiting");

        box.Run("release", box.Plan()["b"].TaskId).Gives(0);

        box.Reaches("complete");
    }
}
