using System.Globalization;
using System.Text.Json;
using AgentQueue.Models;

namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>What agentq knows of the runs of agents that people use, as their adapters read it.</summary>
[Collection(RealAgentCollection.Name)]
public sealed class ResultTests
{
    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void A_session_is_known_by_its_text_its_id_and_its_tokens_and_is_gone_on_with(
        string agent
    )
    {
        using var box = new RealAgentBox(agent);
        box.Model.Play(
            new Turn.Say("Greetings from the model."),
            new Turn.Say("Again.") { Usage = new(300, 50, 7) }
        );

        var first = box.Work("Say hello.");

        Assert.True(first.Status == "complete" && first.ExitCode == 0, box.ToString());
        var result = box.Result(first.Id);
        Assert.Equal("Greetings from the model.", result.GetProperty("text").GetString());
        Assert.Equal("success", Word(result, "agentSays", "outcome"));
        Assert.Equal(JsonValueKind.Null, result.GetProperty("error").ValueKind);
        Assert.Equal((1000, 34, 200), Tokens(result));
        Assert.True(CostIsRight(agent, result.GetProperty("costUsd")), box.ToString());
        var session = result.GetProperty("sessionId").GetString();
        Assert.False(string.IsNullOrEmpty(session));

        var second = box.Continue(first.Id, "And once more.");

        Assert.True(second.Status == "complete" && second.Id != first.Id, box.ToString());
        var request = box.Model.Requests[^1];
        Assert.All(
            ["Say hello.", "Greetings from the model.", "And once more."],
            text => Assert.True(request.Holds(text), $"{text}\n{box}")
        );
        result = box.Result(second.Id);
        Assert.Equal("Again.", result.GetProperty("text").GetString());
        Assert.Equal(session, result.GetProperty("sessionId").GetString());
        // Some count from the beginning of the session.
        Assert.Equal((300, 7, 50), Tokens(result));
    }

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void An_agent_that_may_edit_writes_a_file_which_is_listed(string agent)
    {
        using var box = new RealAgentBox(agent, "edit");
        var path = Path.Join(box.Box.Folder, "made.txt");
        box.Model.Play(new Turn.Write(path, "made by a model\n"), new Turn.Say("Done."));

        var task = box.Work("Write a file.");

        Assert.True(task.Status == "complete" && File.Exists(path), box.ToString());
        Assert.Equal("made by a model\n", File.ReadAllText(path));
        var result = box.Result(task.Id);
        var file = Assert.Single(result.GetProperty("files").EnumerateArray());
        Assert.Equal("made.txt", file.GetProperty("path").GetString());
        Assert.Equal("added", file.GetProperty("change").GetString());
        Assert.True(result.GetProperty("toolCalls").GetInt32() == 1, box.ToString());
        Assert.Equal((2000, 68, 400), Tokens(result));
    }

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void An_agent_that_may_only_read_writes_nothing(string agent)
    {
        using var box = new RealAgentBox(agent, "read");
        var path = Path.Join(box.Box.Folder, "made.txt");
        var turns = new Queue<Turn>([
            new Turn.Write(path, "by a tool\n"),
            new Turn.Shell($"echo by a shell > '{path}'"),
            new Turn.Say("I could not."),
        ]);
        // A tool that is not even offered cannot be refused.
        box.Model.Answer(request =>
        {
            while (turns.Count > 1 && !ModelServer.Offers(request, turns.Peek()))
            {
                turns.Dequeue();
            }

            return turns.Count > 1 ? turns.Dequeue() : turns.Peek();
        });

        var task = box.Work("Write a file.");

        Assert.True(task.Status == "complete" && box.Model.Faults.Count == 0, box.ToString());
        Assert.Equal("I could not.", box.Result(task.Id).GetProperty("text").GetString());
        Assert.False(File.Exists(path), box.ToString());
        Assert.Empty(box.Result(task.Id).GetProperty("files").EnumerateArray());
    }

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void A_refused_key_is_told_from_other_errors(string agent) =>
        Fails(agent, new Turn.Refuse(401), "auth");

    // OpenCode tries again for 77 s, Qwen for 93 s, and neither can be told to give up sooner.
    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void A_service_in_trouble_is_told_from_other_errors(string agent) =>
        Fails(agent, new Turn.Refuse(500), "overloaded");

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("gemini")]
    public void A_task_at_a_limit_waits_for_the_reset_that_its_agent_told(string agent)
    {
        using var box = new RealAgentBox(agent);
        var resets = DateTimeOffset.UtcNow.AddHours(1);
        box.Subscribe();
        box.Model.Play(new Turn.Limit(resets));

        var (until, word) = PutOff(box);

        Assert.Contains(word, s_limits);
        // Codex tells the minute; and nobody comes back in the very second.
        Assert.InRange(until, resets.AddSeconds(-2), resets.AddSeconds(100));
    }

    [Theory]
    [RealAgent("opencode")]
    public void A_task_at_a_limit_waits_as_long_as_the_service_told(string agent)
    {
        using var box = new RealAgentBox(agent);
        box.Model.Play(new Turn.Refuse(429, RetryAfter: 1));

        var (until, word) = PutOff(box);

        Assert.Contains(word, s_limits);
        Assert.InRange(
            until,
            DateTimeOffset.UtcNow.AddSeconds(-30),
            DateTimeOffset.UtcNow.AddSeconds(32)
        );
    }

    [Theory]
    [RealAgent("copilot")]
    public void A_task_at_a_limit_of_which_no_end_is_told_waits_for_minutes(string agent)
    {
        using var box = new RealAgentBox(agent);
        var before = DateTimeOffset.UtcNow;
        box.Model.Play(new Turn.Limit(before.AddHours(1)));

        var (until, word) = PutOff(box);

        Assert.Contains(word, s_limits);
        Assert.InRange(until, before.AddMinutes(1), DateTimeOffset.UtcNow.AddMinutes(6));
    }

    [Theory]
    [RealAgent("qwen")]
    public void An_agent_that_tries_for_ever_at_a_limit_without_a_word_is_stalled(string agent)
    {
        using var box = new RealAgentBox(agent);
        box.Model.Answer(static _ => new Turn.Refuse(429, RetryAfter: 1));

        var task = box.Work("Say hello.", "--idle-timeout", "20s");

        Assert.True(task.Status == "failed" && box.Model.Requests.Count > 0, box.ToString());
        Assert.True(task.Reason == "stalled", box.ToString());
        Assert.Empty(box.Box.ProcessesOf(task.Id));
    }

    [Theory]
    // These begin with a line about themselves.
    [RealAgent("claude"), RealAgent("codex"), RealAgent("qwen")]
    [RealAgent("gemini"), RealAgent("copilot")]
    public void An_agent_that_falls_silent_is_stalled_and_leaves_nothing(string agent) =>
        Stalls(agent, "--idle-timeout", "6s");

    [Theory]
    // Its first line is the first step's, which the model has to begin.
    [RealAgent("opencode")]
    public void An_agent_that_never_says_anything_is_stalled_and_leaves_nothing(string agent) =>
        Stalls(agent, "--start-timeout", "10s");

    private static readonly string[] s_limits = ["quota", "rate_limit"];

    private static void Fails(string agent, Turn turn, string word)
    {
        using var box = new RealAgentBox(agent);
        box.Model.Play(turn);

        var task = box.Work("Say hello.");

        Assert.True(task.Status == "failed" && box.Model.Requests.Count > 0, box.ToString());
        Assert.True(task.Text("errorClass") == word, box.ToString());
        var result = box.Result(task.Id);
        Assert.Equal(word, Word(result, "error", "class"));
        Assert.NotEqual("guess", Word(result, "error", "confidence"));
        Assert.Equal("error", Word(result, "agentSays", "outcome"));
    }

    private static (DateTimeOffset Until, string Class) PutOff(RealAgentBox box)
    {
        var id = box.Begin("Say hello.");
        RealAgentBox.Sees(
            () =>
                box.Box.Task(id) is { Status: not "running" } task
                && (task.Attempt > 0 || task.IsFinished),
            "it has ended"
        );
        var task = box.Box.Task(id);
        Assert.True(task.Status == "pending" && task.Text("limit") is not null, box.ToString());
        return (
            DateTimeOffset.Parse(task.Text("notBefore")!, CultureInfo.InvariantCulture),
            Word(box.Result(id), "error", "class")
        );
    }

    private static void Stalls(string agent, params string[] options)
    {
        using var box = new RealAgentBox(agent);
        box.Model.Play(new Turn.Hang());

        var task = box.Work("Say hello.", options);

        Assert.True(task.Status == "failed" && task.Reason == "stalled", box.ToString());
        Assert.Equal("stalled", Word(box.Result(task.Id), "error", "class"));
        Assert.Empty(box.Box.ProcessesOf(task.Id));
    }

    // Prices: those of the configuration, those that Claude Code knows, and none.
    private static bool CostIsRight(string agent, JsonElement cost) =>
        agent switch
        {
            "opencode" => cost.GetDecimal() == 0.00357m,
            "claude" => cost.GetDecimal() > 0,
            _ => cost.ValueKind == JsonValueKind.Null,
        };

    private static (int? Input, int? Output, int? Cached) Tokens(JsonElement result)
    {
        var tokens = result.GetProperty("tokens");
        return (Number("input"), Number("output"), Number("cacheRead"));

        int? Number(string name) =>
            tokens.GetProperty(name) is { ValueKind: JsonValueKind.Number } number
                ? number.GetInt32()
                : null;
    }

    private static string Word(JsonElement result, string part, string name) =>
        result.GetProperty(part).GetProperty(name).GetString()!;
}
