using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace AgentQueue.Cli.Output;

/// <summary>
/// What <c>--json</c> prints: one object, its first member the version of the contract. Derive a record for
/// each verb; members are added within a version, never changed or removed.
/// </summary>
internal abstract record JsonReply
{
    [JsonPropertyName("version"), JsonPropertyOrder(-1)]
    public int Version { get; } = JsonOutput.Version;
}

/// <summary>One JSON document on stdout, indented, with everything a terminal could obey spelled out.</summary>
internal static class JsonOutput
{
    public const int Version = 1;

    /// <summary>How every document is written; the encoder and the indentation of a source-generated context do not matter here.</summary>
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = SafeJsonEncoder.Instance,
    };

    public static void Print<T>(Screen screen, T document, JsonTypeInfo<T> type)
        where T : JsonReply =>
        Print(screen, writer => JsonSerializer.Serialize(writer, document, type));

    /// <summary>As above, for members written by hand: <paramref name="members"/> follow the version.</summary>
    public static void PrintObject(Screen screen, Action<Utf8JsonWriter> members) =>
        Print(
            screen,
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteNumber("version"u8, Version);
                members(writer);
                writer.WriteEndObject();
            }
        );

    /// <summary>As <see cref="PrintObject"/>, on a line of its own: one of many documents, for what goes on.</summary>
    public static void PrintLine(Screen screen, Action<Utf8JsonWriter> members) =>
        Print(
            screen,
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteNumber("version"u8, Version);
                members(writer);
                writer.WriteEndObject();
            },
            WriterOptions with
            {
                Indented = false,
            }
        );

    /// <summary>A line with exactly these members, for a contract that is older than ours and has no version.</summary>
    public static void PrintBareLine(Screen screen, Action<Utf8JsonWriter> members) =>
        Print(
            screen,
            writer =>
            {
                writer.WriteStartObject();
                members(writer);
                writer.WriteEndObject();
            },
            WriterOptions with
            {
                Indented = false,
            }
        );

    // Whole or not at all: a failure while writing leaves no half document on stdout.
    private static void Print(
        Screen screen,
        Action<Utf8JsonWriter> write,
        JsonWriterOptions? options = null
    )
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, options ?? WriterOptions))
        {
            write(writer);
        }

        screen.Out(buffer.WrittenSpan);
        screen.Out("\n"u8);
    }
}
