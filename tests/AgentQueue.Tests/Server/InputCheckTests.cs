using System.Text.Json;
using AgentQueue.Server.Mcp;

namespace AgentQueue.Tests.Server;

public sealed class InputCheckTests
{
    [Theory]
    [InlineData("start", """{"agent":"coder","prompt":"x"}""", null)]
    [InlineData("start", """{"agent":"coder"}""", "'prompt' is missing")]
    [InlineData("start", """{"agent":"coder","prompt":""}""", "'prompt' must not be empty")]
    [InlineData("start", """{"agent":7,"prompt":"x"}""", "'agent' must be text without NUL")]
    [InlineData("start", """{"agent":null,"prompt":"x"}""", "'agent' must be text without NUL")]
    [InlineData("start", """{"agent":"a","prompt":"x","cwd":"/"}""", "There is no argument 'cwd'")]
    [InlineData(
        "start",
        """{"agent":"a","prompt":"x","priority":11}""",
        "'priority' must be 10 or less"
    )]
    [InlineData(
        "start",
        """{"agent":"a","prompt":"x","priority":1.5}""",
        "'priority' must be a whole number"
    )]
    [InlineData(
        "start",
        """{"agent":"a","prompt":"x","timeout":"soon"}""",
        "'timeout' must look like ^[0-9]+[smh]?$"
    )]
    [InlineData(
        "start",
        """{"agent":"a","prompt":"x","run":"yes"}""",
        "'run' must be true or false"
    )]
    [InlineData("wait", """{"tasks":[]}""", "'tasks' must have 1 or more")]
    [InlineData("wait", """{"tasks":[["a"]]}""", "'tasks' must be text without NUL")]
    [InlineData("wait", """{"tasks":["a"],"seconds":51}""", "'seconds' must be 50 or less")]
    [InlineData(
        "list",
        """{"state":["gone"]}""",
        "'state' must be one of pending, running, complete, failed, cancelled, held, waiting"
    )]
    [InlineData("trigger", """{"event":"e","vars":{"a":1}}""", "'vars.a' must be text without NUL")]
    [InlineData(
        "trigger",
        """{"event":"e","vars":{"a=b":"c"}}""",
        "'vars.a=b' must look like ^[^=]+$"
    )]
    [InlineData(
        "start",
        """{"agent":"a","prompt":"x","timeout":"5m\n"}""",
        "'timeout' must look like ^[0-9]+[smh]?$"
    )]
    [InlineData("list", """[]""", "The arguments must be an object whose names are text")]
    [InlineData(
        "start",
        """{"agent":"a","prompt":"\ud800"}""",
        "'prompt' must be text without NUL"
    )]
    [InlineData("show", """{"task":"a\u0000b"}""", "'task' must be text without NUL")]
    [InlineData(
        "trigger",
        """{"event":"e","vars":{"a\u0000":""}}""",
        "'vars' must be an object whose names are text"
    )]
    [InlineData(
        "trigger",
        """{"event":"e","vars":{"\ud800":""}}""",
        "'vars' must be an object whose names are text"
    )]
    public void Arguments_are_held_against_the_published_schema(
        string tool,
        string arguments,
        string? problem
    )
    {
        using var document = JsonDocument.Parse(arguments);
        Assert.Equal(
            problem,
            InputCheck.Problem(ToolList.Find(tool)!.InputSchema, document.RootElement)
        );
    }

    [Fact]
    public void Every_keyword_of_every_input_schema_is_one_that_is_enforced()
    {
        // An unknown one throws; the widest input reaches all of them.
        foreach (var tool in ToolList.All)
        {
            using var nothing = JsonDocument.Parse("{}");
            _ = InputCheck.Problem(tool.InputSchema, nothing.RootElement);
            foreach (var property in tool.InputSchema.GetProperty("properties").EnumerateObject())
            {
                using var value = JsonDocument.Parse(ValueFor(property.Value));
                Assert.Null(InputCheck.Problem(property.Value, value.RootElement));
            }
        }
    }

    [Fact]
    public void Every_tool_says_what_it_does_to_the_queue()
    {
        Assert.All(
            ToolList.All,
            static t =>
            {
                Assert.NotNull(t.Annotations?.ReadOnlyHint);
                Assert.NotNull(t.Annotations?.DestructiveHint);
                Assert.NotNull(t.Annotations?.IdempotentHint);
                Assert.NotNull(t.OutputSchema);
                Assert.False(string.IsNullOrEmpty(t.Description));
            }
        );
        Assert.Equal(
            ["cancel", "trigger"],
            ToolList
                .All.Where(static t => t.Annotations!.DestructiveHint == true)
                .Select(static t => t.Name)
        );
        Assert.Equal(
            ["list", "show", "wait", "result", "logs", "plan_status"],
            ToolList
                .All.Where(static t => t.Annotations!.ReadOnlyHint == true)
                .Select(static t => t.Name)
        );
    }

    private static string ValueFor(JsonElement schema) =>
        schema.TryGetProperty("enum", out var words)
            ? words[0].GetRawText()
            : schema.GetProperty("type").GetString() switch
            {
                "string" => schema.TryGetProperty("pattern", out _) ? "\"5m\"" : "\"text\"",
                "integer" => schema.TryGetProperty("minimum", out var least)
                    ? least.GetRawText()
                    : "1",
                "boolean" => "true",
                "array" => $"[{ValueFor(schema.GetProperty("items"))}]",
                _ => """{"name":"value"}""",
            };
}
