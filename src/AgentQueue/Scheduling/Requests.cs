namespace AgentQueue.Scheduling;

/// <summary>
/// What verbs ask of a running task's supervisor, as files <c>run/&lt;id&gt;.&lt;request&gt;</c>. A request is
/// not an outcome: the supervisor alone writes the verdict.
/// </summary>
internal static class Requests
{
    public const string Cancel = "cancel";
    public const string Expire = "expire";

    /// <summary>Followed by something unique; the content is a number of seconds.</summary>
    public const string ExtendPrefix = "extend-";

    /// <summary>Left by the supervisor itself before it ends a stalled agent, so that its own death in
    /// between does not lose the reason.</summary>
    public const string Stalled = "stalled";
}
