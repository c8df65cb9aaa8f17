using AgentQueue.Storage;
using AgentQueue.Tasks;

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

    /// <summary>True if it was asked for, by a file or by a <see cref="LockWord"/>.</summary>
    public static bool Has(QueueFolder queue, TaskId id, string request) =>
        queue.Disk.Facts(queue.RequestFile(id, request)) is not null
        || (WordOf(request) is { } word && (queue.HeardOf(id) & word) != 0);

    /// <summary>
    /// Asks a running task to end. Where there is no room for the file, the lock's time says it.
    /// </summary>
    public static void AskToEnd(QueueFolder queue, TaskId id, string request)
    {
        try
        {
            queue.Request(id, request);
        }
        catch (QueueException e) when (e.IsNoRoom && WordOf(request) is not null)
        {
            queue.Say(id, WordOf(request)!.Value);
        }
    }

    private static LockWord? WordOf(string request) =>
        request switch
        {
            Cancel => LockWord.Cancel,
            Expire => LockWord.Expire,
            Stalled => LockWord.Stalled,
            _ => null,
        };

    /// <summary>Left by the supervisor itself before it ends a stalled agent, so that its own death in
    /// between does not lose the reason.</summary>
    public const string Stalled = "stalled";
}
