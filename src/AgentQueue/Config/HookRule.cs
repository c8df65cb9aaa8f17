using System.Collections.Immutable;

namespace AgentQueue.Config;

/// <summary>What is told of an event, after it is on disk: a program, a web address, the person's desktop.</summary>
internal abstract record HookRule(string Event)
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How long it may take.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    /// <summary>A program with its arguments; the event and its task come on its standard input.</summary>
    internal sealed record Program(string Event, ImmutableArray<string> Command) : HookRule(Event);

    /// <summary>An http or https address that the same is posted to.</summary>
    internal sealed record Web(string Event, string Url) : HookRule(Event);

    /// <summary>A notification on the desktop.</summary>
    internal sealed record Desktop(string Event) : HookRule(Event);
}
