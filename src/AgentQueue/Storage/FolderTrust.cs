using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>
/// Keeps everything that agentq reads, runs, writes and removes inside a queue folder that is the user's
/// own. <c>.agents</c> itself may be a link, for those who want their queue on another disk; the folders in
/// it may not, because a link there leads names that agentq makes up into a folder it knows nothing of.
/// </summary>
internal sealed class FolderTrust(string projectRoot, string queueFolder)
{
    private bool _queueIsTrusted;

    /// <summary>Asked before a folder of the queue is used for the first time.</summary>
    /// <exception cref="QueueException">It is not to be used.</exception>
    public void Require(string part)
    {
        if (!_queueIsTrusted)
        {
            _queueIsTrusted = DoubtOfQueue() is { } doubt ? throw doubt : true;
        }

        if (DoubtOfPart(part) is { } problem)
        {
            throw problem;
        }
    }

    /// <summary>What is wrong with the folders as they stand now; null if nothing is.</summary>
    public QueueException? Doubt(IEnumerable<string> parts) =>
        DoubtOfQueue()
        ?? parts.Select(DoubtOfPart).FirstOrDefault(static doubt => doubt is not null);

    // A queue that we made ourselves is ours, whoever owns the folder that it stands in; so that is looked
    // at only as long as there is none.
    private QueueException? DoubtOfQueue() =>
        OperatingSystem.IsWindows() ? null
        : FileStat.Of(queueFolder) is { } queue ? DoubtOf(queueFolder, queue)
        : FileStat.Of(projectRoot) is { } root
            ? Ownership.Doubt(projectRoot, root, projectRoot, mayBeShared: true)
        : null;

    // A link's own mode says nothing, but its owner has chosen where it leads.
    private QueueException? DoubtOf(string folder, FileStat stat) =>
        !stat.IsLink ? Ownership.Doubt(folder, stat, projectRoot)
        : Libc.RealPath(folder) is { } target && FileStat.Of(target) is { } real
            ? Ownership.Doubt(folder, stat with { Mode = 0 }, projectRoot)
                ?? Ownership.Doubt(target, real, projectRoot)
        : null;

    private QueueException? DoubtOfPart(string part) =>
        OperatingSystem.IsWindows()
            ? (new DirectoryInfo(part).LinkTarget is null ? null : IsLink(part))
        : FileStat.Of(part) is not { } stat ? null
        : stat.IsLink ? IsLink(part)
        : Ownership.Doubt(part, stat, projectRoot);

    private static QueueException IsLink(string part) =>
        new(
            $"{part} is a link; agentq works only inside the queue folder",
            "Put a real folder in its place (a bind mount may lead to another disk)"
        );
}
