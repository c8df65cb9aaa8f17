using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentQueue.Assistants;
using AgentQueue.Config;

namespace AgentQueue.Tests.Assistants;

/// <summary>What has to hold for every file that an entry is put into and taken out of.</summary>
internal static class EntryTrial
{
    public const string Conf = "conf";

    public static JsonObject Entry =>
        new() { ["command"] = "agentq", ["args"] = new JsonArray("mcp") };

    /// <summary>Puts the entry in and takes it out; all else is there in between, and the text is the same behind.</summary>
    public static EntryInsertion GoesInAndOut(
        string format,
        string text,
        IReadOnlyList<string> path,
        JsonObject? entry = null
    )
    {
        entry ??= Entry;
        var with = EntryFormat.Named(format);
        var added = with.Insert(text, path, entry, Conf);
        Assert.Equal(text.Length + added.Piece.Length, added.Text.Length);
        Assert.True(IsThere(entry, with.Find(added.Text, path, Conf)), added.Text);
        var before = Flat(format, text).ToList();
        var after = Flat(format, added.Text).ToList();
        var prefix = string.Concat(path.Select(static p => $"/{p}"));
        Assert.Equal(before, after.Where(l => !l.StartsWith(prefix, StringComparison.Ordinal)));
        Assert.Equal(text, with.Remove(added.Text, path, entry, added.Piece, Conf));
        Assert.Equal(text, with.Remove(text, path, entry, added.Piece, Conf));
        var second = Assert.Throws<QueueException>(() =>
            with.Insert(added.Text, path, entry, Conf)
        );
        Assert.Contains("is there already", second.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, second.ExitCode);
        return added;
    }

    /// <summary>What is left when the entry is taken out of a text that a person went over.</summary>
    public static string? TakenOut(
        string format,
        string text,
        IReadOnlyList<string> path,
        Func<string, string> change
    )
    {
        var with = EntryFormat.Named(format);
        var added = with.Insert(text, path, Entry, Conf);
        var changed = change(added.Text);
        Assert.NotEqual(added.Text, changed);
        return with.Remove(changed, path, Entry, added.Piece, Conf);
    }

    public static QueueException Refused(string format, string text, IReadOnlyList<string> path)
    {
        var refusal = Assert.Throws<QueueException>(() =>
            EntryFormat.Named(format).Insert(text, path, Entry, Conf)
        );
        Assert.StartsWith(Conf + ":", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
        Assert.NotNull(refusal.Hint);
        return refusal;
    }

    private static bool IsThere(JsonObject entry, JsonNode? found) =>
        JsonNode.DeepEquals(entry, found);

    /// <summary>Every value that is not an object, with the names that lead to it, in a fixed order.</summary>
    private static IEnumerable<string> Flat(string format, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var root = format switch
        {
            "json" => SourceValue.Parse(bytes, out _),
            "toml" => TomlSource.Read(Conf, bytes, takesAll: true),
            _ => YamlSource.Parse(bytes, out _),
        };
        return root is null || root.Kind == JsonValueKind.Null
            ? []
            : Lines(root, "").Order(StringComparer.Ordinal);
    }

    private static IEnumerable<string> Lines(SourceValue value, string at) =>
        value.Kind switch
        {
            JsonValueKind.Object => value.Members.SelectMany(m => Lines(m.Value, $"{at}/{m.Name}")),
            JsonValueKind.Array => value.Items.SelectMany(
                (v, i) => Lines(v, string.Create(CultureInfo.InvariantCulture, $"{at}/[{i}]"))
            ),
            // A key of YAML without a value becomes a map.
            JsonValueKind.Null when at.Length > 0 && value.Text is null => [],
            _ => [$"{at}={value.Kind} {value.Text}"],
        };
}
