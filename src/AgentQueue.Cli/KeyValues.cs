using System.Collections.Immutable;
using AgentQueue.Config;

namespace AgentQueue.Cli;

/// <summary>Reading <c>KEY=VALUE</c> arguments.</summary>
internal static class KeyValues
{
    public static ImmutableSortedDictionary<string, string> Labels(IEnumerable<string> texts) =>
        Collect(
            texts.Select(static text =>
                text.Split('=', 2) is [{ Length: > 0 } key, var value]
                    ? KeyValuePair.Create(key, value)
                    : throw QueueException.Usage(
                        $"--label wants KEY=VALUE, not '{text}'",
                        "For example --label area=parser"
                    )
            )
        );

    /// <summary>A null value means: take the runner's.</summary>
    public static ImmutableSortedDictionary<string, string?> Variables(IEnumerable<string> texts) =>
        Collect(
            texts.Select(static text =>
            {
                var parts = text.Split('=', 2);
                if (!AgentEnvironment.IsName(parts[0]) || text.Contains('\0'))
                {
                    throw QueueException.Usage(
                        $"--env wants KEY=VALUE or KEY, not '{parts[0]}'",
                        "For example --env LOG_LEVEL=debug"
                    );
                }

                return AgentEnvironment.IsOurs(parts[0])
                    ? throw QueueException.Usage($"{parts[0]} is set by agentq itself")
                    : KeyValuePair.Create(parts[0], parts.Length == 2 ? parts[1] : null);
            })
        );

    // Said twice, the last one counts, as in a shell.
    private static ImmutableSortedDictionary<string, T> Collect<T>(
        IEnumerable<KeyValuePair<string, T>> pairs
    )
    {
        var builder = ImmutableSortedDictionary.CreateBuilder<string, T>(StringComparer.Ordinal);
        foreach (var (key, value) in pairs)
        {
            builder[key] = value;
        }

        return builder.ToImmutable();
    }
}
