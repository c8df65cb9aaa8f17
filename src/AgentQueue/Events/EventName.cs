namespace AgentQueue.Events;

/// <summary>The names of events: any text without control characters.</summary>
internal static class EventName
{
    public const string Started = "task_started:";
    public const string Success = "task_success:";
    public const string Failed = "task_failed:";
    public const string Cancelled = "task_cancelled:";
    public const string Finished = "task_finished:";
    public const string PlanFinished = "plan_finished:";
    public const string PlanSuccess = "plan_success:";
    public const string PlanFailed = "plan_failed:";
    public const string PlanCancelled = "plan_cancelled:";
    public const string QueueIdle = "queue_idle";

    /// <summary>Before the name of an event, a hook of which has failed. No hook is run for it.</summary>
    public const string HookFailed = "hook_failed:";

    /// <summary>In UTF-16 units; a path and some words.</summary>
    public const int Longest = 1000;

    private const string OlderWord = "command_";
    private const string OurWord = "task_";

    /// <exception cref="QueueException">It cannot be one.</exception>
    public static string Check(string name) =>
        name.Length == 0 ? throw QueueException.Usage("The event has no name")
        : name.Length > Longest
            ? throw QueueException.Usage($"The event's name is longer than {Longest} characters")
        : name.Any(char.IsControl)
            ? throw QueueException.Usage("The event's name has a control character in it")
        : Normalize(name);

    /// <summary>An older tool says <c>command_success:NAME</c> for <c>task_success:NAME</c>.</summary>
    public static string Normalize(string name) =>
        name.StartsWith(OlderWord, StringComparison.Ordinal)
        && name.Contains(':', StringComparison.Ordinal)
            ? OurWord + name[OlderWord.Length..]
            : name;

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
