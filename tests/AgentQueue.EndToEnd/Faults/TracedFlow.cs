using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>The n-th call of that name that a thread makes, which touches the project folder.</summary>
internal sealed record CallPoint(string Call, int Number)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Call} no. {Number}");
}

/// <summary>What came of one run with a fault injected.</summary>
/// <param name="Trace">What strace noted of the call that the fault was injected into.</param>
internal sealed record Struck(Outcome Outcome, IReadOnlyList<string> Trace)
{
    /// <summary>The thread that is the verb itself, unless another program called it.</summary>
    public string Verb => Trace.Count > 0 ? Trace[0].Split(' ')[0] : "";

    public bool WasKilled =>
        Trace.Any(static l => l.EndsWith("+++ killed by SIGKILL +++", StringComparison.Ordinal));

    /// <summary>True if an agent was struck while it noted its start or end.</summary>
    public bool IsJournalStruck =>
        Injected.Any(static l => l.Contains("outside/journal", StringComparison.Ordinal));

    public IEnumerable<string> Injected =>
        Trace.Where(static l => l.EndsWith("(INJECTED)", StringComparison.Ordinal));
}

/// <summary>
/// Runs a <see cref="Flow"/> under strace, each time in a fresh copy of what was prepared once. strace
/// counts calls by name and thread, so a first run is traced for its pairs of call and number; a fault is
/// then injected at such a pair.
/// </summary>
internal sealed partial class TracedFlow : IDisposable
{
    private const string Calls =
        "%file,write,pwrite64,writev,fsync,fdatasync,syncfs,flock,ftruncate,fchmod,getdents64";

    private readonly Flow _flow;
    private readonly Sandbox _prepared = new();

    public TracedFlow(Flow flow)
    {
        _flow = flow;
        flow.Prepare?.Invoke(_prepared);
        Eventually.Holds(() => _prepared.Mine.Count == 0, "what can be copied does not run");
    }

    /// <summary>Each call of the verb, and of what it starts, that touches the project folder.</summary>
    public List<CallPoint> Points() => PointsAfter("");

    /// <summary>Those of each thread that come after its first one with this text in it.</summary>
    public List<CallPoint> PointsAfter(string text)
    {
        using var box = Copy();
        Strike(box, $"trace={Calls}").Outcome.Gives(0);
        var counts = new Dictionary<(string Thread, string Call), int>();
        var points = new HashSet<CallPoint>();
        var begun = new HashSet<string>();
        foreach (var line in File.ReadLines(TraceOf(box)))
        {
            var match = Call().Match(line);
            if (!match.Success)
            {
                // A signal, an exit, or the second half of a call that was counted already.
                continue;
            }

            var (thread, call) = (match.Groups[1].Value, match.Groups[2].Value);
            var number = counts[(thread, call)] = counts.GetValueOrDefault((thread, call)) + 1;
            if (line.Contains(text, StringComparison.Ordinal))
            {
                begun.Add(thread);
            }

            if (
                begun.Contains(thread)
                && line.Contains(box.Folder, StringComparison.Ordinal)
                && call != "execve"
            )
            {
                points.Add(new CallPoint(call, number));
            }
        }

        Assert.NotEmpty(points);
        return
        [
            .. points
                .OrderBy(static p => p.Call, StringComparer.Ordinal)
                .ThenBy(static p => p.Number),
        ];
    }

    /// <summary>A copy of what was prepared, with what the flow needs running in it.</summary>
    public Sandbox Copy()
    {
        var box = new Sandbox();
        foreach (
            var path in Directory.EnumerateFileSystemEntries(
                _prepared.Folder,
                "*",
                SearchOption.AllDirectories
            )
        )
        {
            var target = Path.Join(box.Folder, Path.GetRelativePath(_prepared.Folder, path));
            if (Directory.Exists(path))
            {
                Directory.CreateDirectory(target);
            }
            else
            {
                File.Copy(path, target);
            }
        }

        if (File.Exists(_prepared.Journal.Path))
        {
            File.Copy(_prepared.Journal.Path, box.Journal.Path);
        }

        _flow.Begin?.Invoke(box);
        return box;
    }

    /// <summary>Runs the verb with the fault: <c>signal=KILL</c>, <c>error=EIO</c>.</summary>
    public Struck Strike(Sandbox box, CallPoint point, string fault) =>
        Strike(
            box,
            $"trace={point.Call},execve",
            string.Create(
                CultureInfo.InvariantCulture,
                $"inject={point.Call}:{fault}:when={point.Number}"
            )
        );

    private Struck Strike(Sandbox box, params string[] filters)
    {
        var ids = box.Ids;
        var archive = Path.Join(box.Queue, "archive");
        var archived = Directory.Exists(archive)
            ? Directory.EnumerateFiles(archive, "*.json").FirstOrDefault()
            : null;
        var command = _flow
            .Command.Replace("$ID", ids.Count > 0 ? ids[^1] : "", StringComparison.Ordinal)
            .Replace("$FIRST", ids.Count > 0 ? ids[0] : "", StringComparison.Ordinal)
            .Replace(
                "$ARCHIVED",
                Path.GetFileNameWithoutExtension(archived),
                StringComparison.Ordinal
            );
        var words = string.Join(' ', filters.Select(static f => $"-e '{f}'"));
        var outcome = box.Sh(
            $"exec strace -f -q -y -o {TraceOf(box)} {words} {_flow.Under} agentq {command}",
            90
        );
        return new Struck(outcome, File.ReadAllLines(TraceOf(box)));
    }

    private static string TraceOf(Sandbox box) => Path.Join(box.Outside, "trace");

    /// <summary>
    /// What must hold after any fault: what was accepted is there, every file is whole, the promise of a
    /// verb that gave 0 is kept, and the next verbs settle everything without starting anything twice.
    /// </summary>
    public void CheckAndSettle(Sandbox box, IReadOnlyList<string> before, Struck struck)
    {
        var outcome = struck.Outcome;
        if (!Directory.Exists(box.Queue))
        {
            Assert.Empty(before);
            return;
        }

        // Whole or not there, before anybody has mended anything.
        foreach (var task in box.Tasks)
        {
            Assert.NotEmpty(task.Status);
        }

        var accepted = before.Concat(
            outcome.Lines.Where(static l =>
                l.StartsWith("task_", StringComparison.Ordinal) && !l.Contains(' ')
            )
        );
        var status = box.Run("status", "--all", "--format", "ids").Gives(0);
        Assert.Empty(status.Err);
        foreach (var id in accepted)
        {
            Assert.True(
                status.Lines.Contains(id) || _flow.Leaves?.Invoke(box, id) == true,
                $"{id} is lost: {status}"
            );
        }

        if (outcome.Code == 0)
        {
            _flow.Promise?.Invoke(box);
        }

        if (_flow.Command.Contains("--batch", StringComparison.Ordinal))
        {
            Assert.Contains(box.Ids.Count, new[] { 0, 3 });
        }

        var sleeping = box.Tasks.Where(static t =>
            t is { Status: "running" } && t.Text("prompt") == Flows.Sleeping
        );
        foreach (var task in sleeping)
        {
            // Asked to end by the verb that was struck, it may do so by itself.
            box.Run("cancel", task.Id).Gives(0, 1);
        }

        if (box.Ids.Count > 0)
        {
            box.Run(["release", .. box.Ids]);
        }

        box.Run("run", "--drain", "--parallel", "3", "--wait").Gives(0, 3, 4);
        box.Run("status").Gives(0);
        CheckSettled(box, struck.IsJournalStruck);
    }

    private static void CheckSettled(Sandbox box, bool isJournalStruck)
    {
        var journal = box.Journal;
        journal.ShowsNoSecondStart();
        foreach (var task in box.Tasks)
        {
            // A dependant of what was killed stays, and says so.
            Assert.True(task.IsFinished || task.BlockedBy is not null, $"not settled: {task}");
            if (task.Status == "complete" && task.Text("prompt") != "true" && !isJournalStruck)
            {
                Assert.Equal(1, journal.StartsOf(task.Id));
                Assert.Contains(("stop", task.Id), journal.Lines);
            }

            if (task.RetriedBy is { } retry)
            {
                Assert.Contains(retry, box.Ids);
            }
        }

        var retries = box
            .Tasks.Where(static t => t.Parent is not null && t.RetryCount == 1)
            .ToList();
        Assert.Equal(retries.Count, retries.Select(static t => t.Parent).Distinct().Count());
        Eventually.Holds(() => box.Mine.Count == 0, "nothing is left running");
        var picture = box.Picture();
        box.Run("status").Gives(0);
        Assert.Equal(picture, box.Picture());
    }

    /// <summary>At most so many of them, from all parts of the list, always the same.</summary>
    public static List<T> Thin<T>(IReadOnlyList<T> points, int most)
    {
        var count = Math.Min(points.Count, most);
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => points[(int)((long)i * points.Count / count)]),
        ];
    }

    /// <summary>Does it for each in a copy of its own, two at a time; failures tell where and of what.</summary>
    public void ForEach<T>(IEnumerable<T> points, Action<Sandbox, T, IReadOnlyList<string>> strike)
    {
        var failures = new ConcurrentQueue<string>();
        Parallel.ForEach(
            points,
            new ParallelOptions { MaxDegreeOfParallelism = 2 },
            point =>
            {
                using var box = Copy();
                try
                {
                    strike(box, point, box.Ids);
                }
                catch (Exception e)
                {
                    failures.Enqueue(
                        $"{_flow.Command}, {point}: {e.Message}\n{string.Join('\n', FilesOf(box))}\n{LastOf(TraceOf(box))}"
                    );
                }
            }
        );
        Assert.True(failures.IsEmpty, $"{failures.Count} failed:\n{string.Join('\n', failures)}");
    }

    private static string LastOf(string file) =>
        File.Exists(file) ? string.Join('\n', File.ReadAllLines(file).TakeLast(20)) : "";

    private static IEnumerable<string> FilesOf(Sandbox box) =>
        Directory
            .EnumerateFiles(box.Folder, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(box.Folder, f));

    public void Dispose() => _prepared.Dispose();

    [GeneratedRegex(@"^(\d+)\s+([a-z][a-z0-9_]*)\(")]
    private static partial Regex Call();
}
