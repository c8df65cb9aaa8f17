using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentQueue.Config;

namespace AgentQueue.Assistants;

/// <summary>The assistants that the program has a data file for.</summary>
internal static class KnownAssistants
{
    public const string Prefix = "assistants/";
    private const string Extension = ".json";

    private static readonly JsonDocumentOptions s_reading = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>All names, in their order.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. EmbeddedText
            .Names(Prefix)
            .Where(static n => n.EndsWith(Extension, StringComparison.Ordinal))
            .Select(static n => n[Prefix.Length..^Extension.Length])
            .Order(StringComparer.Ordinal),
    ];

    public static IReadOnlyList<Assistant> All => [.. Names.Select(Find)];

    /// <exception cref="QueueException">There is none of that name (usage).</exception>
    public static Assistant Find(string name) =>
        Names.Contains(name, StringComparer.Ordinal)
            ? Read(name)
            : throw QueueException.Usage(
                $"agentq knows no assistant '{name}'{Suggestion(name)}",
                $"There are {string.Join(", ", Names)}"
            );

    // People know it by its whole name, too: claude-code, github-copilot.
    private static string Suggestion(string name) =>
        Names.FirstOrDefault(n => name.Contains(n, StringComparison.OrdinalIgnoreCase)) is { } part
            ? $"; did you mean '{part}'?"
            : Nearest.Suggestion(name, Names);

    // The data is a part of the program; a test reads all of it.
    private static Assistant Read(string name)
    {
        var root =
            JsonNode.Parse(EmbeddedText.Read(Prefix + name + Extension), documentOptions: s_reading)
            ?? throw new UnreachableException($"{name} is empty");
        return new Assistant(
            name,
            TextOf(root["title"]),
            Texts(root["programs"]),
            root["command"] is { } command ? Style(command) : null,
            Files(root["project"]!),
            Files(root["user"]!)
        );
    }

    private static SlashStyle Style(JsonNode node) =>
        new(
            TextOf(node["style"]) switch
            {
                "plain" => SlashFormat.Plain,
                "frontmatter" => SlashFormat.Frontmatter,
                "toml" => SlashFormat.Toml,
                var other => throw new UnreachableException($"There is no style {other}"),
            },
            node["frontmatter"] is JsonObject members
                ? [.. members.Select(static m => (m.Key, TextOf(m.Value)))]
                : [],
            (string?)node["arguments"] ?? SlashCommands.Arguments,
            TextOf(node["typed"]),
            (string?)node["in"]
        );

    private static AssistantFiles Files(JsonNode node) =>
        new(
            Texts(node["signs"]),
            TextOf(node["skill"]),
            (string?)node["commands"],
            node["mcp"] is JsonArray entries ? [.. entries.Select(static e => Entry(e!))] : [],
            (string?)node["note"]
        );

    private static EntryWish Entry(JsonNode node) =>
        new(
            Texts(node["files"]),
            TextOf(node["format"]),
            Texts(node["path"]),
            node["entry"]!.AsObject()
        );

    private static ImmutableArray<string> Texts(JsonNode? node) =>
        node is JsonArray list ? [.. list.Select(TextOf)] : [];

    private static string TextOf(JsonNode? node) =>
        (string?)node ?? throw new UnreachableException("A text is missing");
}
