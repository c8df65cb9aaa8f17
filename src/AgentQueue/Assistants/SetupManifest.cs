using System.Buffers;
using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentQueue.Assistants;

/// <summary>A file that is ours as long as its hash is this one.</summary>
/// <param name="Path">A key of <see cref="SetupPlace"/>.</param>
/// <param name="For">The assistants that need it.</param>
internal sealed record OurFile(string Path, string Sha256, ImmutableArray<string> For);

/// <summary>An entry that is ours as long as its value is this one.</summary>
/// <param name="At">The names from the root down.</param>
/// <param name="Piece">The text that was put in.</param>
/// <param name="MadeFile">The file was made for it.</param>
internal sealed record OurEntry(
    string Path,
    string Format,
    ImmutableArray<string> At,
    JsonObject Entry,
    string Piece,
    bool MadeFile,
    ImmutableArray<string> For
);

/// <summary>
/// What was set up, so that it can be taken away exactly. While files are being written there may be two records
/// of one, what it was and what it becomes: then it is ours if it is either.
/// </summary>
/// <param name="Folders">Those that were made.</param>
internal sealed record SetupManifest(
    ImmutableArray<OurFile> Files,
    ImmutableArray<OurEntry> Entries,
    ImmutableArray<string> Folders
)
{
    private const int Version = 1;
    private const string OurName = "agentq";

    public static readonly SetupManifest Empty = new([], [], []);

    private static readonly JsonWriterOptions s_writing = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Nothing is on record that anybody could remove.</summary>
    public bool IsEmpty => Files.IsEmpty && Entries.IsEmpty;

    /// <summary>The assistants that something was set up for, in their order.</summary>
    public IReadOnlyList<string> Assistants =>
        [
            .. Files
                .SelectMany(static f => f.For)
                .Concat(Entries.SelectMany(static e => e.For))
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];

    /// <param name="mayBeElsewhere">Absolute paths may be in it: it is the user's own.</param>
    /// <exception cref="QueueException">It is not what <see cref="Write"/> has written.</exception>
    public static SetupManifest Read(ReadOnlySpan<byte> json, string shownAs, bool mayBeElsewhere)
    {
        try
        {
            var root = JsonNode.Parse(json)!.AsObject();
            var version = (int)root["version"]!;
            if (version > Version)
            {
                throw new QueueException(
                    $"{shownAs} was written by a newer agentq",
                    "Update this one, or use that one"
                );
            }

            var manifest = new SetupManifest(
                [.. root["files"]!.AsArray().Select(static n => FileOf(n!))],
                [.. root["entries"]!.AsArray().Select(static n => EntryOf(n!))],
                Texts(root["folders"])
            );
            return manifest.IsSafe(mayBeElsewhere)
                ? manifest
                : throw new FormatException("it names files that agentq never makes");
        }
        catch (Exception e)
            when (e
                    is JsonException
                        or InvalidOperationException
                        or FormatException
                        or NullReferenceException
                        or ArgumentException
            )
        {
            throw new QueueException(
                $"{shownAs} cannot be used: {(e is NullReferenceException ? "something is missing in it" : e.Message.TrimEnd('.'))}",
                "Bring back the version that agentq wrote, or delete it: then agentq no longer knows which files are its own",
                cause: e
            );
        }
    }

    public byte[] Write()
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var w = new Utf8JsonWriter(buffer, s_writing))
        {
            w.WriteStartObject();
            w.WriteNumber("version"u8, Version);
            w.WriteStartArray("files"u8);
            foreach (var file in Files.OrderBy(static f => f.Path, StringComparer.Ordinal))
            {
                w.WriteStartObject();
                w.WriteString("path"u8, file.Path);
                w.WriteString("sha256"u8, file.Sha256);
                WriteTexts(w, "for", file.For);
                w.WriteEndObject();
            }

            w.WriteEndArray();
            w.WriteStartArray("entries"u8);
            foreach (var entry in Entries.OrderBy(static e => e.Path, StringComparer.Ordinal))
            {
                w.WriteStartObject();
                w.WriteString("path"u8, entry.Path);
                w.WriteString("format"u8, entry.Format);
                WriteTexts(w, "at", entry.At);
                w.WritePropertyName("entry"u8);
                entry.Entry.WriteTo(w);
                w.WriteString("piece"u8, entry.Piece);
                w.WriteBoolean("madeFile"u8, entry.MadeFile);
                WriteTexts(w, "for", entry.For);
                w.WriteEndObject();
            }

            w.WriteEndArray();
            WriteTexts(w, "folders", [.. Folders.Order(StringComparer.Ordinal)]);
            w.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    // It comes with the repository, so anybody may have written it: what is not ours by its name is never touched.
    private bool IsSafe(bool mayBeElsewhere) =>
        Files.All(f => IsPath(f.Path, mayBeElsewhere) && HasOurName(f.Path))
        && Entries.All(e =>
            IsPath(e.Path, mayBeElsewhere)
            && e.At is [_, OurName]
            && e.Format is "json" or "toml" or "yaml"
        )
        && Folders.All(f => IsPath(f, mayBeElsewhere));

    private static bool IsPath(string path, bool mayBeElsewhere) =>
        path.Length > 0
        && !path.Contains('\0', StringComparison.Ordinal)
        && (mayBeElsewhere || (!Path.IsPathRooted(path) && !path.Contains('\\')))
        && !path.TrimStart('/').Split('/').Any(static p => p is "" or "." or "..");

    private static bool HasOurName(string path) =>
        path.Split('/', '\\')
            .Any(static p =>
                p == OurName
                || p.StartsWith(OurName + "-", StringComparison.Ordinal)
                || p.StartsWith(OurName + ".", StringComparison.Ordinal)
            );

    private static OurFile FileOf(JsonNode node) =>
        new((string)node["path"]!, (string)node["sha256"]!, Texts(node["for"]));

    private static OurEntry EntryOf(JsonNode node) =>
        new(
            (string)node["path"]!,
            (string)node["format"]!,
            Texts(node["at"]),
            node["entry"]!.AsObject(),
            (string)node["piece"]!,
            (bool)node["madeFile"]!,
            Texts(node["for"])
        );

    private static ImmutableArray<string> Texts(JsonNode? node) =>
        [.. node!.AsArray().Select(static n => (string)n!)];

    private static void WriteTexts(Utf8JsonWriter w, string name, ImmutableArray<string> texts)
    {
        w.WriteStartArray(name);
        foreach (var text in texts)
        {
            w.WriteStringValue(text);
        }

        w.WriteEndArray();
    }
}
