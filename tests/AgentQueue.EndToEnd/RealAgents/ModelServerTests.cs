using System.Net;
using System.Text;
using AgentQueue.Models;

namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>The model server does what the tests of real agents take for granted, also where none is installed.</summary>
public sealed class ModelServerTests
{
    private const string Chat = "/v1/chat/completions";
    private const string ChatBody =
        """{"stream":true,"messages":[{"role":"user","content":"say \"x\""}],"tools":[{"function":{"name":"bash"}}]}""";
    private const string NamedTools =
        """{"stream":true,"tools":[{"name":"Bash"},{"name":"exec_command"}]}""";
    private const string Declarations =
        """{"tools":[{"functionDeclarations":[{"name":"run_shell_command"}]}]}""";

    [Theory]
    [InlineData(Chat, ChatBody)]
    [InlineData("/v1/responses", NamedTools)]
    [InlineData("/v1/messages?beta=true", NamedTools)]
    [InlineData("/v1beta/models/x:streamGenerateContent?alt=sse", Declarations)]
    public async Task One_turn_is_played_for_each_request_and_the_last_one_again(
        string path,
        string body
    )
    {
        using var model = new ModelServer();
        model.Play(new Turn.Shell("echo works"), new Turn.Say("leftright"));

        Assert.Contains("echo works", await AskAsync(model, path, body), StringComparison.Ordinal);
        Assert.Matches("(?s)left.*right", await AskAsync(model, path, body));
        Assert.Matches("(?s)left.*right", await AskAsync(model, path, body));
        Assert.Equal(3, model.Requests.Count);
        Assert.Empty(model.Faults);
    }

    [Fact]
    public async Task What_is_asked_without_tools_costs_no_turn()
    {
        using var model = new ModelServer();
        model.Play(new Turn.Say("work"));

        Assert.Contains(
            "Title",
            await AskAsync(model, Chat, """{"messages":[]}"""),
            StringComparison.Ordinal
        );
        Assert.Empty(model.Requests);
        Assert.Single(model.Others);
    }

    [Fact]
    public async Task A_prompt_is_found_as_it_was_and_no_other()
    {
        using var model = new ModelServer();
        await AskAsync(model, Chat, ChatBody);

        Assert.True(model.Requests[0].Holds("say \"x\""));
        Assert.False(model.Requests[0].Holds("say \\\"x\\\""));
    }

    [Theory]
    [InlineData(
        Chat,
        """{"tools":[{"function":{"name":"astart"}},{"function":{"name":"agentq-start"}}],"messages":[{"role":"tool","content":"done"}]}""",
        "agentq-start"
    )]
    [InlineData(
        "/v1/responses",
        """{"tools":[{"type":"namespace","name":"mcp__agentq","tools":[{"name":"start"}]}],"input":[{"type":"function_call_output","output":[{"text":"done"}]}]}""",
        "\"namespace\":\"mcp__agentq\""
    )]
    [InlineData(
        "/v1/messages",
        """{"tools":[{"name":"restart"},{"name":"mcp__agentq__start"}],"messages":[{"content":[{"type":"tool_result","content":[{"text":"done"}]}]}]}""",
        "mcp__agentq__start"
    )]
    [InlineData(
        "/v1beta/models/x:generateContent",
        """{"tools":[{"functionDeclarations":[{"name":"mcp_agentq_start"}]}],"contents":[{"parts":[{"functionResponse":{"response":{"output":"done"}}}]}]}""",
        "mcp_agentq_start"
    )]
    public async Task A_tool_of_an_mcp_server_is_called_as_the_agent_spells_it(
        string path,
        string body,
        string named
    )
    {
        using var model = new ModelServer();
        model.Play(new Turn.Tool("agentq/start", new() { ["agent"] = "shell" }));

        var answer = await AskAsync(model, path, body);

        Assert.Contains(named, answer, StringComparison.Ordinal);
        Assert.Contains("shell", answer, StringComparison.Ordinal);
        Assert.Equal(["done"], ModelServer.Results(model.Requests[0]));
    }

    [Fact]
    public async Task An_answer_that_is_cut_is_no_whole_answer()
    {
        using var model = new ModelServer();
        model.Play(new Turn.Cut("leftright"));

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => AskAsync(model, Chat, ChatBody));
    }

    [Fact]
    public async Task What_hangs_is_accepted_and_ends_with_the_server()
    {
        Task<string> asked;
        using (var model = new ModelServer())
        {
            model.Play(new Turn.Hang());
            asked = AskAsync(model, Chat, ChatBody);
            Eventually.Holds(() => model.Requests.Count == 1, "it was asked");
            Assert.False(asked.IsCompleted);
        }

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => asked);
    }

    [Theory]
    [InlineData(Chat, ChatBody, "insufficient_quota")]
    [InlineData("/v1/responses", NamedTools, "usage_limit_reached")]
    [InlineData("/v1/messages", NamedTools, "rate_limit_error")]
    [InlineData("/v1beta/models/x:streamGenerateContent", Declarations, "RESOURCE_EXHAUSTED")]
    public async Task A_limit_is_told_with_the_time_of_its_end(
        string path,
        string body,
        string word
    )
    {
        using var model = new ModelServer();
        var resets = DateTimeOffset.UtcNow.AddHours(1);
        model.Play(new Turn.Limit(resets));

        using var client = new HttpClient();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri(model.Address + path), content);
        var said = answer.Headers + await answer.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Contains(word, said, StringComparison.Ordinal);
        Assert.Matches($"{resets.ToUnixTimeSeconds()}|3600|359[0-9]", said);
    }

    private static async Task<string> AskAsync(ModelServer model, string path, string body)
    {
        using var client = new HttpClient();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri(model.Address + path), content);
        return await answer.Content.ReadAsStringAsync();
    }
}
