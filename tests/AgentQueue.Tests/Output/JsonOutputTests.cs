using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using AgentQueue.Cli.Output;

namespace AgentQueue.Tests.Output;

public partial class JsonOutputTests
{
    private readonly MemoryStandardStream _output = new();

    [Fact]
    public void A_document_begins_with_its_version()
    {
        JsonOutput.Print(
            Open(out var screen),
            new Reply("Grüße 'you' & <me>", ["a"]),
            ReplyContext.Default.Reply
        );
        screen.Flush();
        Assert.Equal(
            """
            {
              "version": 1,
              "text": "Grüße 'you' & <me>",
              "items": [
                "a"
              ]
            }

            """,
            _output.Text
        );
    }

    [Fact]
    public void Members_written_by_hand_follow_the_version()
    {
        JsonOutput.PrintObject(Open(out var screen), writer => writer.WriteString("id", "x"));
        screen.Flush();
        Assert.Equal("{\n  \"version\": 1,\n  \"id\": \"x\"\n}\n", _output.Text);
    }

    [Fact]
    public void Every_character_comes_back_and_none_can_steer_a_terminal()
    {
        var text = new StringBuilder("\"\\/");
        for (var value = 0; value <= 0x10FFFF; value++)
        {
            if (Rune.IsValid(value))
            {
                text.Append(new Rune(value));
            }
        }

        JsonOutput.PrintObject(
            Open(out var screen),
            writer => writer.WriteString("text", text.ToString())
        );
        screen.Flush();

        Assert.Equal(
            text.ToString(),
            JsonDocument.Parse(_output.Bytes).RootElement.GetProperty("text").GetString()
        );
        Assert.DoesNotContain(
            _output.Text.EnumerateRunes(),
            rune => rune.Value != '\n' && Terminal.IsUnsafe(rune)
        );
        Assert.Contains("\\u202e", _output.Text, StringComparison.Ordinal);
        Assert.Contains("🎉", _output.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_text_stays_valid_json()
    {
        JsonOutput.PrintObject(
            Open(out var screen),
            writer =>
            {
                foreach (var (i, text) in HostileText.Corpus.Index())
                {
                    writer.WriteString($"{i}", text);
                }
            }
        );
        screen.Flush();
        Assert.Equal(51, JsonDocument.Parse(_output.Bytes).RootElement.EnumerateObject().Count());
    }

    [Fact]
    public void A_failure_while_writing_leaves_no_half_document()
    {
        Assert.Throws<NotSupportedException>(() =>
            JsonOutput.PrintObject(Open(out _), _ => throw new NotSupportedException())
        );
        Assert.Empty(_output.Bytes);
    }

    private Screen Open(out Screen screen) =>
        screen = new Screen(_output, new MemoryStandardStream(), _ => null);

    internal sealed record Reply(string Text, string[] Items) : JsonReply;

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(Reply))]
    private sealed partial class ReplyContext : JsonSerializerContext;
}
