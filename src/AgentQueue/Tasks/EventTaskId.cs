namespace AgentQueue.Tasks;

/// <summary>
/// The ids of tasks that events start: <c>task_TOKEN-e-AGENT</c>. The same occurrence gives an agent the same id
/// however often it is worked through, so whoever is interrupted half-way cannot make a second task.
/// </summary>
internal static class EventTaskId
{
    private const string Mark = "-e-";

    public static bool Is(TaskId task) =>
        task.Value.AsSpan(TaskId.Prefix.Length) is { Length: > TaskId.TokenLength } token
        && token[TaskId.TokenLength..].StartsWith(Mark, StringComparison.Ordinal)
        && TaskId.IsToken(token[..TaskId.TokenLength]);

    /// <param name="occurrence">What tells this event from every other one.</param>
    /// <param name="at">When it happened: ids sort by it.</param>
    public static TaskId Of(string occurrence, DateTimeOffset at, string agent)
    {
        // FNV-1a: the same on every machine and in every version, and no library has to be loaded for it.
        var hash = 2166136261u;
        foreach (var c in $"{occurrence}\n{agent}")
        {
            hash = unchecked((hash ^ c) * 16777619u);
        }

        return With(TaskId.Salted(at, (int)(hash & int.MaxValue)), agent);
    }

    /// <summary>Another task of the agent, in the same scope: a retry.</summary>
    public static TaskId New(DateTimeOffset now, TaskId like) =>
        With(TaskId.New(now), like.Value[(TaskId.Prefix.Length + TaskId.TokenLength + 3)..]);

    private static TaskId With(TaskId id, string agent)
    {
        var head = id.Value + Mark;
        var slug = string.Concat(
            agent
                .Select(static c => char.IsAsciiLetterOrDigit(c) ? c : '-')
                .Take(TaskId.Longest - head.Length)
        );
        return TaskId.Parse(head + slug);
    }
}
