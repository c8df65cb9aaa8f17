using System.Globalization;

namespace AgentQueue.EndToEnd.Workflows;

/// <summary>
/// What the older tool for workflows got wrong (OG-B1 to B14), each as what holds here. Not here: B1, that it did not
/// compile, is what every build of this tree shows; B13, a variable written without its lock, has nothing that
/// answers to it, because no threads share the outcome of a run: it is read from the files of its tasks.
/// B14, that the output of git was kept and not shown, is <see cref="GitTests"/>.
/// </summary>
public sealed class OlderFaultTests
{
    [Fact]
    public void B2_options_behind_the_name_are_honoured()
    {
        using var box = new Sandbox();
        box.Run("plan", "new", "a", "--template", "fan-out", "--set", "goal=Said behind").Gives(0);
        Assert.Contains(
            "goal: \"Said behind\"",
            File.ReadAllText(Path.Join(box.Folder, "plans", "a.yaml")),
            StringComparison.Ordinal
        );

        box.Write("p.yaml", "params: {x: no}\ntasks: [{id: t, cmd: [echo, '${params.x}']}]\n");
        box.Run("plan", "run", "p.yaml", "--set", "x=yes").Gives(0);
        Assert.Contains(
            "\nyes\n",
            box.Run("plan", "logs", "last").Gives(0).Out,
            StringComparison.Ordinal
        );
        box.Run("plan", "document", "last", "--name", "n", "--title", "Behind, too").Gives(0);
        Assert.StartsWith("# Behind, too\n", Workflow.Document(box, "n"), StringComparison.Ordinal);
    }

    [Fact]
    public void B3_two_runs_within_one_second_keep_all_their_records_and_logs()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "params: {x: }\ntasks: [{id: t, cmd: [echo, '${params.x}']}]\n");

        box.Sh("for i in 1 2 3 4; do agentq plan run p.yaml --detach --set x=said-$i & done; wait")
            .Gives(0);
        Eventually.Holds(
            () => box.Tasks is { Count: 4 } tasks && tasks.All(static t => t.IsFinished),
            "all four have ended"
        );

        var records = Workflow.Records(box, "plan.run");
        Assert.Equal(
            4,
            records.Select(r => r.GetProperty("subject").GetString()).Distinct().Count()
        );
        var logs = records.Select(r =>
            box.Run("plan", "logs", r.GetProperty("subject").GetString()!).Gives(0).Out
        );
        Assert.Equal(
            ["said-1", "said-2", "said-3", "said-4"],
            logs.Select(static l =>
                    l.Split('\n').Single(static x => x.StartsWith("said", StringComparison.Ordinal))
                )
                .Order()
        );
    }

    [Fact]
    public void B4_after_a_failed_build_the_document_says_failed_and_nothing_says_done()
    {
        using var box = new Sandbox();
        Workflow.Make(box, build: "echo broken >&2; exit 7");

        box.Run("plan", "run", "plans/app.yaml").Gives(3);

        Assert.Equal("failed: build", Workflow.Status(box));
        Assert.DoesNotContain("done", Workflow.Document(box), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("done", Workflow.Readme(box), StringComparison.OrdinalIgnoreCase);
        Assert.Matches(@"\| build \| .* \| failed \| 7 \|", Workflow.Document(box));
        Assert.Contains(
            "| review | not run | skipped |",
            Workflow.Document(box),
            StringComparison.Ordinal
        );
        var record = Assert.Single(Workflow.Records(box, "plan.document"));
        Assert.Equal(3, record.GetProperty("exitCode").GetInt32());
        Assert.Equal("failed: build", record.GetProperty("output").GetString());
    }

    [Fact]
    public void B4_without_any_build_the_document_does_not_say_done()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: only, cmd: agentq plan document --name a}]\n");

        box.Run("plan", "run", "p.yaml").Gives(3);

        Assert.StartsWith("unfinished: ", Workflow.Status(box, "a"), StringComparison.Ordinal);
        Assert.DoesNotContain("done", Workflow.Readme(box), StringComparison.OrdinalIgnoreCase);
        box.Run("plan", "document", "last", "--name", "b").Gives(3);
        Assert.Equal("failed: only", Workflow.Status(box, "b"));
    }

    [Fact]
    public void B5_the_readme_has_one_section_however_often_it_is_documented()
    {
        using var box = new Sandbox();
        box.Write("README.md", "# Ours\n");
        Workflow.Make(box);

        box.Run("plan", "run", "plans/app.yaml").Gives(0);
        box.Run("plan", "run", "plans/app.yaml").Gives(0);
        box.Run("plan", "document", "last", "--name", "app", "--title", "Other").Gives(0);

        var readme = Workflow.Readme(box);
        Assert.StartsWith(
            "# Ours\n\n<!-- agentq:task app -->\n## Other\n",
            readme,
            StringComparison.Ordinal
        );
        Assert.Equal(2, readme.Split("<!-- agentq:task app -->").Length);
        Assert.Equal(3, Workflow.Records(box, "plan.document").Count);
    }

    [Fact]
    public void B6_a_time_limit_ends_every_process_and_is_told_as_one()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            "tasks:\n  - id: slow\n    cmd: [sh, -c, 'sleep 301 & setsid sleep 302 & wait']\n    timeout_sec: 1\n"
        );

        box.Run("plan", "run", "p.yaml").Gives(3);

        Assert.Equal("timeout", Assert.Single(box.Tasks).Reason);
        Assert.Empty(box.ProcessesOf(box.Ids[0]));
    }

    [Fact]
    public void B7_stdout_has_the_result_alone()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: a, cmd: 'true'}]\n");
        box.Run("plan", "run", "p.yaml").Gives(0);

        _ = box.Run("plan", "document", "--name", "a", "--json", "--debug").Gives(0).Json;
        _ = box.Run("plan", "new", "a", "--json", "--debug").Gives(0).Json;
        _ = box.Run("plan", "list", "--templates", "--json", "--debug").Gives(0).Json;
        _ = box.Run("agents", "--runs", "--json", "--debug").Gives(0).Json;
    }

    [Fact]
    public void B8_exit_codes_tell_a_wrong_line_from_what_is_not_there_and_from_failed_work()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: a, cmd: 'false'}]\n");

        box.Run("plan", "document").Gives(2);
        box.Run("plan", "document", "nothing", "--name", "a").Gives(1);
        box.Run("plan", "run", "p.yaml").Gives(3);
        box.Run("plan", "document", "--name", "a").Gives(3);
    }

    [Fact]
    public void B9_a_job_and_a_plan_of_one_name_do_not_meet_and_no_name_is_a_path()
    {
        using var box = new Sandbox();
        box.Configure("\"same\": { \"command\": \"echo\", \"args\": [\"from the job\"] }");
        box.Write("same.yaml", "tasks: [{id: same, cmd: echo from the plan}]\n");

        box.Run("start", "same", "--wait").Gives(0);
        box.Run("plan", "run", "same.yaml").Gives(0);

        Assert.Contains(
            "from the plan",
            box.Run("plan", "logs", "last").Out,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "complete",
            box.Run("agents", "same", "--runs").Out,
            StringComparison.Ordinal
        );
        Assert.Equal(2, box.Ids.Count);
        box.Run("plan", "document", "last", "--name", "../same").Gives(2);
        box.Run("start", "../same").Gives(2);
    }

    [Fact]
    public void B10_documents_that_are_written_at_once_all_stand_in_the_readme()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: a, cmd: 'true'}]\n");
        box.Run("plan", "run", "p.yaml").Gives(0);

        box.Sh(
                "for i in 1 2 3 4 5 6 7 8; do agentq plan document last --name n$i >/dev/null & done; wait"
            )
            .Gives(0);

        var readme = Workflow.Readme(box);
        for (var i = 1; i <= 8; i++)
        {
            var mark = string.Create(CultureInfo.InvariantCulture, $"<!-- agentq:task n{i} -->");
            Assert.Equal(2, readme.Split(mark).Length);
        }
    }

    [Fact]
    public void B11_the_review_waits_for_the_build_and_looks_at_its_outputs()
    {
        using var box = new Sandbox();
        Workflow.Make(box, build: $"sleep 0.3; {Workflow.GoodBuild}");
        box.Run("plan", "run", "plans/app.yaml").Gives(0);
        Assert.Equal("done", Workflow.Status(box));

        // A build that says it went well and made nothing.
        Workflow.MakeAgain(box, build: "rm -rf build; true");
        box.Run("plan", "run", "plans/app.yaml").Gives(3);
        Assert.Equal("failed: build", Workflow.Status(box));

        // Outputs that the review itself no longer finds, although its check passes.
        Workflow.MakeAgain(box, build: Workflow.GoodBuild, check: "rm -rf build");
        box.Run("plan", "run", "plans/app.yaml").Gives(3);
        Assert.Equal("failed: review", Workflow.Status(box));
    }

    [Fact]
    public void B11_a_review_beside_the_build_that_finds_nothing_has_failed()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            """
            tasks:
              - id: build
                cmd: sh -c "while ! test -e reviewed; do sleep 0.05; done; echo x > out"
              - id: review
                cmd: "true"
                outputs: [out]
                verify: [outputs]
              - id: after
                cmd: touch reviewed
                after: ["afterany:review"]
            """
        );

        box.Run("plan", "run", "p.yaml").Gives(3);

        box.Run("plan", "document", "last", "--name", "a").Gives(3);
        Assert.Equal("failed: review", Workflow.Status(box, "a"));
    }

    [Fact]
    public void B12_goal_parameters_limit_environment_and_output_all_arrive()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            """
            goal: "For ${params.who}"
            params: {who: }
            tasks:
              - id: t
                cmd: [sh, -c, 'echo "out $GREETING"; echo "err $GREETING" >&2']
                env: {GREETING: "hello ${params.who}"}
                timeout_sec: 50
                outputs: ["kept.txt"]
              - id: u
                cmd: [sh, -c, 'cp "$0" kept.txt', "${tasks.t.log}"]
                outputs: ["kept.txt"]
            """
        );

        box.Run("plan", "run", "p.yaml", "--set", "who=all").Gives(0);
        box.Run("plan", "document", "--name", "a").Gives(0);

        var logs = box.Run("plan", "logs", "last").Gives(0).Out;
        Assert.Contains("out hello all", logs, StringComparison.Ordinal);
        Assert.Contains("err hello all", logs, StringComparison.Ordinal);
        Assert.Equal("out hello all\n", File.ReadAllText(Path.Join(box.Folder, "kept.txt")));
        Assert.Contains(
            "## Purpose\n\nFor all\n",
            Workflow.Document(box, "a"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "| u | kept.txt | 14 |",
            Workflow.Document(box, "a"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void B12_a_planner_that_writes_no_plan_has_failed()
    {
        using var box = new Sandbox();
        Workflow.Make(box);
        box.Configure("\"planner\": { \"command\": \"true\", \"args\": [\"{prompt}\"] }");

        box.Run("plan", "run", "plans/app.yaml").Gives(3);

        Assert.Equal("failed: plan", Workflow.Status(box));
        Assert.False(Directory.Exists(Path.Join(box.Folder, "build")));
    }
}
