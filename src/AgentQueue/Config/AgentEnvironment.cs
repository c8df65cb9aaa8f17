using System.Collections.Immutable;
using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// The environment of an agent: that of whoever runs the task, less what a parent assistant left in it
/// about itself, then what the configuration and the task set, then agentq's own. No value that passes
/// through here is ever written anywhere; messages name variables only.
/// </summary>
internal static class AgentEnvironment
{
    public const string TaskIdVariable = "AGENTQ_TASK_ID";

    /// <summary>The absolute path of the task's file; also the mark by which its processes are known.</summary>
    public const string TaskFileVariable = "AGENTQ_TASK_FILE";
    public const string RootVariable = "AGENTQ_ROOT";

    /// <summary>Of a hook: the event, by the name that its rule means.</summary>
    public const string EventVariable = "AGENTQ_EVENT";

    /// <summary>The mark of a hook's processes.</summary>
    public const string HookVariable = "AGENTQ_HOOK";

    public static readonly StringComparer Names = OperatingSystem.IsWindows()
        ? StringComparer.OrdinalIgnoreCase
        : StringComparer.Ordinal;

    public static readonly ImmutableSortedDictionary<string, string?> NoOverrides =
        ImmutableSortedDictionary.Create<string, string?>(Names);

    /// <param name="runner">The environment of whoever runs the task.</param>
    /// <param name="overrides">A value to set, or null to take the variable away: <see cref="LaunchPlan.Environment"/>.</param>
    /// <returns><c>KEY=VALUE</c>, each key once, sorted by key.</returns>
    public static ImmutableArray<string> Build(
        IReadOnlyDictionary<string, string> runner,
        IEnumerable<KeyValuePair<string, string?>> overrides,
        TaskId task,
        string taskFile,
        string projectRoot
    )
    {
        var result = new SortedDictionary<string, string>(Names);
        foreach (var (name, value) in runner)
        {
            if (name.Length > 0 && !ParentMarks.Includes(name, value, runner))
            {
                result[name] = value;
            }
        }

        foreach (var (name, value) in overrides)
        {
            if (value is null)
            {
                result.Remove(name);
            }
            else
            {
                result[name] = value;
            }
        }

        result[TaskIdVariable] = task.Value;
        result[TaskFileVariable] = taskFile;
        result[RootVariable] = projectRoot;
        return [.. result.Select(pair => $"{pair.Key}={pair.Value}")];
    }

    /// <summary>Any text that the operating system takes: not empty, without <c>=</c> and NUL.</summary>
    public static bool IsName(string name) => name.Length > 0 && !name.AsSpan().ContainsAny("=\0");

    /// <summary>Set by agentq for every agent, whatever else is configured.</summary>
    public static bool IsOurs(string name) =>
        Names.Equals(name, TaskIdVariable)
        || Names.Equals(name, TaskFileVariable)
        || Names.Equals(name, RootVariable);

    /// <summary>
    /// Puts values in the place of <c>${NAME}</c>, in one pass: what a value brings in is not expanded
    /// again. Any other dollar sign stays as it is.
    /// </summary>
    /// <param name="missing">The first name that has no value; the result is then null.</param>
    public static string? Expand(string text, Func<string, string?> valueOf, out string? missing)
    {
        missing = null;
        var expanded = new StringBuilder(text.Length);
        var from = 0;
        while (text.IndexOf("${", from, StringComparison.Ordinal) is var start and >= 0)
        {
            expanded.Append(text, from, start - from);
            if (ReferenceAt(text, start) is not { } name)
            {
                expanded.Append("${");
                from = start + 2;
                continue;
            }

            if (valueOf(name) is not { } value)
            {
                missing = name;
                return null;
            }

            expanded.Append(value);
            from = start + name.Length + 3;
        }

        return expanded.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>True if a <c>${</c> is not followed by a name and a brace: a slip, or a shell's <c>${X:-y}</c>.</summary>
    public static bool HasMalformedReference(string text)
    {
        for (
            var start = text.IndexOf("${", StringComparison.Ordinal);
            start >= 0;
            start = text.IndexOf("${", start + 2, StringComparison.Ordinal)
        )
        {
            if (ReferenceAt(text, start) is null)
            {
                return true;
            }
        }

        return false;
    }

    private static string? ReferenceAt(string text, int start)
    {
        var end = start + 2;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
        {
            end++;
        }

        return
            end < text.Length
            && text[end] == '}'
            && end > start + 2
            && !char.IsAsciiDigit(text[start + 2])
            ? text[(start + 2)..end]
            : null;
    }
}
