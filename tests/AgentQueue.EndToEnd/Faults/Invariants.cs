using System.Text.Json;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>What must hold after any fault, seen from the agents' own journal and from the files.</summary>
internal static class Invariants
{
    private static readonly string[] s_verdicts = [".done", ".error", ".cancelled", ".timeout"];

    /// <summary>
    /// As <see cref="Journal.Around"/>, but an agent that is told to end notes that too: only one that is
    /// killed leaves no line.
    /// </summary>
    public static string Noting(this Journal journal, string what)
    {
        var (start, stop) = (Line("start"), Line("stop"));
        return $"trap '{stop}; exit 143' TERM; {start}; {what}; code=$?; {stop}; exit $code";

        string Line(string word) => $"echo {word} $AGENTQ_TASK_ID $$ >> \"{journal.Path}\"";
    }

    /// <summary>
    /// By the journal: no task was started twice (I1), and never more than <paramref name="limit"/> ran (I9).
    /// An agent that had to be killed has noted no end; as nobody knows when that was, it is not counted.
    /// </summary>
    public static void HoldInJournal(this Sandbox box, int limit)
    {
        box.Journal.ShowsNoSecondStart();
        var now = new HashSet<string>(StringComparer.Ordinal);
        var most = 0;
        var lines = box.Journal.Lines;
        var ended = lines
            .Where(static l => l.Word == "stop")
            .Select(static l => l.Task)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var (word, task) in lines.Where(l => ended.Contains(l.Task)))
        {
            if (word == "start")
            {
                now.Add(task);
            }
            else
            {
                now.Remove(task);
            }

            most = Math.Max(most, now.Count);
        }

        Assert.True(most <= limit, $"{most} agents ran at once, and {limit} may");
    }

    /// <summary>
    /// By the files: each parses (I4), each ended task has exactly the marker of its verdict (I2), a
    /// complete one really ran to its end, and a retry is linked both ways.
    /// </summary>
    /// <param name="noted">The agents write the journal.</param>
    /// <param name="beingCleaned">
    /// Of which clean, interrupted, may have taken the markers: the task's file goes last, so that it can
    /// be cleaned again.
    /// </param>
    public static void HoldInFiles(
        this Sandbox box,
        bool noted = true,
        IReadOnlyList<string>? beingCleaned = null
    )
    {
        var lines = box.Journal.Lines.ToHashSet();
        var tasks = box.Tasks.ToDictionary(static t => t.Id, StringComparer.Ordinal);
        foreach (var task in tasks.Values)
        {
            var markers = s_verdicts
                .Where(m => File.Exists(box.PathOf("tasks", task.Id, m)))
                .ToList();
            Assert.True(
                markers.SequenceEqual(task.IsFinished ? [MarkerOf(task)] : [])
                    || (beingCleaned?.Contains(task.Id) == true && markers.Count == 0),
                $"markers {string.Join(' ', markers)}: {task}"
            );
            if (task.ExitCode is { } code && beingCleaned?.Contains(task.Id) != true)
            {
                Assert.Equal(
                    $"{code}\n",
                    File.ReadAllText(box.PathOf("tasks", task.Id, ".exitcode"))
                );
            }

            if (noted && task.Status == "complete")
            {
                Assert.True(
                    lines.Contains(("start", task.Id))
                        // Its .done is all that is known of one that was killed after its supervisor.
                        && (task.ExitCode is null || lines.Contains(("stop", task.Id))),
                    $"complete, but it never ran: {task}"
                );
            }

            if (task.RetriedBy is { } retry && tasks.TryGetValue(retry, out var made))
            {
                Assert.Equal(task.RetryCount + 1, made.RetryCount);
            }
        }

        var retried = tasks.Values.Select(static t => t.RetriedBy).OfType<string>().ToList();
        Assert.Equal(retried.Count, retried.Distinct(StringComparer.Ordinal).Count());
    }

    /// <summary>Every verb that looks finds the same, and changes nothing any more (I5).</summary>
    public static void HoldStill(this Sandbox box)
    {
        box.Run("status").Gives(0);
        var picture = box.Picture();
        box.Run("status", "--all").Gives(0);
        Assert.Equal(picture, box.Picture());
    }

    /// <summary>Nothing that was started here lives any more (I7).</summary>
    public static void LeaveNothingRunning(this Sandbox box) =>
        Eventually.Holds(
            () => box.Mine.Count == 0,
            "nothing is left running: "
                + string.Join(", ", box.Mine.Select(static p => Processes.CommandLine(p)))
        );

    private static string MarkerOf(TaskFile task) =>
        task switch
        {
            { Status: "complete" } => ".done",
            { Status: "cancelled" } => ".cancelled",
            { Reason: "timeout" } => ".timeout",
            _ => ".error",
        };

    /// <summary>
    /// Parses every <c>.json</c> of a folder, over and over, while something else is done: none may be half
    /// (I4).
    /// </summary>
    public static void Reading(string folder, Action meanwhile)
    {
        using var over = new CancellationTokenSource();
        var reading = Task.Run(() => ReadUntil(folder, over.Token));
        try
        {
            meanwhile();
        }
        finally
        {
            over.Cancel();
        }

        Assert.True(reading.GetAwaiter().GetResult() > 0, "no file was read");
    }

    private static int ReadUntil(string folder, CancellationToken over)
    {
        var read = 0;
        while (!over.IsCancellationRequested)
        {
            foreach (var file in Directory.EnumerateFiles(folder, "task_*.json"))
            {
                try
                {
                    using var _ = JsonDocument.Parse(File.ReadAllBytes(file));
                    read++;
                }
                catch (FileNotFoundException)
                {
                    // Cleaned since it was listed.
                }
            }

            // The processes that write need the processors more.
            Thread.Sleep(10);
        }

        return read;
    }
}
