using System.Collections.Immutable;

namespace AgentQueue.Config;

/// <summary>One of <c>watch</c> in the configuration: which files' changes become which event.</summary>
/// <param name="Paths">Globs, relative to the project's root; one of them must match.</param>
/// <param name="Ignore">Globs of what is passed over nevertheless.</param>
/// <param name="Event">The event's name.</param>
/// <param name="Debounce">How long nothing more may have changed before the event comes; not negative.</param>
internal sealed record WatchRule(
    ImmutableArray<string> Paths,
    ImmutableArray<string> Ignore,
    string Event,
    TimeSpan Debounce
)
{
    /// <summary>Where nothing is said of it.</summary>
    public static readonly TimeSpan DefaultDebounce = TimeSpan.FromMilliseconds(100);
}
