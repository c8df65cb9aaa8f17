namespace AgentQueue.EndToEnd.Agents;

/// <summary>What people are told of tasks that wait: for them, for a limit, for a budget.</summary>
public sealed class WaitingTests : IDisposable
{
    private const string Asks =
        "test -e ${AGENTQ_TASK_FILE%.json}.answer || { echo 'Which $(touch pwned) one?' > ${AGENTQ_TASK_FILE%.json}.question; exit; }; cat ${AGENTQ_TASK_FILE%.json}.answer";

    private readonly Sandbox _box = new();

    public void Dispose() => _box.Dispose();

    [Fact]
    public void An_answer_is_data_for_an_agent_that_runs_its_prompt()
    {
        var id = _box.Run("start", "shell", Asks, "--run", "--quiet").Gives(0).Text;
        Asking(id);

        _box.Run("answer", id, "the $(touch pwned) second", "--wait").Gives(0);

        Assert.Equal("the $(touch pwned) second\n", _box.Log(id));
        Assert.False(File.Exists(Path.Join(_box.Folder, "pwned")));
        _box.Run("clean", id).Gives(0);
        Assert.False(File.Exists(_box.PathOf("tasks", id, ".answer")));
    }

    [Fact]
    public void Who_waits_for_a_task_that_asks_is_told_what_and_how_to_answer()
    {
        using var waiting = _box.Begin("start", "shell", Asks, "--wait");
        Eventually.Holds(
            () => waiting.Err.Contains("asks: Which", StringComparison.Ordinal),
            "it is told"
        );
        var id = Assert.Single(_box.Ids);
        Assert.Contains($"agentq answer {id}", waiting.Err, StringComparison.Ordinal);

        Assert.Contains(
            "agentq answer",
            _box.Run("release", id).Gives(1).Err,
            StringComparison.Ordinal
        );
        Asking(id);
        _box.Run("answer", id, "this one").Gives(0);
        waiting.End(60).Gives(0);
    }

    [Fact]
    public void What_is_said_about_limits_by_one_that_did_its_work_is_none()
    {
        _ = new ScriptedCli(
            _box,
            ScriptedCli.Says("Done, but one test fails.")
                + "echo 'FAIL: expected 429 rate limit exceeded, try again in 5 hours' >&2\nexit 1\n"
        );
        _box.Run("start", "claude", "Do it", "--wait").Gives(3);

        Assert.Equal("exit", _box.Task(Assert.Single(_box.Ids)).Reason);
        Assert.False(Directory.Exists(Path.Join(_box.Queue, "run", "limits")));
    }

    [Fact]
    public void A_task_that_is_not_to_wait_for_a_limit_is_started_in_spite_of_it()
    {
        var cli = new ScriptedCli(
            _box,
            ScriptedCli.Refused(429, "usage limit reached", "4000000000")
        );
        var first = _box.Run("start", "claude", "Do it", "--run", "--quiet").Gives(0).Text;
        Eventually.Holds(() => _box.Task(first).Text("limit") is not null, "it waits");

        _box.Run("start", "claude", "Do it", "--on-limit", "fail", "--wait").Gives(3);
        _box.Run("start", "claude", "true", "--on-limit", "fallback:shell", "--wait").Gives(0);

        Assert.Equal(3, cli.Calls);
        Assert.Equal(
            ["claude pending", "claude failed", "claude failed", "shell complete"],
            _box.Tasks.Select(static t => $"{t.Text("agent")} {t.Status}")
        );
        using var waiting = _box.Begin("start", "claude", "Do it", "--wait");
        Eventually.Holds(
            () => waiting.Err.Contains("is not to start before", StringComparison.Ordinal),
            "it is told for what it waits"
        );
    }

    [Fact]
    public void A_run_of_a_plan_that_its_budget_stops_says_so()
    {
        _ = new ScriptedCli(_box, ScriptedCli.Says("done", cost: 0.1m));
        _box.Write(
            "agent-config.json",
            """{ "agents": { "claude": { "adapter": "claude" } }, "budgets": [{ "usd": 0.1, "per": "plan" }] }"""
        );
        _box.Write(
            "plan.yaml",
            "goal: x\ntasks:\n  - {id: a, agent: claude, prompt: x}\n  - {id: b, agent: claude, prompt: x, depends_on: [a]}\n"
        );

        var run = _box.Run("plan", "run", "plan.yaml").Gives(3);

        Assert.Contains("$0.1 of $0.1", run.Err, StringComparison.Ordinal);
        Assert.DoesNotContain("supervisors are gone", run.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_agent_says_beside_its_done_is_not_lost()
    {
        _ = new ScriptedCli(
            _box,
            "touch ${AGENTQ_TASK_FILE%.json}.done\n" + ScriptedCli.Refused(500, "boom")
        );
        var id = _box.Run("start", "claude", "Do it", "--wait", "--quiet").Gives(0).Text;

        Assert.Contains(
            "wrote .done, then",
            _box.Run("show", id).Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    private void Asking(string id) =>
        Eventually.Holds(
            () => _box.Task(id) is { Status: "pending" } task && task.Text("question") is not null,
            "it asks"
        );
}
