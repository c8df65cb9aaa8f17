using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Keeping;

/// <summary>A task that was taken over.</summary>
/// <param name="From">Its id in the older tool.</param>
/// <param name="Changes">What is not as it was there, and why.</param>
internal sealed record ImportedTask(
    TaskId Id,
    string From,
    TaskStatus Status,
    bool Archived,
    IReadOnlyList<string> Changes
);

/// <summary>Something that was not taken over, and why.</summary>
internal sealed record ImportSkip(string What, string Why);

/// <summary>What <c>import</c> did, or with <c>--dry-run</c> would do.</summary>
internal sealed class ImportReport
{
    /// <summary>The folders that were read.</summary>
    public List<string> Folders { get; } = [];

    /// <summary>The files of commands and events that were read, as they were named.</summary>
    public List<string> Files { get; } = [];
    public List<ImportedTask> Tasks { get; } = [];

    /// <summary>Taken over by an earlier import.</summary>
    public int AlreadyThere { get; set; }
    public List<string> Agents { get; } = [];

    /// <summary>The names of the variables that were taken over.</summary>
    public List<string> Variables { get; } = [];
    public List<string> AgentChanges { get; } = [];
    public List<ImportSkip> Skipped { get; } = [];

    public void Skip(string what, string why) => Skipped.Add(new ImportSkip(what, why));
}
