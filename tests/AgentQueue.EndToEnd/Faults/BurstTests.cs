using System.Globalization;
using System.Text;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Tasks that are not made by <c>start</c> but dropped into the folder, hundreds in a second and some half
/// written; schedulers that work side by side; back-offs whose time has passed unseen.
/// </summary>
public sealed class BurstTests
{
    private const int Files = 1_000;

    [Theory]
    [Trait("Fault", "F24")]
    [InlineData("daemon --max-concurrent 4 --interval 1")]
    [InlineData("run --drain --parallel 4")]
    public void A_thousand_files_in_a_second_are_each_run_once(string scheduler) =>
        Fault.Inject(
            "F24",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                box.Enqueue(box.Journal.Noting("true"));
                using var running = box.Begin(scheduler.Split(' '));
                var tasks = Path.Join(box.Queue, "tasks");
                var prompt = box.Journal.Noting("true");
                for (var i = 0; i < Files; i++)
                {
                    var id = string.Create(CultureInfo.InvariantCulture, $"task_2{i:00000}");
                    var text = System.Text.Json.JsonSerializer.Serialize(
                        new
                        {
                            taskId = id,
                            status = "pending",
                            agent = "shell",
                            prompt,
                        }
                    );
                    var file = Path.Join(tasks, id + ".json");
                    if (i % 10 == 0)
                    {
                        // Against the rules: under its own name at once, and in two halves.
                        using var stream = new FileStream(file, FileMode.CreateNew);
                        stream.Write(Encoding.UTF8.GetBytes(text[..(text.Length / 2)]));
                        stream.Flush();
                        stream.Write(Encoding.UTF8.GetBytes(text[(text.Length / 2)..]));
                    }
                    else
                    {
                        var draft = Path.Join(tasks, "." + id);
                        File.WriteAllText(draft, text);
                        File.Move(draft, file);
                    }
                }

                fault.Injected(Files / 10);
                if (scheduler.StartsWith("run", StringComparison.Ordinal))
                {
                    running.End().Gives(0);
                    // A drain ends when nothing is ready; what came after that waits for the next one.
                    // While four supervisors take their next tasks, there may be no turn for it.
                    Eventually.Holds(
                        () => box.Run("run", "--drain", "--parallel", "4").Gives(0, 1).Code == 0,
                        "the next drain begins",
                        seconds: 60
                    );
                }

                Eventually.Holds(
                    () =>
                        // Read as a whole only when it is nearly long enough: the tasks need the processors more.
                        new FileInfo(box.Journal.Path)
                            is { Exists: true, Length: > Files * 2 * 20 }
                        && box.Journal.Starts.Count() > Files
                        && box.Tasks.All(static t => t.IsFinished),
                    "all have run",
                    seconds: 120
                );
                if (!running.HasEnded)
                {
                    Processes.Signal(running.Pid, Processes.Term);
                    running.End().Gives(0);
                }

                Assert.Equal(Files + 1, box.Ids.Count);
                Assert.All(box.Tasks, static t => Assert.Equal("complete", t.Status));
                Settled(box, 4);
            }
        );

    [Fact]
    [Trait("Fault", "F24")]
    public void A_file_that_stays_half_is_told_of_and_left_until_it_is_whole() =>
        Fault.Inject(
            "F24",
            fault =>
            {
                using var box = new Sandbox();
                var other = box.Enqueue("true");
                var file = box.TaskPath("task_half");
                var text =
                    """{"taskId": "task_half", "status": "pending", "agent": "shell", "prompt": "true"}""";
                for (var length = 0; length < text.Length; length += 4)
                {
                    File.WriteAllText(file, text[..length]);
                    var looked = box.Run("status");
                    fault.Injected();
                    Assert.Equal(0, looked.Code);
                    Assert.Contains("task_half", looked.Err, StringComparison.Ordinal);
                    Assert.Equal(text[..length], File.ReadAllText(file));
                }

                box.Run("run", "--drain", "--wait").Gives(0);
                Assert.Equal("complete", box.Task(other).Status);
                File.WriteAllText(file, text);
                box.Run("run", "--drain", "--wait").Gives(0);
                Assert.Equal("complete", box.Task("task_half").Status);
            }
        );

    [Fact]
    [Trait("Fault", "F24")]
    public void Of_two_daemons_one_is_refused_and_its_successor_goes_on() =>
        Fault.Inject(
            "F24",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                for (var round = 0; round < 10; round++)
                {
                    using var first = Daemon(box);
                    var ids = ParallelRunTests.Batch(box, 10, box.Journal.Noting("sleep 0.02"));
                    var second = box.Run("daemon").Gives(1);
                    Assert.Contains(
                        "works on this queue already",
                        second.Err,
                        StringComparison.Ordinal
                    );
                    using var drain = box.Begin("run", "--drain", "--parallel", "3");
                    drain.End().Gives(0);
                    fault.Injected(2);

                    // In the middle of its work, and without a word.
                    Eventually.Holds(
                        () => ids.Any(id => box.Journal.StartsOf(id) > 0),
                        "the first task runs"
                    );
                    box.KillAtOnce(first.Pid);
                    using var successor = Daemon(box);
                    Eventually.Holds(
                        () => ids.All(id => box.Task(id).Status == "complete"),
                        "the successor has gone on",
                        seconds: 60
                    );
                    Processes.Signal(successor.Pid, Processes.Term);
                    successor.End().Gives(0);
                }

                Settled(box, 3);
            }
        );

    [Fact]
    [Trait("Fault", "F24")]
    public void A_back_off_that_ended_while_nobody_looked_makes_one_retry() =>
        Fault.Inject(
            "F24",
            fault =>
            {
                const int Failed = 100;
                using var box = new Sandbox();
                box.Settings("\"fsync\": false, \"maxRetries\": 1, \"autoRetry\": true");
                var ids = ParallelRunTests.Batch(box, Failed, box.Journal.Noting("false"));
                box.Run(["run", .. ids]).Gives(0);
                Eventually.Holds(
                    () => ids.All(id => box.Task(id).IsFinished),
                    "all have failed",
                    seconds: 60
                );
                // Hours ago: many times of the back-off.
                box.Sh(
                    "sed -i 's/\"completedAt\": \"20../\"completedAt\": \"200/' .agents/tasks/*.json"
                );

                using var daemon = box.Begin("daemon", "--max-concurrent", "8");
                var looks = Enumerable.Range(0, 8).Select(_ => box.Begin("status")).ToList();
                using var drain = box.Begin("run", "--drain", "--parallel", "8");
                foreach (var look in looks)
                {
                    using (look)
                    {
                        look.End().Gives(0);
                    }
                }

                drain.End().Gives(0);
                Eventually.Holds(
                    () =>
                        ids.All(id =>
                            box.Task(id).RetriedBy is { } retry
                            && File.Exists(box.TaskPath(retry))
                            && box.Task(retry).IsFinished
                        ),
                    "each was retried",
                    seconds: 90
                );
                Processes.Signal(daemon.Pid, Processes.Term);
                daemon.End().Gives(0);

                fault.Injected(Failed);
                Assert.Equal(2 * Failed, box.Ids.Count);
                Assert.Equal(
                    ids.Order(StringComparer.Ordinal),
                    box.Tasks.Select(static t => t.Parent)
                        .OfType<string>()
                        .Order(StringComparer.Ordinal)
                );
                Settled(box, Failed);
            }
        );

    // The locks of one that was killed are free when the last of its threads has ended, which is a moment after it
    // counts as dead: a successor may be refused until then.
    private static Running Daemon(Sandbox box)
    {
        var owner = Path.Join(box.Queue, "run", "daemon");
        var daemon = Begin();
        Eventually.Holds(
            () =>
            {
                if (daemon.HasEnded)
                {
                    daemon.Dispose();
                    daemon = Begin();
                }

                return File.Exists(owner)
                    && File.ReadAllText(owner).Trim()
                        == daemon.Pid.ToString(CultureInfo.InvariantCulture);
            },
            "the daemon works"
        );
        return daemon;

        Running Begin() => box.Begin("daemon", "--max-concurrent", "3", "--interval", "1");
    }

    private static void Settled(Sandbox box, int limit)
    {
        box.HoldInJournal(limit);
        box.HoldInFiles();
        Eventually.Holds(() => box.Supervisors.Count == 0, "the drain has ended");
        box.HoldStill();
        box.LeaveNothingRunning();
    }
}
