using System.Buffers;
using AgentQueue.Config;

namespace AgentQueue.Agents;

/// <summary>What an agent has used; null where it does not say, which is not the same as 0.</summary>
internal sealed record Usage
{
    /// <summary>Tokens that the model read, without those from its cache.</summary>
    public long? Input { get; init; }

    public long? Output { get; init; }
    public long? CacheRead { get; init; }
    public long? CacheWrite { get; init; }

    /// <summary>US dollars, as the agent counts them.</summary>
    public decimal? Cost { get; init; }

    public bool IsEmpty => this == new Usage();

    /// <summary>In and out, the cache not counted; null if neither is known.</summary>
    public long? Tokens => Input is null && Output is null ? null : (Input ?? 0) + (Output ?? 0);

    public static Usage operator +(Usage a, Usage b) =>
        new()
        {
            Input = Sum(a.Input, b.Input),
            Output = Sum(a.Output, b.Output),
            CacheRead = Sum(a.CacheRead, b.CacheRead),
            CacheWrite = Sum(a.CacheWrite, b.CacheWrite),
            Cost = a.Cost is null ? b.Cost : a.Cost + (b.Cost ?? 0),
        };

    /// <summary>What is more in <paramref name="a"/>; never less than nothing.</summary>
    public static Usage operator -(Usage a, Usage b) =>
        new()
        {
            Input = Less(a.Input, b.Input),
            Output = Less(a.Output, b.Output),
            CacheRead = Less(a.CacheRead, b.CacheRead),
            CacheWrite = Less(a.CacheWrite, b.CacheWrite),
            Cost = a.Cost is { } cost ? Math.Max(0, cost - (b.Cost ?? 0)) : null,
        };

    private static long? Sum(long? a, long? b) => a is null ? b : a + (b ?? 0);

    private static long? Less(long? a, long? b) =>
        a is { } all ? Math.Max(0, all - (b ?? 0)) : null;
}

/// <summary>An error as an agent tells of it.</summary>
/// <param name="Type">The agent's own word for it.</param>
/// <param name="Status">The HTTP status behind it.</param>
internal sealed record StreamError(string? Message, string? Type, int? Status);

/// <summary>Everything that an agent's output has told so far.</summary>
internal sealed class StreamFacts
{
    // As it stands in JSON: of all that it says only the last is ever made a text of.
    private readonly ArrayBufferWriter<byte> _said = new();
    private string? _text;

    public string? Session { get; set; }
    public string? Model { get; set; }

    /// <summary>The last thing that it said.</summary>
    public string? Text =>
        _text ??=
            _said.WrittenCount > 0
                ? StreamText.Unescape(_said.WrittenSpan, StreamText.Longest)
                : null;

    /// <summary>Of this call, as its lines say.</summary>
    public Usage Current { get; set; } = new();

    /// <summary>Of the calls before it.</summary>
    public Usage Earlier { get; set; } = new();

    public int? Turns { get; set; }
    public int CountedTurns { get; set; }

    /// <summary>Of all calls; null if nothing tells.</summary>
    public int? TurnsInAll =>
        Turns is null && CountedTurns == 0 ? null : CountedTurns + (Turns ?? 0);

    public int ToolCalls { get; set; }

    /// <summary>It says that it has come to its end.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Null if nothing went wrong, or the agent got over it.</summary>
    public StreamError? Error { get; set; }

    /// <summary>What it tries again by itself; null as soon as it gets on.</summary>
    public StreamError? Retried { get; set; }

    public DateTimeOffset? ResetsAt { get; set; }

    /// <summary>From the moment in which it was told.</summary>
    public TimeSpan? ResetsIn { get; set; }
    public string? Question { get; set; }

    /// <summary>Lines that could be read.</summary>
    public long Lines { get; set; }

    /// <summary>Pieces that follow each other are one text.</summary>
    public bool IsJoining { get; set; }

    /// <param name="escaped">Not empty; as between the quotation marks of JSON.</param>
    public void Say(ReadOnlySpan<byte> escaped)
    {
        IsJoining = false;
        Join(escaped);
        IsJoining = false;
    }

    /// <inheritdoc cref="Say"/>
    public void Join(ReadOnlySpan<byte> escaped)
    {
        if (!IsJoining)
        {
            _said.ResetWrittenCount();
            IsJoining = true;
        }

        Retried = null;
        _text = null;

        // One more than is shown, so that it can be seen that there was more.
        var room = StreamText.Longest + 1 - _said.WrittenCount;
        _said.Write(escaped[..Math.Clamp(room, 0, escaped.Length)]);
    }

    public void CallTool()
    {
        ToolCalls++;
        Retried = null;
        IsJoining = false;
    }
}
