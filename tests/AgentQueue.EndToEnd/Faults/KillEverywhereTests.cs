using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// <c>kill -9</c> at every file-system call that touches the queue, of each verb, and of the supervisors
/// and agents that it starts: nothing that was accepted is lost, nothing is started twice, no file is half,
/// and the next verbs settle what is left.
/// </summary>
/// <remarks>
/// strace counts the calls by name and thread, so a first run is traced for its pairs of call and number,
/// and each pair is then one more run, killed there. <c>./build.sh faults --long</c> takes every pair;
/// otherwise a long list is thinned out evenly, always in the same way.
/// </remarks>
public sealed class KillEverywhereTests(ITestOutputHelper output)
{
    private const int MostForOneVerb = 24;

    private const string Calls =
        "%file,write,pwrite64,writev,fsync,fdatasync,flock,ftruncate,fchmod,getdents64";

    // Relative to the queue, which is copied: an absolute path would lead into the folder it came from.
    private const string Noted =
        "echo start $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal; true; echo stop $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal";

    /// <summary>A verb, and what it is given to work on.</summary>
    /// <param name="Prepare">Makes a queue that can be copied: nothing in it runs.</param>
    /// <param name="Begin">What cannot be copied: starts something in the copy.</param>
    /// <param name="Promise">What holds if the verb gave 0.</param>
    /// <param name="Leaves">May the task be gone afterwards? By default nothing may.</param>
    private sealed record Flow(
        string Command,
        Action<Sandbox>? Prepare = null,
        Action<Sandbox>? Begin = null,
        Action<Sandbox>? Promise = null,
        Func<Sandbox, string, bool>? Leaves = null
    );

    private static readonly Dictionary<string, Flow> s_flows = new(StringComparer.Ordinal)
    {
        ["start"] = new(
            $"start shell '{Noted}' --quiet",
            Promise: static b => Assert.Single(b.Ids)
        ),
        ["start in a queue that exists"] = new(
            $"start shell '{Noted}' --quiet",
            static b => b.Enqueue(Noted),
            Promise: static b => Assert.Equal(2, b.Ids.Count)
        ),
        ["start after another"] = new(
            $"start shell '{Noted}' --quiet --depends-on $ID",
            static b => b.Enqueue(Noted),
            Promise: static b => Assert.Equal(2, b.Ids.Count)
        ),
        ["start --batch"] = new(
            "start --batch batch.jsonl",
            static b =>
            {
                var line = JsonSerializer.Serialize(new { agent = "shell", prompt = Noted });
                b.Write("batch.jsonl", $"{line}\n{line}\n{line}\n");
            },
            Promise: static b => Assert.Equal(3, b.Ids.Count)
        ),
        ["start --run"] = new(
            $"start shell '{Noted}' --quiet --run",
            Promise: static b => Assert.Single(b.Ids)
        ),
        ["run"] = new(
            "run --parallel 2",
            static b =>
            {
                b.Enqueue(Noted);
                b.Enqueue(Noted);
            }
        ),
        ["run --drain"] = new(
            "run --drain --parallel 1",
            static b =>
            {
                var first = b.Enqueue(Noted);
                b.Enqueue(Noted, "--depends-on", first);
            }
        ),
        ["cancel a pending task"] = new(
            "cancel $ID",
            static b => b.Enqueue(Noted),
            Promise: static b => Assert.Equal("cancelled", b.Tasks[0].Status)
        ),
        ["cancel a running task"] = new(
            "cancel $ID",
            Begin: static b => b.RunInBackground(Sleeping),
            Promise: static b => Assert.Equal("cancelled", b.Tasks[0].Status)
        ),
        ["retry"] = new(
            "retry $ID",
            static b => Failed(b),
            Promise: static b => Assert.Equal(2, b.Ids.Count)
        ),
        ["status with a retry due"] = new(
            "status",
            static b =>
            {
                var id = Failed(b, "--auto-retry", "--max-retries", "1");
                b.Sh(
                    $"sed -i 's/\"completedAt\": \"20../\"completedAt\": \"200/' .agents/tasks/{id}.json"
                );
            },
            Promise: static b => Assert.Equal(2, b.Ids.Count)
        ),
        ["status after a supervisor was killed"] = new(
            "status",
            static b =>
            {
                var id = b.RunInBackground(Sleeping);
                Eventually.Holds(() => File.Exists(b.PathOf("run", id, ".run")), "it is recorded");
                b.KillAtOnce(b.SupervisorOf(id));
                foreach (var pid in b.ProcessesOf(id))
                {
                    b.KillAtOnce(pid);
                }
            },
            Promise: static b => Assert.Equal("failed", b.Tasks[0].Status)
        ),
        ["clean"] = new(
            "clean all -y",
            static b =>
            {
                Failed(b);
                b.Enqueue(Noted);
            },
            Promise: static b => Assert.Single(b.Ids),
            Leaves: static (b, id) => b.Ids.Count == 0 || b.Ids[^1] != id
        ),
        ["archive"] = new(
            "archive --older-than 1s",
            static b =>
            {
                var id = Failed(b);
                b.Sh(
                    $"sed -i 's/\"completedAt\": \"20../\"completedAt\": \"200/' .agents/tasks/{id}.json"
                );
                b.Enqueue(Noted);
            },
            Leaves: static (b, id) => File.Exists(b.PathOf("archive", id, ".json"))
        ),
        ["timeout extend of a running task"] = new(
            "timeout extend $ID 1000",
            Begin: static b => b.RunInBackground(Sleeping, "--timeout", "1000"),
            Promise: static b => Assert.Equal(2000, b.Tasks[0].Number("timeout"))
        ),
        ["timeout extend of a pending task"] = new(
            "timeout extend $ID 1000",
            static b => b.Enqueue(Noted, "--timeout", "1000"),
            Promise: static b => Assert.Equal(2000, b.Tasks[0].Number("timeout"))
        ),
        ["timeout"] = new(
            "timeout $ID",
            Begin: static b => b.RunInBackground(Sleeping),
            Promise: static b => Assert.Equal("timeout", b.Tasks[0].Reason)
        ),
        ["hold"] = new("hold $ID", static b => b.Enqueue(Noted)),
        ["release"] = new("release $ID", static b => b.Enqueue(Noted, "--hold")),
        ["deps add"] = new(
            "deps add $ID $FIRST",
            static b =>
            {
                b.Enqueue(Noted);
                b.Enqueue(Noted);
            },
            Promise: static b => Assert.Single(b.Tasks[1].Texts("dependsOn"))
        ),
    };

    private const string Sleeping =
        "echo start $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal; exec sleep 300";

    public static TheoryData<string> Verbs => [.. s_flows.Keys];

    [NeedsTheory(Machine.Strace)]
    [Trait("Fault", "F1")]
    [MemberData(nameof(Verbs))]
    public void Killed_at_every_call_it_loses_nothing(string verb) =>
        Fault.Inject("F1", fault => KillEverywhere(verb, fault));

    private void KillEverywhere(string verb, Fault fault)
    {
        var begun = Stopwatch.GetTimestamp();
        var flow = s_flows[verb];
        using var prepared = new Sandbox();
        flow.Prepare?.Invoke(prepared);
        Eventually.Holds(() => prepared.Mine.Count == 0, "what can be copied does not run");
        var points = Trace(flow, prepared);
        Assert.NotEmpty(points);
        var chosen = Thin(points);
        var killed = 0;

        Parallel.ForEach(
            chosen,
            new ParallelOptions { MaxDegreeOfParallelism = 2 },
            point =>
            {
                if (KillAt(flow, prepared, point))
                {
                    Interlocked.Increment(ref killed);
                    fault.Injected();
                }
            }
        );

        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{points.Count} calls on the queue, {chosen.Count} runs, {killed} of them killed, in {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s"
            )
        );
        Assert.True(killed > chosen.Count / 2, "strace has hardly ever killed anything");
    }

    private static bool KillAt(Flow flow, Sandbox prepared, (string Call, int Number) point)
    {
        using var box = Copy(flow, prepared);
        var before = box.Ids;
        var outcome = Strace(
            box,
            flow,
            Path.Join(box.Outside, "trace"),
            $"trace={point.Call}",
            $"inject={point.Call}:signal=KILL:when={point.Number.ToString(CultureInfo.InvariantCulture)}"
        );
        try
        {
            CheckAndSettle(box, flow, before, outcome);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"killed at {point.Call} no. {point.Number}: {e.Message}\n{outcome}\n"
                    + string.Join(
                        "\n",
                        Directory.EnumerateFiles(box.Queue, "*", SearchOption.AllDirectories)
                    ),
                e
            );
        }

        // The verb, or a supervisor or an agent that it had started.
        return File.ReadLines(Path.Join(box.Outside, "trace"))
            .Any(static l => l.EndsWith("+++ killed by SIGKILL +++", StringComparison.Ordinal));
    }

    private static void CheckAndSettle(
        Sandbox box,
        Flow flow,
        IReadOnlyList<string> before,
        Outcome outcome
    )
    {
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
                status.Lines.Contains(id) || flow.Leaves?.Invoke(box, id) == true,
                $"{id} is lost: {status}"
            );
        }

        if (outcome.Code == 0)
        {
            flow.Promise?.Invoke(box);
        }

        if (flow.Command.Contains("--batch", StringComparison.Ordinal))
        {
            Assert.Contains(box.Ids.Count, new[] { 0, 3 });
        }

        var sleeping = box.Tasks.Where(static t =>
            t is { Status: "running" } && t.Text("prompt") == Sleeping
        );
        foreach (var task in sleeping)
        {
            // Asked to end by the verb that was killed, it may do so by itself.
            box.Run("cancel", task.Id).Gives(0, 1);
        }

        box.Run(["release", .. box.Ids]);
        box.Run("run", "--drain", "--parallel", "3", "--wait").Gives(0, 3, 4);
        box.Run("status").Gives(0);
        CheckSettled(box);
    }

    private static void CheckSettled(Sandbox box)
    {
        var journal = box.Journal;
        journal.ShowsNoSecondStart();
        foreach (var task in box.Tasks)
        {
            // A dependant of what was killed stays, and says so.
            Assert.True(task.IsFinished || task.BlockedBy is not null, $"not settled: {task}");
            if (task.Status == "complete")
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

    /// <summary>Each call of the verb, and of what it starts, that touches the project folder.</summary>
    private static List<(string Call, int Number)> Trace(Flow flow, Sandbox prepared)
    {
        using var box = Copy(flow, prepared);
        var file = Path.Join(box.Outside, "trace");
        Strace(box, flow, file, $"trace={Calls}").Gives(0);
        var counts = new Dictionary<(string Thread, string Call), int>();
        var points = new HashSet<(string, int)>();
        foreach (var line in File.ReadLines(file))
        {
            var words = line.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries);
            var open = words.Length > 1 ? words[1].IndexOf('(', StringComparison.Ordinal) : -1;
            if (open <= 0 || words[1].StartsWith('<') || !char.IsAsciiLetterLower(words[1][0]))
            {
                // A signal, an exit, or the second half of a call that was counted already.
                continue;
            }

            var call = words[1][..open];
            var number = counts[(words[0], call)] = counts.GetValueOrDefault((words[0], call)) + 1;
            if (words[1].Contains(box.Folder, StringComparison.Ordinal) && call != "execve")
            {
                points.Add((call, number));
            }
        }

        return [.. points.Order()];
    }

    private static List<(string, int)> Thin(List<(string, int)> points)
    {
        var most = Fault.Count(MostForOneVerb, int.MaxValue);
        var step = (double)points.Count / Math.Min(points.Count, most);
        return
        [
            .. Enumerable
                .Range(0, Math.Min(points.Count, most))
                .Select(i => points[(int)(i * step)]),
        ];
    }

    private static Sandbox Copy(Flow flow, Sandbox prepared)
    {
        var box = new Sandbox();
        foreach (
            var path in Directory.EnumerateFileSystemEntries(
                prepared.Folder,
                "*",
                SearchOption.AllDirectories
            )
        )
        {
            var target = Path.Join(box.Folder, Path.GetRelativePath(prepared.Folder, path));
            if (Directory.Exists(path))
            {
                Directory.CreateDirectory(target);
            }
            else
            {
                File.Copy(path, target);
            }
        }

        if (File.Exists(prepared.Journal.Path))
        {
            File.Copy(prepared.Journal.Path, box.Journal.Path);
        }

        flow.Begin?.Invoke(box);
        return box;
    }

    private static Outcome Strace(Sandbox box, Flow flow, string file, params string[] filters)
    {
        var ids = box.Ids;
        var command = flow
            .Command.Replace("$ID", ids.Count > 0 ? ids[^1] : "", StringComparison.Ordinal)
            .Replace("$FIRST", ids.Count > 0 ? ids[0] : "", StringComparison.Ordinal);
        var words = string.Join(' ', filters.Select(static f => $"-e '{f}'"));
        return box.Sh($"exec strace -f -q -y -o {file} {words} agentq {command}");
    }

    private static string Failed(Sandbox box, params string[] options)
    {
        var id = box.Enqueue(
            "echo start $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal; exit 1",
            options
        );
        box.Run("run").Gives(0);
        box.Ended(id);
        return id;
    }
}
