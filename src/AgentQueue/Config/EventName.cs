namespace AgentQueue.Config;

/// <summary>
/// The names of events: any text without control characters, and those that agentq gives itself. A pattern is a name in
/// which <c>*</c> stands for any run of characters.
/// </summary>
internal static class EventName
{
    public const string Started = "task_started:";
    public const string Success = "task_success:";
    public const string Failed = "task_failed:";
    public const string Cancelled = "task_cancelled:";
    public const string Finished = "task_finished:";

    /// <summary>It waits for an answer.</summary>
    public const string NeedsInput = "task_needs_input:";

    /// <summary>It waits for the usage limit of its account.</summary>
    public const string Limited = "task_limited:";
    public const string PlanFinished = "plan_finished:";
    public const string PlanSuccess = "plan_success:";
    public const string PlanFailed = "plan_failed:";
    public const string PlanCancelled = "plan_cancelled:";
    public const string QueueIdle = "queue_idle";

    /// <summary>Before the name of an event, a hook of which has failed. No hook is run for it.</summary>
    public const string HookFailed = "hook_failed:";

    /// <summary>In UTF-16 units; a path and some words.</summary>
    public const int Longest = 1000;

    private const string TaskPrefix = "task_";
    private const string CommandPrefix = "command_";

    /// <exception cref="QueueException">It cannot be one.</exception>
    public static string Check(string name) =>
        Problem(name) is { } problem
            ? throw QueueException.Usage($"The event's name {problem}")
            : Normalize(name);

    /// <summary>The changes of a task that are events: <c>task_success:NAME</c>.</summary>
    public static readonly string[] OfTasks =
    [
        "started",
        "success",
        "failed",
        "cancelled",
        "finished",
        "needs_input",
        "limited",
    ];

    /// <summary>Why it cannot be the name of an event, as the end of a sentence; null if it can.</summary>
    public static string? Problem(string name) =>
        string.IsNullOrWhiteSpace(name) ? "must not be empty"
        : name.Length > Longest ? $"must not be longer than {Longest} characters"
        : name.Any(char.IsControl) ? "must not contain control characters, nor the end of a line"
        : null;

    /// <summary><c>task_success:x</c> for <c>command_success:x</c>; any other name as it is.</summary>
    public static string Normalize(string name)
    {
        if (!name.StartsWith(CommandPrefix, StringComparison.Ordinal))
        {
            return name;
        }

        var kind = name.AsSpan(CommandPrefix.Length);
        foreach (var change in OfTasks)
        {
            if (
                kind.StartsWith(change, StringComparison.Ordinal)
                && kind.Length > change.Length
                && kind[change.Length] == ':'
            )
            {
                return TaskPrefix + kind.ToString();
            }
        }

        return name;
    }

    /// <summary>
    /// The second pattern that a pattern such as <c>command_*:x</c> stands for, since it may mean the changes of
    /// tasks; null for all others.
    /// </summary>
    public static string? TwinOf(string pattern)
    {
        if (
            !pattern.StartsWith(CommandPrefix, StringComparison.Ordinal)
            || pattern.IndexOf('*', StringComparison.Ordinal) is not (var star and >= 0)
        )
        {
            return null;
        }

        var kind = pattern[CommandPrefix.Length..star];
        return
            !kind.Contains(':', StringComparison.Ordinal)
            && OfTasks.Any(change => change.StartsWith(kind, StringComparison.Ordinal))
            ? TaskPrefix + pattern[CommandPrefix.Length..]
            : null;
    }

    /// <summary>The task or agent that an event of a task is about, if it names one without a wildcard.</summary>
    public static bool NamesTask(string name, out string kind, out string about)
    {
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        var isOne =
            colon > TaskPrefix.Length
            && name.StartsWith(TaskPrefix, StringComparison.Ordinal)
            && !name.Contains('*', StringComparison.Ordinal);
        kind = isOne ? name[TaskPrefix.Length..colon] : "";
        about = isOne ? name[(colon + 1)..] : "";
        return isOne;
    }

    /// <summary>The first of the names that a pattern means, in the patterns' order; null if there is none.</summary>
    public static string? Match(IEnumerable<string> patterns, IReadOnlyList<string> names)
    {
        foreach (var pattern in patterns)
        {
            foreach (var name in names)
            {
                if (IsMatch(pattern, name))
                {
                    return name;
                }
            }
        }

        return null;
    }

    /// <param name="pattern"><c>*</c> stands for any run of characters, an empty one too.</param>
    public static bool IsMatch(string pattern, string name)
    {
        // Greedy with one way back, to the last star: no pattern takes longer than both lengths multiplied.
        int p = 0,
            n = 0,
            star = -1,
            resume = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                resume = n;
            }
            else if (p < pattern.Length && pattern[p] == name[n])
            {
                p++;
                n++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                n = ++resume;
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(p).TrimStart('*').IsEmpty;
    }
}
