namespace AgentQueue.Agents;

/// <summary>Something in an agent's output that people want to see.</summary>
internal abstract record StreamEvent
{
    private StreamEvent() { }

    internal sealed record Begin(string? Session, string? Model) : StreamEvent;

    internal sealed record Say(string Text) : StreamEvent;

    /// <summary>A piece of what it says, without an end of the line.</summary>
    internal sealed record Piece(string Text) : StreamEvent;

    internal sealed record Tool(string Name, string? Detail) : StreamEvent;

    /// <param name="IsRetried">The agent tries again by itself.</param>
    internal sealed record Problem(StreamError Error, bool IsRetried) : StreamEvent;

    internal sealed record Ask(string Question) : StreamEvent;

    internal sealed record End(Usage Usage) : StreamEvent;

    /// <summary>A line that is none of the stream.</summary>
    internal sealed record Noise(string Line) : StreamEvent;
}
