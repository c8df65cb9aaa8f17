using System.Text.Json;

namespace AgentQueue.EndToEnd.Agents;

/// <summary>What a task came to, told to people and to programs.</summary>
public sealed class ResultTests : IDisposable
{
    private readonly Sandbox _box = new();
    private readonly FakeCli _claude;

    public ResultTests() => _claude = new FakeCli(_box, "claude");

    public void Dispose() => _box.Dispose();

    [Fact]
    public void The_answer_comes_first_and_what_it_took_is_told()
    {
        _claude.Plays([
            ClaudeLine.Begin("session-7"),
            ClaudeLine.Writes("a.txt"),
            ClaudeLine.Ends("The lexer\nknows tabs.", cost: 0.0213m),
        ]);
        var id = Work("Mend the lexer", 0);

        var card = _box.Run("result", id).Gives(0);

        Assert.Equal(["The lexer", "knows tabs."], card.Lines[..2]);
        Assert.Contains("session-7", card.Out);
        Assert.Contains($"agentq continue {id} \"…\"", card.Out);
        Assert.Contains("1,000 in, 200 out, 50 from the cache", card.Out);
        Assert.Contains("$0.0213", card.Out);
        Assert.Equal("Mend the lexer", _claude.Input().Split('\n')[0]);
    }

    [Fact]
    public void Exit_the_agents_word_and_the_check_are_three_facts()
    {
        _claude.Plays(ClaudeLine.Run("All tests pass."));
        var id = Work("Mend it", 3, "--verify", "false");

        var result = _box.Run("result", id, "--json").Gives(0).Json;

        Assert.Equal(0, result.GetProperty("exit").GetProperty("code").GetInt32());
        Assert.Equal("success", Outcome(result, "agentSays"));
        Assert.Equal("failed", Outcome(result, "verification"));
        Assert.Equal("failed", result.GetProperty("status").GetString());
        Assert.Equal("verify", result.GetProperty("reason").GetString());
        var card = _box.Run("result", id).Gives(0).Out;
        Assert.Matches("(?m)^Exit +exited with code 0$", card);
        Assert.Matches("(?m)^Agent says +done$", card);
        Assert.Matches("(?m)^Verified +failed", card);
    }

    [Fact]
    public void An_error_has_its_class_and_what_to_do_about_it()
    {
        _claude.Plays([ClaudeLine.Begin(), ClaudeLine.Fails("Please run /login", 401)], exit: 1);
        var id = Work("Anything", 3);

        var card = _box.Run("result", id).Gives(0).Out;

        Assert.Matches("(?m)^Error +auth [(](likely|certain)[)]", card);
        Assert.Contains("Log claude in", card);
        var shown = _box.Run("show", id).Gives(0).Out;
        Assert.Matches("(?m)^Error class +auth", shown);
        Assert.Matches("(?m)^Session +session-1$", shown);
        Assert.Matches("(?m)^Model +model-1$", shown);
    }

    [Fact]
    public void The_text_alone_is_byte_for_byte_for_a_program()
    {
        const string Answer = "first\r\n\u001b[31mred\u001b[0m\tünï 🙂";
        _claude.Plays(ClaudeLine.Run(Answer));
        var id = Work("Say it", 0);

        Assert.Equal(Answer + "\n", _box.Run("result", id, "--text").Gives(0).Out);
        Assert.DoesNotContain('\u001b', _box.Run("result", id).Gives(0).Out);
    }

    [Fact]
    public void A_cost_that_nobody_tells_is_unknown_and_not_nothing()
    {
        _claude.Plays(ClaudeLine.Run("Done.", cost: null));
        var id = Work("Do it", 0);

        Assert.Matches("(?m)^Cost +unknown$", _box.Run("result", id).Gives(0).Out);
        Assert.Equal(
            JsonValueKind.Null,
            _box.Run("result", id, "--json").Gives(0).Json.GetProperty("costUsd").ValueKind
        );
    }

    [Fact]
    public void A_task_without_an_adapter_has_its_exit_and_nothing_that_is_not_known()
    {
        var id = _box.Enqueue("exit 3");
        _box.Run("run", id, "--wait").Gives(3);

        var result = _box.Run("result", id, "--json").Gives(0).Json;

        Assert.Equal(3, result.GetProperty("exit").GetProperty("code").GetInt32());
        foreach (
            var name in (string[])["adapter", "text", "sessionId", "turns", "files", "costUsd"]
        )
        {
            Assert.Equal(JsonValueKind.Null, result.GetProperty(name).ValueKind);
        }

        Assert.Equal("exit", result.GetProperty("reason").GetString());
        var none = _box.Run("result", id, "--text").Gives(1);
        Assert.Empty(none.Out);
        Assert.Contains("has no answer", none.Err);
    }

    [Fact]
    public void A_task_that_has_not_ended_is_refused_or_waited_for()
    {
        _claude.Plays(
            [ClaudeLine.Begin(), ClaudeLine.Fails("It broke", 500)],
            exit: 1,
            first: $"until [ -e '{_box.Outside}/go' ]; do sleep 0.05; done"
        );
        var id = _box.Run("start", "claude", "Wait", "--run", "--quiet").Gives(0).Text;

        Assert.Contains("has no result yet", _box.Run("result", id).Gives(1).Err);
        using var waiting = _box.Begin("result", id, "--wait", "--json");
        File.WriteAllText(Path.Join(_box.Outside, "go"), "");
        Assert.Equal("failed", waiting.End().Gives(3).Json.GetProperty("status").GetString());
    }

    [Fact]
    public void A_retried_task_names_its_newest_retry()
    {
        _claude
            .Plays([ClaudeLine.Begin(), ClaudeLine.Fails("It broke", 500)], exit: 1)
            .Plays(ClaudeLine.Run("Second time lucky."));
        var id = Work("Try", 3);
        _box.Run("retry", id, "--run").Gives(0);
        var retry = _box.Ids[^1];
        _box.Ended(retry);

        Assert.Contains($"agentq result {retry}", _box.Run("result", id).Gives(0).Out);
        Assert.Equal("Second time lucky.", _box.Run("result", retry, "--text").Gives(0).Text);
    }

    [Fact]
    public void The_result_of_an_archived_task_is_still_there()
    {
        _claude.Plays(ClaudeLine.Run("Kept."));
        var id = Work("Keep it", 0);
        Eventually.Holds(
            () =>
            {
                _box.Run("archive", "--older-than", "1s", "--yes").Gives(0);
                return !File.Exists(_box.TaskPath(id));
            },
            "it is old enough for the archive"
        );

        Assert.Equal("Kept.", _box.Run("result", id, "--text").Gives(0).Text);
        Assert.Contains("(archived)", _box.Run("result", id).Gives(0).Out);
        Assert.Contains("Kept.", _box.Run("logs", id, "--pretty").Gives(0).Out);
    }

    [Fact]
    public void Status_and_show_tell_tokens_and_cost_where_there_are_any()
    {
        _claude.Plays(ClaudeLine.Run("Done."));
        var id = Work("Do it", 0);
        var plain = _box.Enqueue("true");
        _box.Run("run", plain, "--wait").Gives(0);

        Assert.Contains("1.2k tokens, $0.05", _box.Run("status").Gives(0).Out);
        var tasks = _box.Run("status", "--json")
            .Gives(0)
            .Json.GetProperty("tasks")
            .EnumerateArray()
            .ToDictionary(static t => t.GetProperty("taskId").GetString()!);
        Assert.Equal(0.05m, tasks[id].GetProperty("costUsd").GetDecimal());
        Assert.Equal(1000, tasks[id].GetProperty("tokens").GetProperty("input").GetInt32());
        Assert.False(tasks[plain].TryGetProperty("tokens", out _));
        var shown = _box.Run("show", id, "--json").Gives(0).Json;
        Assert.Equal(0.05m, shown.GetProperty("task").GetProperty("costUsd").GetDecimal());
        Assert.Equal("session-1", shown.GetProperty("result").GetProperty("sessionId").GetString());
    }

    private string Work(string prompt, int code, params string[] options)
    {
        _box.Run(["start", "claude", prompt, "--wait", "--max-retries", "5", .. options])
            .Gives(code);
        return _box.Ids[^1];
    }

    private static string? Outcome(JsonElement result, string member) =>
        result.GetProperty(member).GetProperty("outcome").GetString();
}
