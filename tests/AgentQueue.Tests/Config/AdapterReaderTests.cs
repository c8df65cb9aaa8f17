using System.Text;
using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public sealed class AdapterReaderTests
{
    [Fact]
    public void A_misspelt_command_is_unknown_and_missing() =>
        Assert.Equal(
            [
                "x.json:3: comand is not a known key; did you mean 'command'?",
                "x.json:4: model has no {model}",
                "x.json:1: command is missing: the program to start",
                "x.json:1: model is never used: args has no element \"{model}\"",
            ],
            Problems(
                """
                {
                  "promptVia": "stdin",
                  "comand": "x",
                  "model": ["-m"]
                }
                """
            )
        );

    [Theory]
    [InlineData("\"\"", "x.json:1: command must not be empty")]
    [InlineData("1", "x.json:1: command must be text, not a number")]
    public void A_command_that_is_wrong_is_not_missing(string command, string problem) =>
        Assert.Equal([problem], Problems($$"""{ "command": {{command}}, "promptVia": "stdin" }"""));

    [Fact]
    public void An_error_with_one_status_in_place_of_a_list_is_refused() =>
        Assert.Equal(
            ["x.json:1: errors[0].status must be a list of HTTP statuses"],
            Problems(
                """{ "command": "x", "promptVia": "stdin", "errors": [{ "class": "auth", "status": 401 }] }"""
            )
        );

    [Fact]
    public void A_schema_and_comments_may_stand_in_it() =>
        Assert.Empty(
            Problems(
                """
                {
                  "$schema": "../../docs/adapter.schema.json", // for the editor
                  "command": "x",
                  "promptVia": "stdin",
                }
                """
            )
        );

    [Theory]
    [InlineData(
        """{"command":"x","args":["{modl}","{sesion}"],"promptVia":"stdin"}""",
        "args[0] has {modl}, which is no slot; did you mean {model}?",
        "args[1] has {sesion}, which is no slot; did you mean {resume}?"
    )]
    [InlineData(
        """{"command":"x","args":["{permission}"],"promptVia":"stdin","permissions":{"read":{"args":["--in={workspce}"]}}}""",
        "permissions.read.args[0] has {workspce}, which is no slot; did you mean {workspace}?"
    )]
    [InlineData(
        """{"command":"x","args":["{model}"],"promptVia":"stdin","model":["{model}","{modell}"]}""",
        "model[1] has {modell}, which is no slot; did you mean {model}?"
    )]
    [InlineData(
        """{"command":"x","args":["--model={model}"],"promptVia":"stdin"}""",
        "args[0] has {model} inside of an element, where it is no slot; let \"{model}\" be an element by itself"
    )]
    [InlineData(
        """{"command":"x","args":["{xyzzyxyzzy}"],"promptVia":"stdin"}""",
        "args[0] has {xyzzyxyzzy}, which is no slot"
    )]
    public void A_misspelt_slot_is_an_error_with_the_nearest_one(
        string json,
        params string[] problems
    ) => Assert.Equal(problems.Select(static p => $"x.json:1: {p}"), Problems(json));

    [Theory]
    [InlineData("{workspace}/{taskId}")]
    [InlineData("${HOME}")]
    [InlineData("{a b}")]
    [InlineData("{1}")]
    public void Other_braces_may_stand_in_it(string argument) =>
        Assert.Empty(
            Problems($$"""{ "command": "x", "promptVia": "stdin", "args": ["{{argument}}"] }""")
        );

    private static IEnumerable<string> Problems(string json)
    {
        var reader = new AdapterReader("x.json");
        var adapter = reader.Read("x", Encoding.UTF8.GetBytes(json));
        Assert.Equal(adapter is null, reader.Problems.Any(static p => p.IsError));
        return reader.Problems.Select(static p => p.ToString());
    }
}
