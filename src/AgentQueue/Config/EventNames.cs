namespace AgentQueue.Config;

/// <summary>What the names of events may be, and which of them agentq gives itself.</summary>
internal static class EventNames
{
    public const string QueueIdle = "queue_idle";
    public const string PlanFinished = "plan_finished:";
    public const string PlanFailed = "plan_failed:";

    private const string TaskPrefix = "task_";
    private const string CommandPrefix = "command_";

    /// <summary>The changes of a task that are events: <c>task_success:NAME</c>.</summary>
    public static readonly string[] OfTasks =
    [
        "started",
        "success",
        "failed",
        "cancelled",
        "finished",
    ];

    /// <summary>Why it cannot be the name of an event, as the end of a sentence; null if it can.</summary>
    public static string? Problem(string name) =>
        string.IsNullOrWhiteSpace(name) ? "must not be empty"
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
}
