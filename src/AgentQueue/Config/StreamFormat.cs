using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>How the JSON lines that an agent prints are read.</summary>
internal sealed record StreamFormat
{
    /// <summary>All that match a line count, in their order.</summary>
    public ImmutableArray<StreamRule> Rules { get; init; } = [];

    /// <summary>The same for <c>{usageFile}</c>, which is one object, where the stream does not tell what was used.</summary>
    public ImmutableArray<StreamRule> UsageRules { get; init; } = [];

    /// <summary>The number of input tokens includes those from the cache.</summary>
    public bool InputHasCache { get; init; }

    /// <summary>A session that is gone on with reports what it has used in all, earlier tasks included.</summary>
    public bool ResumedIsTotal { get; init; }

    /// <summary>A line must have said that it has come to its end; else an exit with 0 is not believed.</summary>
    public bool HasEnd { get; init; }

    /// <summary>Something in it tells what was used.</summary>
    public bool TellsUsage =>
        Rules
            .Concat(UsageRules)
            .Any(static r =>
                r.Facts.Any(static f =>
                    f.Fact is StreamFact.Input or StreamFact.Output or StreamFact.Cost
                )
            );

    /// <summary>Something in it tells what was paid.</summary>
    public bool TellsCost =>
        Rules
            .Concat(UsageRules)
            .Any(static r => r.Facts.Any(static f => f.Fact == StreamFact.Cost));
}

/// <summary>What a line, or one element of a list in it, tells.</summary>
internal sealed record StreamRule
{
    /// <summary>All of them hold for the line.</summary>
    public ImmutableArray<StreamCondition> When { get; init; } = [];

    /// <summary>None of them does.</summary>
    public ImmutableArray<StreamCondition> Unless { get; init; } = [];

    /// <summary>A list in the line; the rest is about each of its elements. Null for the line itself.</summary>
    public StreamPath? Each { get; init; }

    /// <summary>All of them hold for the element.</summary>
    public ImmutableArray<StreamCondition> On { get; init; } = [];

    /// <summary>What is taken, and where it stands.</summary>
    public ImmutableArray<(StreamFact Fact, StreamPath Path)> Facts { get; init; } = [];

    /// <summary>Numbers are added to what earlier lines said; else they take its place.</summary>
    public bool Adds { get; init; }

    /// <summary>
    /// Numbers are added, but of all lines with one value there only the last counts. Null if every line counts.
    /// </summary>
    public StreamPath? Per { get; init; }

    /// <summary>One more turn.</summary>
    public bool IsTurn { get; init; }

    /// <summary>The agent says that it has come to its end.</summary>
    public bool IsEnd { get; init; }

    /// <summary>What it tells as an error is tried again by the agent itself.</summary>
    public bool IsRetry { get; init; }
}

/// <summary>What a rule may take from a line.</summary>
internal enum StreamFact
{
    Session,
    Model,

    /// <summary>What the agent says; the last one is its answer.</summary>
    Text,

    /// <summary>A piece of it, to be joined with those around it.</summary>
    Delta,

    Input,
    Output,
    CacheRead,
    CacheWrite,
    Cost,
    Turns,

    /// <summary>The name of a tool that is called.</summary>
    Tool,

    /// <summary>What it is called with, in short: a path, a command.</summary>
    Detail,

    Error,

    /// <summary>A word for the error.</summary>
    ErrorType,

    /// <summary>The HTTP status behind it.</summary>
    Status,

    /// <summary>When a limit is over: seconds since 1970, or a time as text.</summary>
    ResetsAt,

    /// <summary>Seconds until then.</summary>
    ResetsIn,

    /// <summary>What it asks a person.</summary>
    Question,
}

/// <summary>Names of members, one inside the other; <c>*</c> stands for any.</summary>
internal sealed class StreamPath(ImmutableArray<string> names)
{
    // As they stand in a line: looking for them is most of the work with one.
    private readonly ImmutableArray<byte[]> _utf8 = [.. names.Select(Encoding.UTF8.GetBytes)];

    public ImmutableArray<string> Names => names;

    /// <summary>There may be more than one value.</summary>
    public bool IsMany { get; } = names.Contains("*");

    public static StreamPath Parse(string text) => new([.. text.Split('.')]);

    /// <summary>The first value there; null if there is none.</summary>
    public JsonElement? Find(JsonElement value) => Find(value, 0);

    /// <summary>All values there: more than one only behind a <c>*</c>.</summary>
    public IEnumerable<JsonElement> All(JsonElement value) => All(value, 0);

    private JsonElement? Find(JsonElement value, int depth)
    {
        for (; depth < Names.Length; depth++)
        {
            if (Names[depth] == "*")
            {
                foreach (var one in All(value, depth))
                {
                    return one;
                }

                return null;
            }

            if (
                value.ValueKind != JsonValueKind.Object
                || !value.TryGetProperty(_utf8[depth], out var next)
            )
            {
                return null;
            }

            value = next;
        }

        return value;
    }

    private IEnumerable<JsonElement> All(JsonElement value, int depth)
    {
        if (depth == Names.Length)
        {
            yield return value;
        }
        else if (Names[depth] != "*")
        {
            if (
                value.ValueKind == JsonValueKind.Object
                && value.TryGetProperty(_utf8[depth], out var next)
            )
            {
                foreach (var one in All(next, depth + 1))
                {
                    yield return one;
                }
            }
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
            {
                foreach (var one in All(item, depth + 1))
                {
                    yield return one;
                }
            }
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in value.EnumerateObject())
            {
                foreach (var one in All(member.Value, depth + 1))
                {
                    yield return one;
                }
            }
        }
    }
}

/// <summary>
/// Holds if the value there is one of these, or a text that begins so or has that in it; with none of it, if there
/// is any.
/// </summary>
internal sealed record StreamCondition(StreamPath Path)
{
    public ImmutableArray<string> Values { get; init; } = [];

    /// <summary>Null where it does not matter.</summary>
    public string? Begins { get; init; }

    /// <inheritdoc cref="Begins"/>
    public string? Has { get; init; }

    public bool Holds(JsonElement line)
    {
        if (Path.Find(line) is not { } value || value.ValueKind == JsonValueKind.Null)
        {
            return false;
        }

        if (Begins is not null || Has is not null)
        {
            return value.ValueKind == JsonValueKind.String
                && StreamText.Of(value) is { } text
                && (Begins is null || text.StartsWith(Begins, StringComparison.Ordinal))
                && (Has is null || text.Contains(Has, StringComparison.Ordinal));
        }

        foreach (var wanted in Values)
        {
            if (
                value.ValueKind switch
                {
                    JsonValueKind.String => value.ValueEquals(wanted),
                    JsonValueKind.True => wanted == "true",
                    JsonValueKind.False => wanted == "false",
                    JsonValueKind.Number => value.GetRawText() == wanted,
                    _ => false,
                }
            )
            {
                return true;
            }
        }

        return Values.IsEmpty;
    }
}
