using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>What <c>plan document</c> asks for.</summary>
/// <param name="Documents">Absolute.</param>
/// <param name="Readme">Absolute; null for the one in the run's working folder.</param>
/// <param name="Within">The task that asks, if one of the run does: it is not over, and not documented.</param>
internal sealed record DocumentRequest(
    string Name,
    string? Title,
    ImmutableArray<string> Documents,
    string? Readme,
    TaskId? Within
);

/// <param name="Path">The document, absolute.</param>
/// <param name="Status"><c>done</c>, or what is wrong.</param>
internal sealed record DocumentResult(string Path, string Readme, bool IsDone, string Status);

/// <summary>
/// A run as a document for people, <c>docs/tasks/NAME.md</c> in its working folder, and a section of the README
/// that leads to it. It says "done" only if everything is.
/// </summary>
/// <param name="hashOf">The SHA-256 of a file.</param>
internal sealed class TaskDocument(QueueFolder queue, Func<string, string> hashOf)
{
    private const string Done = "done";
    private const int MostOutputs = 1000;
    private const int MostNamed = 5;
    private const int LongestCommand = 200;
    private const int LongestReadme = 16 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Writes both, or refuses before it has written either.</summary>
    /// <exception cref="QueueException">The README's markers do not belong together, or the disk refused.</exception>
    public DocumentResult Write(RunView view, DocumentRequest request, DateTimeOffset now)
    {
        var folder = view.Record.WorkingFolder;
        if (!Directory.Exists(folder))
        {
            throw new QueueException($"The working folder of {view.Record.Id}, {folder}, is gone");
        }

        var own = OwnNode(view, request.Within);
        var nodes = view.Nodes.Where(n => n != own).ToList();
        var status = StatusOf(nodes, request.Documents, folder);
        var path = Path.Join(folder, "docs", "tasks", request.Name + ".md");
        var document = Text(view.Record, nodes, request, status, now);

        // Two runs may end at the same moment, and share a README.
        using var held =
            queue.LockRun("documents.lock", s_patience)
            ?? throw new QueueException(
                "Another agentq has kept the documents locked for too long"
            );
        var readme = request.Readme ?? ReadmeIn(folder);
        var before = Read(readme);
        var after = ReadmeSection.Write(
            before,
            request.Name,
            Section(view.Record, request, status, Link(readme, path)),
            readme
        );
        queue.Disk.CreateFolder(Path.GetDirectoryName(path)!);
        Replace(path, Encoding.UTF8.GetBytes(document));
        if (!after.AsSpan().SequenceEqual(before))
        {
            Replace(readme, after);
        }

        return new DocumentResult(path, readme, status == Done, status);
    }

    // Only while it runs: whoever says to be a task that has failed must not hide that.
    private static NodeView? OwnNode(RunView view, TaskId? within) =>
        within is { } task && RunId.Of(task) == view.Record.Id
            ? view.Nodes.FirstOrDefault(n =>
                n.Last is { State: TaskState.Running } last && last.Id == task
            )
            : null;

    private string StatusOf(List<NodeView> nodes, ImmutableArray<string> documents, string folder)
    {
        var bad = nodes.Where(static n => n.State is NodeState.Failed or NodeState.Cancelled);
        var open = nodes.Where(static n => !n.IsOver);
        var missing = documents.Where(d => !IsFile(d));
        return bad.Any() ? $"failed: {Named(bad.Select(static n => n.Id))}"
            : open.Any()
                ? $"unfinished: {Named(open.Select(static n => $"{n.Id} is {RunView.WordOf(n.State)}"))}"
            : nodes.All(static n => n.State != NodeState.Complete)
                ? "unfinished: no other task of the run is complete"
            : missing.Any() ? $"failed: there is no {Named(missing.Select(d => Shown(d, folder)))}"
            : Done;
    }

    private static string Named(IEnumerable<string> names)
    {
        var all = names.ToList();
        return string.Join(", ", all.Take(MostNamed))
            + (
                all.Count > MostNamed
                    ? string.Create(
                        CultureInfo.InvariantCulture,
                        $" and {all.Count - MostNamed} more"
                    )
                    : ""
            );
    }

    private string Text(
        RunRecord record,
        List<NodeView> nodes,
        DocumentRequest request,
        string status,
        DateTimeOffset now
    )
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {Inline(request.Title ?? request.Name)}\n");
        text.Append("\n## Purpose\n\n")
            .Append(record.Goal is { } goal ? Inline(goal) : "The plan names none.")
            .Append('\n');
        AddCommands(text, nodes, now);
        AddOutputs(text, record.Id, nodes);
        AddDocuments(text, request.Documents, record.WorkingFolder);
        text.Append(
            CultureInfo.InvariantCulture,
            $"\n## Status\n\n{Inline(status)}\n\nBy {record.Id} of {Inline(record.Plan)}, {RunReport.Time(now)}.\n"
        );
        return text.ToString();
    }

    private void AddCommands(StringBuilder text, List<NodeView> nodes, DateTimeOffset now)
    {
        text.Append("\n## Commands run\n\n| Task | Command | State | Exit | Time |\n");
        text.Append("|---|---|---|--:|--:|\n");
        foreach (var node in nodes)
        {
            var ran = node.Attempts.Where(static t => NodeView.StartOf(t) is not null).ToList();
            foreach (var attempt in ran)
            {
                var state = attempt == node.Last ? RunView.WordOf(node.State) : "failed, retried";
                AddRow(text, node.Id, CommandOf(attempt), state, attempt, now);
            }

            if (ran.Count == 0)
            {
                AddRow(text, node.Id, "not run", RunView.WordOf(node.State), null, now);
            }
        }
    }

    private static void AddRow(
        StringBuilder text,
        string id,
        string command,
        string state,
        AgentTask? attempt,
        DateTimeOffset now
    )
    {
        var ended = attempt?.State as TaskState.Finished;
        var took =
            attempt is not null && NodeView.StartOf(attempt) is { } from
                ? Length((ended?.CompletedAt ?? now) - from)
                : "";
        text.Append(
            CultureInfo.InvariantCulture,
            $"| {Inline(id)} | {Inline(command)} | {state} | {ended?.ExitCode} | {took} |\n"
        );
    }

    private static string Length(TimeSpan took) =>
        took < TimeSpan.FromMinutes(1)
            ? string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds:0.0}s")
            : Duration.Format(took);

    private string CommandOf(AgentTask task)
    {
        var filled = StepTexts.Fill(queue, task);
        var line = filled.Step is { Command.IsEmpty: false } step
            ? ShellWords.Join(step.Command)
            : $"{filled.Agent}: {filled.Prompt}";
        line = line.Trim().Split('\n', 2)[0];
        return line.Length > LongestCommand ? $"{line[..LongestCommand]}…" : line;
    }

    private void AddOutputs(StringBuilder text, RunId run, List<NodeView> nodes)
    {
        text.Append("\n## Outputs\n\n");
        var count = 0;
        foreach (var node in nodes)
        {
            var folder = StepTexts.ArtifactsOf(queue, run, node.Id);
            foreach (var file in RunReport.FilesBelow(folder))
            {
                if (count++ == 0)
                {
                    text.Append("| Task | File | Bytes | SHA-256 |\n|---|---|--:|---|\n");
                }

                if (count <= MostOutputs)
                {
                    var name = Path.GetRelativePath(folder, file).Replace('\\', '/');
                    var (size, hash) = FactsOf(file);
                    text.Append(
                        CultureInfo.InvariantCulture,
                        $"| {Inline(node.Id)} | {Inline(name)} | {size} | {hash} |\n"
                    );
                }
            }
        }

        text.Append(
            count == 0 ? "None was kept.\n"
            : count > MostOutputs
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"\n… and {count - MostOutputs} more\n"
                )
            : ""
        );
    }

    private void AddDocuments(StringBuilder text, ImmutableArray<string> documents, string folder)
    {
        text.Append("\n## Documents\n\n");
        foreach (var document in documents)
        {
            var shown = Inline(Shown(document, folder));
            if (IsFile(document))
            {
                var (size, hash) = FactsOf(document);
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"- {shown} ({size} bytes, SHA-256 {hash})\n"
                );
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"- {shown}: missing\n");
            }
        }

        if (documents.IsEmpty)
        {
            text.Append("None was named.\n");
        }
    }

    // A fifo would be waited for.
    private bool IsFile(string path) =>
        File.Exists(path)
        && queue.Disk.Facts(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path)
            is { IsRegular: true };

    private (string Size, string Hash) FactsOf(string file)
    {
        try
        {
            return (new FileInfo(file).Length.ToString(CultureInfo.InvariantCulture), hashOf(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The document is about the whole run: one file that nobody can read is said to be one.
            return ("?", "cannot be read");
        }
    }

    private static string Section(
        RunRecord record,
        DocumentRequest request,
        string status,
        string link
    ) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"## {Inline(request.Title ?? request.Name)}\n\n{(record.Goal is { } goal ? Inline(goal) + "\n\n" : "")}Status: {Inline(status)} ([{Inline(request.Name)}.md]({link}))\n"
        );

    private static string Inline(string text) => RunReport.Inline(text.Trim());

    private static string Shown(string path, string folder) =>
        Path.GetRelativePath(folder, path).Replace('\\', '/');

    private static string Link(string readme, string document) =>
        string.Join(
            '/',
            Path.GetRelativePath(Path.GetDirectoryName(readme)!, document)
                .Split(Path.DirectorySeparatorChar)
                .Select(Uri.EscapeDataString)
        );

    // However it is spelled: a second one beside it would be a surprise.
    private string ReadmeIn(string folder)
    {
        const string Usual = "README.md";
        var names = queue
            .Disk.List(folder)
            .Where(static n => n.Equals(Usual, StringComparison.OrdinalIgnoreCase))
            .ToList();
        return Path.Join(folder, names.Contains(Usual) || names.Count == 0 ? Usual : names.Min());
    }

    private byte[] Read(string readme)
    {
        var read = queue.Disk.Read(readme, LongestReadme);
        return read.Status switch
        {
            ReadStatus.Ok => read.Content,
            ReadStatus.Missing => [],
            _ => throw new QueueException(
                $"Cannot read {readme}: {read.Problem ?? "it is a link or no file, or larger than 16 MiB"}",
                "Name the file itself: --readme FILE"
            ),
        };
    }

    // A new file is its owner's alone, and people's files keep the permissions that they have.
    private void Replace(string path, byte[] content)
    {
        UnixFileMode? mode =
            !OperatingSystem.IsWindows() && File.Exists(path) ? File.GetUnixFileMode(path) : null;
        queue.Durable.Replace(path, content);
        if (!OperatingSystem.IsWindows() && mode is { } kept)
        {
            File.SetUnixFileMode(path, kept);
        }
    }
}
