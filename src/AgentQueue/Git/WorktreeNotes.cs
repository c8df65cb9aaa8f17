using System.Buffers;
using System.Text.Json;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Git;

/// <summary>A worktree that was made for a task, so that it is found again when the task is gone.</summary>
/// <param name="Repository">The work tree that it was made from, absolute.</param>
/// <param name="Path">Its folder, absolute.</param>
/// <param name="Branch">The one that was made for it, or asked for.</param>
/// <param name="Commit">What it began from.</param>
internal sealed record WorktreeNote(
    TaskId Task,
    string Repository,
    string Path,
    string Branch,
    string Commit
)
{
    public Worktree ToWorktree() =>
        new()
        {
            Branch = Branch,
            Commit = Commit,
            Path = Path,
        };
}

/// <summary>
/// The notes on worktrees, one small file each in <c>.agents/worktrees/</c>. A note is there before its
/// worktree and goes after it, so that one whose maker or remover died is still known.
/// </summary>
internal sealed class WorktreeNotes(QueueFolder queue)
{
    public const string FolderName = "worktrees";

    private const int LongestNote = 64 << 10;
    private const string Extension = ".json";

    /// <summary>Where the notes are, and worktrees if no other place is configured.</summary>
    public string Folder => Path.Join(queue.Folder, FolderName);

    public IReadOnlyList<WorktreeNote> All() =>
        queue.Disk.Facts(Folder) is not { IsFolder: true }
            ? []
            :
            [
                .. queue
                    .Disk.List(Folder)
                    .Where(static n => n.EndsWith(Extension, StringComparison.Ordinal))
                    .Select(static n => n[..^Extension.Length])
                    .Where(static n => TaskId.TryParse(n, out _))
                    .Order(StringComparer.Ordinal)
                    .Select(n => Find(TaskId.Parse(n)))
                    .OfType<WorktreeNote>(),
            ];

    /// <summary>Null if there is none that can be read.</summary>
    public WorktreeNote? Find(TaskId task)
    {
        var read = queue.Disk.Read(PathOf(task), LongestNote);
        if (read.Status != ReadStatus.Ok)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(read.Content);
            return
                document.RootElement is { ValueKind: JsonValueKind.Object } root
                && Text(root, "repository") is { } repository
                && Text(root, "path") is { } path
                && Text(root, "branch") is { } branch
                && Text(root, "commit") is { } commit
                ? new WorktreeNote(task, repository, path, branch, commit)
                : null;
        }
        catch (JsonException)
        {
            // Not ours, or damaged: git still lists the worktree.
            return null;
        }
    }

    public void Write(WorktreeNote note)
    {
        MakeFolder();
        var buffer = new ArrayBufferWriter<byte>();
        using (var w = new Utf8JsonWriter(buffer))
        {
            w.WriteStartObject();
            w.WriteString("task"u8, note.Task.Value);
            w.WriteString("repository"u8, note.Repository);
            w.WriteString("path"u8, note.Path);
            w.WriteString("branch"u8, note.Branch);
            w.WriteString("commit"u8, note.Commit);
            w.WriteEndObject();
        }

        queue.Durable.Replace(PathOf(note.Task), buffer.WrittenSpan.ToArray());
    }

    public void Remove(TaskId task) => queue.Disk.Delete(PathOf(task));

    /// <exception cref="QueueException">Somebody has put a link in its place.</exception>
    private void MakeFolder()
    {
        if (queue.Disk.Facts(Folder) is { IsFolder: false })
        {
            throw new QueueException(
                $"{Folder} is no folder",
                "Worktrees are noted there; move away what stands in its place"
            );
        }

        queue.Disk.CreateFolder(Folder);
        Hide(Folder);
    }

    /// <summary>Keeps git from seeing a folder of ours, whatever the ignore files above it say.</summary>
    public void Hide(string folder)
    {
        var ignore = Path.Join(folder, ".gitignore");
        if (queue.Disk.Facts(ignore) is null)
        {
            queue.Durable.TryCreate(ignore, "*\n"u8);
        }
    }

    private string PathOf(TaskId task) => Path.Join(Folder, task.Value + Extension);

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
