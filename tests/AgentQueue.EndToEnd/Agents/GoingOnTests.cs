using System.Globalization;
using System.Text.Json;

namespace AgentQueue.EndToEnd.Agents;

/// <summary>What follows when an agent's run was not the end of it: checks, limits, questions, sessions.</summary>
public sealed class GoingOnTests : IDisposable
{
    private readonly Sandbox _box = new();

    public void Dispose() => _box.Dispose();

    private JsonElement ResultOf(string id)
    {
        using var document = JsonDocument.Parse(
            File.ReadAllBytes(_box.PathOf("results", id, ".json"))
        );
        return document.RootElement.Clone();
    }

    private void Tells(string name) =>
        Eventually.Holds(
            () => _box.Run("events").Gives(0).Out.Contains(name, StringComparison.Ordinal),
            $"{name} is told"
        );

    private string Only => Assert.Single(_box.Ids);

    [Fact]
    public void A_check_that_fails_twice_passes_on_the_second_attempt_to_mend_it()
    {
        var cli = new ScriptedCli(_box, ScriptedCli.Says("tried") + "echo x >> tries\n");
        _box.Run(
                "start",
                "claude",
                "Do it",
                "--wait",
                "--verify",
                "sh -c 'echo see here; test $(wc -l < tries) -eq 3'",
                "--fix-attempts",
                "2"
            )
            .Gives(0);

        Assert.Equal(3, cli.Calls);
        Assert.Equal("Do it", cli.PromptOf(1));
        Assert.Contains("see here", cli.PromptOf(2), StringComparison.Ordinal);
        Assert.Contains("--resume=s-1", cli.ArgsOf(3));
        var result = ResultOf(Only);
        var verification = result.GetProperty("verification");
        Assert.Equal("passed", verification.GetProperty("outcome").GetString());
        Assert.Equal(2, verification.GetProperty("fixAttempts").GetInt32());
        Assert.Equal("0.3", result.GetProperty("costUsd").GetRawText());
        Assert.Equal(30, result.GetProperty("tokens").GetProperty("input").GetInt32());
    }

    [Fact]
    public void A_check_that_is_never_met_ends_after_the_attempts_that_were_allowed()
    {
        var cli = new ScriptedCli(_box, ScriptedCli.Says("tried"));
        _box.Run("start", "claude", "Do it", "--wait", "--verify", "false", "--fix-attempts", "1")
            .Gives(3);

        Assert.Equal(2, cli.Calls);
        Assert.Equal("verify", _box.Task(Only).Reason);
        var result = ResultOf(Only);
        Assert.Equal("success", result.GetProperty("agentSays").GetProperty("outcome").GetString());
        Assert.Equal(
            "failed",
            result.GetProperty("verification").GetProperty("outcome").GetString()
        );
        Assert.Equal(0, result.GetProperty("exit").GetProperty("code").GetInt32());
    }

    [Fact]
    public void What_an_agent_has_said_outlives_its_supervisor()
    {
        _ = new ScriptedCli(
            _box,
            ScriptedCli.Says("half of it") + "touch said\nsleep 300\n",
            ScriptedCli.Says("the rest")
        );
        var id = _box.Run("start", "claude", "Do it", "--run", "--quiet").Gives(0).Text;
        Eventually.Holds(() => File.Exists(Path.Join(_box.Folder, "said")), "it has spoken");
        _box.KillAtOnce(_box.SupervisorOf(id));

        _box.Run("status").Gives(0);

        Assert.Equal(("failed", "lost"), (_box.Task(id).Status, _box.Task(id).Reason));
        var result = ResultOf(id);
        Assert.Equal("half of it", result.GetProperty("text").GetString());
        Assert.Equal("0.1", result.GetProperty("costUsd").GetRawText());
        Assert.Equal("killed", result.GetProperty("error").GetProperty("class").GetString());
        Assert.Equal(JsonValueKind.Null, result.GetProperty("exit").GetProperty("code").ValueKind);
        Assert.Contains("$0.10", _box.Run("usage").Gives(0).Out, StringComparison.Ordinal);
        _box.Run("continue", id, "And the rest", "--wait").Gives(0);
    }

    [Fact]
    public void Of_a_check_that_nobody_saw_the_end_of_is_told_apart_from_how_the_agent_ended()
    {
        _ = new ScriptedCli(_box, ScriptedCli.Says("first"), ScriptedCli.Says("second", 0.2m));
        var id = _box.Run(
                "start",
                "claude",
                "Do it",
                "--run",
                "--quiet",
                "--fix-attempts",
                "1",
                "--verify",
                "sh -c 'echo noise; test -e once || { touch once; exit 1; }; touch twice; exec sleep 300'"
            )
            .Gives(0)
            .Text;
        Eventually.Holds(() => File.Exists(Path.Join(_box.Folder, "twice")), "it is checked");
        _box.KillAtOnce(_box.SupervisorOf(id));

        _box.Run("status").Gives(0);

        var task = _box.Task(id);
        Assert.Equal(("failed", "lost"), (task.Status, task.Reason));
        Assert.Contains("while the work was checked", task.Error, StringComparison.Ordinal);
        Assert.Empty(_box.ProcessesOf(id));
        var result = ResultOf(id);
        Assert.Equal("second", result.GetProperty("text").GetString());
        Assert.Equal("0.3", result.GetProperty("costUsd").GetRawText());
        Assert.Equal("success", result.GetProperty("agentSays").GetProperty("outcome").GetString());
        Assert.Equal(0, result.GetProperty("exit").GetProperty("code").GetInt32());
        var verification = result.GetProperty("verification");
        Assert.Equal("unavailable", verification.GetProperty("outcome").GetString());
        Assert.Equal(1, verification.GetProperty("fixAttempts").GetInt32());
    }

    [Fact]
    public void A_check_that_cannot_be_made_is_no_reason_to_try_again()
    {
        var cli = new ScriptedCli(_box, ScriptedCli.Says("tried"));
        _box.Run(
                "start",
                "claude",
                "Do it",
                "--wait",
                "--verify",
                "no-such-program",
                "--fix-attempts",
                "3"
            )
            .Gives(3);

        Assert.Equal(1, cli.Calls);
        Assert.Equal(
            "unavailable",
            ResultOf(Only).GetProperty("verification").GetProperty("outcome").GetString()
        );
    }

    [Fact]
    public void An_exit_with_0_is_not_believed_when_the_stream_breaks_off()
    {
        _ = new ScriptedCli(
            _box,
            ScriptedCli.Prints("""{"type":"system","subtype":"init","session_id":"s-1"}""")
        );
        _box.Run("start", "claude", "Do it", "--wait").Gives(3);

        Assert.Equal("agent", _box.Task(Only).Reason);
        Assert.Equal(
            "incomplete",
            ResultOf(Only).GetProperty("agentSays").GetProperty("outcome").GetString()
        );
    }

    [Theory]
    [InlineData(401, "auth")]
    [InlineData(500, "overloaded")]
    [InlineData(413, "context")]
    public void The_class_of_an_error_is_told(int status, string word)
    {
        _ = new ScriptedCli(_box, ScriptedCli.Refused(status, "no"));
        _box.Run("start", "claude", "Do it", "--wait").Gives(3);

        var error = ResultOf(Only).GetProperty("error");
        Assert.Equal(word, error.GetProperty("class").GetString());
        Assert.Equal("certain", error.GetProperty("confidence").GetString());
        Assert.Equal(word, _box.Task(Only).Text("errorClass"));
    }

    [Fact]
    public void A_task_at_the_limit_of_its_account_waits_for_the_reset_and_goes_on_by_itself()
    {
        var reset = DateTimeOffset.UtcNow.AddSeconds(12).ToUnixTimeSeconds();
        var cli = new ScriptedCli(
            _box,
            ScriptedCli.Refused(
                429,
                "usage limit reached",
                reset.ToString(CultureInfo.InvariantCulture)
            ),
            ScriptedCli.Says("done")
        );
        var id = _box.Run("start", "claude", "Do it", "--run", "--quiet").Gives(0).Text;
        Eventually.Holds(() => _box.Task(id).Text("notBefore") is not null, "it waits");
        Assert.Equal("pending", _box.Task(id).Status);
        Assert.Contains("usage limit", _box.Run("status").Gives(0).Out, StringComparison.Ordinal);
        Tells("task_limited:claude");

        Eventually.Holds(() => _box.Task(id).Status == "complete", "it went on", 90);
        Assert.Equal(2, cli.Calls);
        Assert.True(DateTimeOffset.UtcNow.ToUnixTimeSeconds() >= reset);
        Eventually.Holds(
            () => !Directory.Exists(Path.Join(_box.Queue, "run", "limits")),
            "the limit is lifted"
        );
    }

    [Fact]
    public void Others_of_the_account_wait_with_it_and_those_of_another_do_not()
    {
        var reset = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds();
        var cli = new ScriptedCli(
            _box,
            ScriptedCli.Refused(
                429,
                "usage limit reached",
                reset.ToString(CultureInfo.InvariantCulture)
            )
        );
        _box.Run("start", "claude", "first", "--run").Gives(0);
        Eventually.Holds(() => _box.Task(_box.Ids[0]).Text("notBefore") is not null, "it waits");
        _box.Run("start", "claude", "second").Gives(0);
        _box.Run("start", "shell", "true", "--wait").Gives(0);
        _box.Run("run").Gives(0);

        Assert.Equal(1, cli.Calls);
        Assert.Equal("pending", _box.Task(_box.Ids[1]).Status);
        Assert.Contains(
            "Not started: usage limit of claude until",
            _box.Run("status").Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public void Where_nobody_waits_for_a_limit_any_more_it_is_said(string signal)
    {
        var cli = new ScriptedCli(
            _box,
            ScriptedCli.Refused(429, "usage limit reached", "4000000000")
        );
        var id = _box.Run("start", "claude", "Do it", "--run", "--quiet").Gives(0).Text;
        Eventually.Holds(() => _box.Task(id).Status == "pending" && cli.Calls == 1, "it waits", 30);
        Eventually.Holds(
            () =>
                _box.Run("show", id)
                    .Gives(0)
                    .Out.Contains("usage limit until", StringComparison.Ordinal),
            "it says so"
        );
        Assert.DoesNotContain("nobody", _box.Run("status").Gives(0).Out, StringComparison.Ordinal);

        var waiter = Assert.Single(_box.Supervisors);
        _box.Sh($"kill -{signal} {waiter}").Gives(0);

        const string Nobody = "agentq run --drain does";
        Eventually.Holds(
            () => _box.Run("status").Gives(0).Out.Contains(Nobody, StringComparison.Ordinal),
            "nobody waits, and that is said",
            30
        );
        Assert.Contains(Nobody, _box.Run("show", id).Gives(0).Out, StringComparison.Ordinal);
        _box.Run("run", "--drain").Gives(0);
        Eventually.Holds(
            () => !_box.Run("status").Gives(0).Out.Contains(Nobody, StringComparison.Ordinal),
            "a drain starts it",
            30
        );
        _box.Run("run", "--stop").Gives(0);
        _box.Run("cancel", id).Gives(0);
    }

    [Fact]
    public void A_budget_that_is_used_up_for_good_is_not_waited_for()
    {
        _ = new ScriptedCli(_box, ScriptedCli.Says("done", cost: 1));
        _box.Write(
            "agent-config.json",
            """{ "agents": { "claude": { "adapter": "claude" } }, "budgets": [{ "usd": 1 }] }"""
        );
        _box.Run("start", "claude", "Do it", "--wait").Gives(0);

        var refused = _box.Run("start", "claude", "And more", "--wait").Gives(1);

        Assert.Contains("it stays queued", refused.Err, StringComparison.Ordinal);
        Assert.Contains("$1 of $1", refused.Err, StringComparison.Ordinal);
        var id = _box.Tasks.Single(static t => t.Status == "pending").Id;
        Assert.Contains("$1 of $1", _box.Run("show", id).Gives(0).Out, StringComparison.Ordinal);
        Assert.Contains(
            "Not started yet: budget",
            _box.Run("start", "claude", "And more", "--run").Gives(0).Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_first_task_of_a_budget_runs_alone_so_that_it_is_known_what_one_uses()
    {
        var cli = new ScriptedCli(
            _box,
            "while [ ! -e go ]; do sleep 0.02; done\n" + ScriptedCli.Says("done", cost: 0.6m)
        );
        _box.Write(
            "agent-config.json",
            """{ "agents": { "claude": { "adapter": "claude" } }, "budgets": [{ "usd": 1 }] }"""
        );
        for (var i = 0; i < 4; i++)
        {
            _box.Run("start", "claude", "Do it").Gives(0);
        }

        _box.Run("run", "--drain", "--parallel", "4").Gives(0);
        Eventually.Holds(() => cli.Calls == 1, "one runs");
        Assert.Equal(3, _box.Tasks.Count(static t => t.Status == "pending"));
        _box.Write("go", "");
        Eventually.Holds(
            () => _box.Tasks.Count(static t => t.Status == "complete") == 2,
            "two fit into the budget",
            60
        );
        Eventually.Holds(() => _box.Supervisors.Count == 0, "nothing runs", 30);
        Assert.Equal(2, cli.Calls);
    }

    [Fact]
    public void A_limit_that_is_not_to_be_waited_for_is_a_failure()
    {
        _ = new ScriptedCli(_box, ScriptedCli.Refused(429, "rate limit"));
        _box.Run("config", "set", "onLimit", "fail").Gives(0);
        _box.Run("start", "claude", "Do it", "--wait").Gives(3);

        Assert.Equal("limit", _box.Task(Only).Reason);
        Assert.Equal("rate_limit", _box.Task(Only).Text("errorClass"));
        // It keeps no other one waiting, nor is an agent taken that is none.
        _box.Run("start", "claude", "Do it", "--wait").Gives(3);
        _box.Run("start", "claude", "Do it", "--on-limit", "fallback:nobody").Gives(1);
    }

    [Fact]
    public void A_task_that_asks_gives_its_slot_back_and_goes_on_with_the_answer()
    {
        var cli = new ScriptedCli(
            _box,
            ScriptedCli.Says("I have a question")
                + "printf 'Red or blue?' > \"${AGENTQ_TASK_FILE%.json}.question\"\n",
            ScriptedCli.Says("blue it is")
        );
        var id = _box.Run("start", "claude", "Paint it", "--run", "--quiet").Gives(0).Text;
        Eventually.Holds(() => _box.Task(id).Text("question") is not null, "it asks");
        Assert.Contains("Red or blue?", _box.Run("status").Gives(0).Out, StringComparison.Ordinal);
        Tells("task_needs_input:claude");
        _box.Run("run", id).Gives(1);

        _box.Run("answer", id, "Blue", "--wait").Gives(0);
        Assert.Equal("Blue", cli.PromptOf(2));
        Assert.Contains("--resume=s-1", cli.ArgsOf(2));
        Assert.Equal("0.2", ResultOf(id).GetProperty("costUsd").GetRawText());
        _box.Run("answer", id, "Green").Gives(1);
    }

    [Fact]
    public void A_task_is_continued_in_its_session_by_a_new_one()
    {
        var cli = new ScriptedCli(_box, ScriptedCli.Says("done"));
        _box.Run("start", "claude", "Do it", "--wait").Gives(0);
        var first = Only;
        _box.Run("continue", first, "Now the tests", "--wait").Gives(0);

        Assert.Equal("Now the tests", cli.PromptOf(2));
        Assert.Contains("--resume=s-1", cli.ArgsOf(2));
        Assert.Equal(2, _box.Ids.Count);
    }

    [Fact]
    public void A_failed_task_is_retried_in_its_session_or_anew()
    {
        var cli = new ScriptedCli(
            _box,
            ScriptedCli.Says("half") + "exit 1\n",
            ScriptedCli.Says("half") + "exit 1\n",
            ScriptedCli.Says("done")
        );
        _box.Run("start", "claude", "Do it", "--wait").Gives(3);
        _box.Run("retry", Only, "--resume", "--wait").Gives(3);
        Assert.Contains("--resume=s-1", cli.ArgsOf(2));
        Assert.Contains("last try", cli.PromptOf(2), StringComparison.Ordinal);

        _box.Run("retry", _box.Ids[1], "--wait").Gives(0);
        Assert.DoesNotContain("--resume=s-1", cli.ArgsOf(3));
        Assert.Equal("Do it", cli.PromptOf(3));
    }

    [Fact]
    public void A_budget_of_one_dollar_stops_the_eleventh_of_twenty_tasks_at_ten_cents_each()
    {
        var cli = new ScriptedCli(_box, ScriptedCli.Says("done"));
        _box.Write(
            "agent-config.json",
            """{ "agents": { "claude": { "adapter": "claude" } }, "budgets": [{ "label": "batch=x", "usd": 1 }] }"""
        );
        for (var i = 0; i < 20; i++)
        {
            _box.Run("start", "claude", "Do it", "--label", "batch=x").Gives(0);
        }

        _box.Run("run", "--drain", "--parallel", "3").Gives(0);
        Eventually.Holds(
            () => _box.Tasks.Count(t => t.Status == "complete") == 10,
            "ten are complete",
            60
        );
        Eventually.Holds(() => !_box.Tasks.Any(t => t.Status == "running"), "nothing runs");
        _box.Run("run").Gives(0);
        Assert.Equal(10, cli.Calls);
        Assert.Contains(
            "Not started: budget of label batch=x: $1 of $1",
            _box.Run("status").Gives(0).Out,
            StringComparison.Ordinal
        );
        _box.Run("run", _box.Tasks.First(t => t.Status == "pending").Id).Gives(1);
    }

    [Fact]
    public void A_task_that_uses_more_than_it_may_is_ended()
    {
        const string Call =
            """{"type":"assistant","message":{"id":"ID","content":[{"type":"tool_use","name":"Read","input":{}}],"usage":{"input_tokens":600,"cache_read_input_tokens":9000,"output_tokens":1}}}""";
        _ = new ScriptedCli(
            _box,
            ScriptedCli.Prints(Call, Call, Call.Replace("ID", "other", StringComparison.Ordinal))
                + "exec tail -f /dev/null\n"
        );
        _box.Run("start", "claude", "Do it", "--wait", "--max-tokens", "1000").Gives(3);

        Assert.Equal("budget", _box.Task(Only).Reason);
        var tokens = ResultOf(Only).GetProperty("tokens");
        Assert.Equal(1200, tokens.GetProperty("input").GetInt32());
        Assert.Equal(JsonValueKind.Null, tokens.GetProperty("output").ValueKind);
    }

    [Fact]
    public void What_was_through_before_anybody_saw_its_price_is_complete_and_says_so()
    {
        _ = new ScriptedCli(_box, ScriptedCli.Says("dear", cost: 2));
        _box.Run("start", "claude", "Do it", "--wait", "--max-usd", "1.50").Gives(0);

        Assert.Contains(
            "It has cost $2, and may cost $1.5",
            _box.Run("show", Only).Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void What_one_agent_cannot_do_is_given_to_the_next()
    {
        _ = new ScriptedCli(_box, ScriptedCli.Refused(401, "no"));
        _box.Configure(
            """
            "claude": { "adapter": "claude", "fallback": ["second", "third"] },
            "second": { "adapter": "claude", "fallback": ["claude"] },
            "third": { "command": "true", "args": ["{prompt}"] }
            """
        );
        _box.Run("start", "claude", "Do it", "--wait", "--model", "m").Gives(0);

        Assert.Equal(["claude", "second", "third"], _box.Tasks.Select(t => t.Text("agent")));
        Assert.Equal(["failed", "failed", "complete"], _box.Tasks.Select(t => t.Status));
        Assert.Equal("third", _box.Tasks[1].Text("fallbackTo"));
    }

    [Fact]
    public void The_same_error_three_times_in_a_row_is_not_tried_a_fourth_time_and_a_refused_key_not_twice()
    {
        var cli = new ScriptedCli(_box, ScriptedCli.Refused(500, "no"));
        _box.Run("start", "claude", "Do it", "--wait", "--auto-retry", "--max-retries", "9")
            .Gives(3);
        Assert.Equal(3, cli.Calls);
        Assert.Contains("3 times", _box.Tasks[^1].Text("noRetry"), StringComparison.Ordinal);

        var refused = new ScriptedCli(_box, ScriptedCli.Refused(401, "no"));
        var before = refused.Calls;
        _box.Run("start", "claude", "Do it", "--wait", "--auto-retry").Gives(3);
        Assert.Equal(before + 1, refused.Calls);
    }

    [Fact]
    public void An_agent_that_says_nothing_at_first_is_stalled()
    {
        _ = new ScriptedCli(_box, "exec tail -f /dev/null\n");
        _box.Run("start", "claude", "Do it", "--wait", "--start-timeout", "1s").Gives(3);

        Assert.Equal("stalled", _box.Task(Only).Reason);
        Assert.Equal("stalled", _box.Task(Only).Text("errorClass"));
    }

    [Fact]
    public void An_agent_that_waits_for_its_limit_in_silence_is_put_off_instead_of_stalled()
    {
        _ = new ScriptedCli(
            _box,
            ScriptedCli.Prints(
                """{"type":"system","subtype":"init","session_id":"s-1","model":"m"}""",
                """{"type":"system","subtype":"api_retry","error_status":429,"error":"rate_limit"}"""
            ) + "exec tail -f /dev/null\n"
        );
        var id = _box.Run("start", "claude", "Do it", "--run", "--quiet", "--idle-timeout", "4s")
            .Gives(0)
            .Text;

        Eventually.Holds(() => _box.Task(id).Text("notBefore") is not null, "it waits");
        Assert.Equal("pending", _box.Task(id).Status);
        Assert.Empty(_box.ProcessesOf(id));
        Assert.Equal(
            "rate_limit",
            ResultOf(id).GetProperty("error").GetProperty("class").GetString()
        );
    }
}
