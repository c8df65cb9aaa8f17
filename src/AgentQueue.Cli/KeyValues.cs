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

    /// <summary>What an event brings: <c>--var NAME=VALUE</c>.</summary>
    public static ImmutableSortedDictionary<string, string> CallVariables(
        IEnumerable<string> texts
    ) =>
        Collect(
            texts.Select(static text =>
                text.Split('=', 2) is not [var name, var value]
                    ? throw QueueException.Usage(
                        $"--var wants NAME=VALUE, not '{text}'",
                        "For example --var path=src"
                    )
                : Config.Variables.Problem(name, value) is { } problem
                    ? throw QueueException.Usage($"--var: '{name}' {problem}")
                : KeyValuePair.Create(name, value)
            )
        );

    /// <summary>A null value means: take the runner's.</summary>
    public static ImmutableSortedDictionary<string, string?> Variables(IEnumerable<string> texts) =>
        Collect(
            texts.Select(static text =>
            {
                var parts = text.Split('=', 2);
                return KeyValuePair.Create(
                    VariableName(parts[0], "--env"),
                    parts.Length == 2 ? parts[1] : null
                );
            })
        );

    /// <summary>The name of a variable that an agent may be given.</summary>
    public static string VariableName(string name, string where)
    {
        if (!AgentEnvironment.IsName(name))
        {
            throw QueueException.Usage(
                $"{where} wants the name of a variable, not '{name}'",
                "For example LOG_LEVEL"
            );
        }

        return AgentEnvironment.IsOurs(name)
            ? throw QueueException.Usage($"{name} is set by agentq itself")
            : name;
    }

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
