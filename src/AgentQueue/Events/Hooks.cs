using System.Collections.Immutable;
using AgentQueue.Config;

namespace AgentQueue.Events;

/// <summary>A hook that an event is told to.</summary>
/// <param name="Event">The name of the event that the rule means.</param>
internal readonly record struct MatchedHook(HookRule Rule, string Event);

/// <summary>Which hooks an event has; pure.</summary>
internal static class Hooks
{
    /// <summary>
    /// In the order of the rules, each at most once. The failure of a hook has none: they would go round.
    /// </summary>
    public static IEnumerable<MatchedHook> Of(
        IEnumerable<HookRule> rules,
        ImmutableArray<string> names
    )
    {
        if (names.Any(static n => n.StartsWith(EventName.HookFailed, StringComparison.Ordinal)))
        {
            yield break;
        }

        foreach (var rule in rules)
        {
            if (EventName.Match([rule.Event], names) is { } name)
            {
                yield return new MatchedHook(rule, name);
            }
        }
    }
}
