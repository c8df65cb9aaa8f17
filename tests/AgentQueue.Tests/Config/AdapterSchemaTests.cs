using System.Text;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Config;

/// <summary>docs/adapter.schema.json and <see cref="AdapterReader"/> know the same.</summary>
public sealed class AdapterSchemaTests
{
    private static readonly JsonDocumentOptions s_lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    private static readonly JsonElement s_schema = Parse(
        File.ReadAllText(Repository.PathOf("docs/adapter.schema.json"))
    );

    public static TheoryData<string> Files =>
        [
            .. Directory
                .EnumerateFiles(Repository.PathOf("adapters"), "*.json")
                .Select(static f => Path.GetFileName(f)),
        ];

    [Fact]
    public void It_has_exactly_the_keys_that_are_read()
    {
        Assert.Equal(AdapterReader.Keys, Names(Part("properties")));
        Assert.Equal(
            AdapterReader.PermissionKeys,
            Names(Part("$defs", "permission", "properties"))
        );
        Assert.Equal(
            Permissions.Words.Select(static w => w.Word),
            Names(Part("properties", "permissions", "properties"))
        );
        Assert.Equal(AdapterReader.VersionKeys, Names(Part("properties", "version", "properties")));
        Assert.Equal(AdapterReader.StreamKeys, Names(Part("properties", "stream", "properties")));
        Assert.Equal(AdapterReader.RuleKeys, Names(Part("$defs", "rule", "properties")));
        Assert.Equal(
            AdapterReader.TextConditionKeys,
            Names(Part("$defs", "textCondition", "properties"))
        );
        Assert.Equal(
            AdapterReader.Facts.Select(static f => f.Word),
            Names(Part("$defs", "rule", "properties", "take", "properties"))
        );
        Assert.Equal(
            AdapterReader.ErrorKeys,
            Names(Part("properties", AdapterReader.ErrorsKey, "items", "properties"))
        );
        Assert.Equal(ErrorClass.All, Words(Part("$defs", "errorClass")));
        Assert.Equal(
            AgentConfigReader.PromptVias.Select(static c => c.Word),
            Words(Part("properties", "promptVia"))
        );
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_adapter_of_the_program_is_valid(string file)
    {
        var problems = Problems(File.ReadAllText(Repository.PathOf($"adapters/{file}")));
        // What holds for all of them is no adapter.
        Assert.Equal(file == "errors.json" ? ["$: command is missing"] : [], problems);
    }

    [Fact]
    public void The_example_of_the_documentation_is_valid()
    {
        const string Begin = "Its adapter:\n\n```json\n";
        var text = File.ReadAllText(Repository.PathOf("docs/adapters.md"));
        var start = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var example = text[start..text.IndexOf("```", start, StringComparison.Ordinal)];
        Assert.Empty(Problems(example));
        Assert.Empty(Complaints(example));
    }

    [Theory]
    [InlineData("")]
    [InlineData(""" "$schema": "x" """)]
    [InlineData(""" "env": { "A": "b", "C": null } """)]
    [InlineData(
        """ "stream": { "rules": [{ "when": { "a": 1, "b": true, "c": ["d"], "e": {} } }] } """
    )]
    [InlineData(""" "exitCodes": { "1": "auth", "255": "quota" } """)]
    public void What_is_read_is_valid(string members)
    {
        var json = Adapter(members);
        Assert.Empty(Complaints(json));
        Assert.Empty(Problems(json));
    }

    [Theory]
    [InlineData(""" "strem": {} """)]
    [InlineData(""" "command": " " """)]
    [InlineData(""" "args": "x" """)]
    [InlineData(""" "promptVia": "pipe" """)]
    [InlineData(""" "permissions": { "write": {} } """)]
    [InlineData(""" "permissions": { "read": { "arg": [] } } """)]
    [InlineData(""" "env": { "A": 1 } """)]
    [InlineData(""" "version": { "tested": "1" } """)]
    [InlineData(""" "stream": { "rules": {} } """)]
    [InlineData(""" "stream": { "rules": [{ "wen": {} }] } """)]
    [InlineData(""" "stream": { "rules": [{ "take": { "costs": "a" } }] } """)]
    [InlineData(""" "stream": { "rules": [{ "when": { "a": { "ends": "x" } } }] } """)]
    [InlineData(""" "exitCodes": { "0": "auth" } """)]
    [InlineData(""" "exitCodes": { "256": "auth" } """)]
    [InlineData(""" "exitCodes": { "1": "aut" } """)]
    [InlineData(""" "errors": [{ "texts": [] }] """)]
    [InlineData(""" "errors": [{ "class": "auth", "status": [99] }] """)]
    [InlineData(""" "errors": [{ "class": "auth", "status": 401 }] """)]
    public void What_is_refused_is_not_valid(string members)
    {
        var json = Adapter(members);
        Assert.NotEmpty(Complaints(json));
        Assert.NotEmpty(Problems(json));
    }

    // A member that stands there twice would be refused for that alone.
    private static string Adapter(string members)
    {
        string[] usual = [""" "command": "x" """, """ "promptVia": "stdin" """];
        return $"{{ {string.Join(", ", usual.Where(u => !members.Contains(u.Split(':')[0].Trim(), StringComparison.Ordinal)).Append(members).Where(static m => m.Length > 0))} }}";
    }

    private static IReadOnlyList<string> Problems(string json) =>
        new JsonSchema(s_schema).Problems(Parse(json));

    private static IReadOnlyList<ConfigProblem> Complaints(string json)
    {
        var reader = new AdapterReader("x.json");
        reader.Read("x", Encoding.UTF8.GetBytes(json));
        return reader.Problems;
    }

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json, s_lenient);
        return document.RootElement.Clone();
    }

    private static JsonElement Part(params string[] path) =>
        path.Aggregate(s_schema, static (at, name) => at.GetProperty(name));

    private static IEnumerable<string> Names(JsonElement properties) =>
        properties.EnumerateObject().Select(static p => p.Name);

    private static IEnumerable<string?> Words(JsonElement property) =>
        property.GetProperty("enum").EnumerateArray().Select(static e => e.GetString());
}
