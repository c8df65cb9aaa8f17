using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>How often a task makes the disk sync while it is drained, by what is synced.</summary>
internal sealed record SyncsPerTask(double Files, double Folders, double FileSystems)
{
    private const int Tasks = 100;

    /// <summary>What a task needs at least: taken where strace cannot count.</summary>
    public static SyncsPerTask Usual { get; } = new(4, 2, 0);

    public double All => Files + Folders + FileSystems;

    /// <summary>Drains some tasks under strace, which follows the supervisors, and counts.</summary>
    public static SyncsPerTask Count(Workbench bench)
    {
        var strace = Programs.Need("strace", "strace");
        using var queue = bench.NewQueue();
        queue.StartBatch("true", Tasks);
        var trace = Path.Join(queue.Folder, "trace");
        queue.Under(
            strace,
            [
                .. (string[])["-f", "-y", "-qq", "-o", trace],
                .. (string[])["-e", "trace=fsync,fdatasync,syncfs", "-e", "signal=none"],
                bench.Agentq,
                .. queue.Command("run", "--drain", "--parallel", "2"),
            ]
        );
        queue.AwaitExitCodes(Tasks, TimeSpan.FromMinutes(1));
        return Read(File.ReadLines(trace));
    }

    /// <summary>Counts the calls in a trace; a call that was interrupted has a second line, <c>resumed</c>.</summary>
    public static SyncsPerTask Read(IEnumerable<string> trace, int tasks = Tasks)
    {
        int files = 0,
            folders = 0,
            fileSystems = 0;
        foreach (var line in trace)
        {
            if (line.Contains("syncfs(", StringComparison.Ordinal))
            {
                fileSystems++;
            }
            else if (
                line.Contains("fsync(", StringComparison.Ordinal)
                || line.Contains("fdatasync(", StringComparison.Ordinal)
            )
            {
                var path = line[(line.IndexOf('<') + 1)..line.IndexOf('>')];
                // Files are synced under their temporary names, which begin with a dot or have an extension.
                if (Path.GetFileName(path) is var name && name.LastIndexOf('.') > 0)
                {
                    files++;
                }
                else
                {
                    folders++;
                }
            }
        }

        return new((double)files / tasks, (double)folders / tasks, (double)fileSystems / tasks);
    }

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Files:0.##} of files, {Folders:0.##} of folders"
        )
        + (
            FileSystems > 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $", {FileSystems:0.##} of the file system"
                )
                : ""
        );
}
