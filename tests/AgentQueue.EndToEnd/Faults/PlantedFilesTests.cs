using System.Security.Cryptography;
using System.Text;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Links, hard links, fifos and folders where agentq expects a file or folder of its own, and every verb
/// over them: nothing outside is changed, nothing hangs, nothing crashes, and the other tasks go on.
/// </summary>
public sealed class PlantedFilesTests
{
    /// <summary>Where a queue of one finished, one waiting and one bad task has the plant; $ID is the bad one.</summary>
    private static readonly (string What, string Script, bool StopsTheQueue)[] s_plants =
    [
        ("task file, link", "ln -sf $OUT/task.json $T/$ID.json", false),
        ("task file, link to nothing", "ln -sf $OUT/new.json $T/$ID.json", false),
        ("task file, hard link", "ln -f $OUT/task.json $T/$ID.json", false),
        ("task file, fifo", "rm $T/$ID.json; mkfifo $T/$ID.json", false),
        ("task file, folder", "rm $T/$ID.json; mkdir $T/$ID.json", false),
        (".done, link", "ln -s $OUT/precious $T/$ID.done", false),
        (".done, fifo", "mkfifo $T/$ID.done", false),
        (".done, folder", "mkdir $T/$ID.done", false),
        (".error, link", "ln -s $OUT/precious $T/$ID.error", false),
        (".error, fifo", "mkfifo $T/$ID.error", false),
        (".cancelled, link", "ln -s $OUT/new $T/$ID.cancelled", false),
        (".timeout, link", "ln -s $OUT/new $T/$ID.timeout", false),
        (".exitcode, link", "ln -s $OUT/precious $T/$ID.exitcode", false),
        ("log, link", "ln -s $OUT/precious .agents/logs/$ID.log", false),
        ("log, link to nothing", "ln -s $OUT/new .agents/logs/$ID.log", false),
        ("log, hard link", "ln $OUT/precious .agents/logs/$ID.log", false),
        ("log, fifo", "mkfifo .agents/logs/$ID.log", false),
        ("log, folder", "mkdir .agents/logs/$ID.log", false),
        ("plan, link", "ln -sf $OUT/precious .agents/plans/${ID}_plan.md", false),
        ("plan, fifo", "rm .agents/plans/${ID}_plan.md; mkfifo .agents/plans/${ID}_plan.md", false),
        ("lock, link", "ln -sf $OUT/precious .agents/run/$ID.lock", false),
        ("lock, folder", "rm -f .agents/run/$ID.lock; mkdir .agents/run/$ID.lock", false),
        ("alive, link", "ln -sf $OUT/precious .agents/run/$ID.alive", false),
        ("identity, link", "ln -sf $OUT/precious .agents/run/$ID.run", false),
        ("prompt, link", "ln -sf $OUT/precious .agents/run/$ID.prompt", false),
        ("request, fifo", "mkfifo .agents/run/$ID.cancel", false),
        ("alive, folder", "mkdir .agents/run/$ID.alive", false),
        ("identity, folder", "mkdir .agents/run/$ID.run", false),
        ("identity, fifo", "mkfifo .agents/run/$ID.run", false),
        ("prompt, folder", "mkdir -p .agents/run/$ID.prompt/sub", false),
        ("request, folder", "mkdir -p .agents/run/$ID.cancel/sub", false),
        ("extension, folder", "mkdir .agents/run/$ID.extend-1", false),
        (".exitcode, folder", "mkdir -p $T/$ID.exitcode/sub", false),
        (".error, folder", "mkdir $T/$ID.error", false),
        ("journal, folder", "mkdir $T/.batch-$ID", false),
        ("cache, folder", "rm -f .agents/run/finished; mkdir .agents/run/finished", false),
        ("cache, link", "ln -sf $OUT/precious .agents/run/finished", false),
        ("cache, hard link", "ln -f $OUT/precious .agents/run/finished", false),
        ("cache, fifo", "rm -f .agents/run/finished; mkfifo .agents/run/finished", false),
        ("journal, link", "ln -s $OUT/precious $T/.batch-$ID", false),
        ("journal, fifo", "mkfifo $T/.batch-$ID", false),
        (".gitignore, link", "ln -sf $OUT/precious .agents/.gitignore", false),
        ("queue's lock, link", "ln -sf $OUT/precious .agents/run/queue.lock", true),
        (
            "queue's lock, folder",
            "rm -f .agents/run/queue.lock; mkdir .agents/run/queue.lock",
            true
        ),
        ("settings, fifo", "mkfifo .agents/settings.json", true),
        ("settings, folder", "mkdir .agents/settings.json", true),
        ("configuration, fifo", "mkfifo agent-config.json", true),
        ("configuration, folder", "mkdir agent-config.json", true),
        ("tasks, link", "mv .agents/tasks $OUT/away; ln -s $OUT/away .agents/tasks", true),
        ("plans, link", "mv .agents/plans $OUT/away; ln -s $OUT/away .agents/plans", true),
        ("logs, link", "mv .agents/logs $OUT/away; ln -s $OUT/away .agents/logs", true),
        ("run, link", "rm -rf .agents/run; mkdir $OUT/away; ln -s $OUT/away .agents/run", true),
        ("archive, link", "mkdir $OUT/away; ln -s $OUT/away .agents/archive", true),
        ("workspace, link", "rm -r .agents/workspace; ln -s $OUT .agents/workspace", true),
    ];

    // In an order in which each still has something to do.
    private static readonly string[] s_verbs =
    [
        "status --all",
        "status --all --json",
        "show $ID",
        "logs $ID",
        "deps show $ID",
        "agents shell",
        "run --dry-run",
        "doctor",
        "hold $ID",
        "release $ID",
        "deps add $ID $DONE",
        "timeout extend $ID 60",
        "start shell true --depends-on $ID",
        "start shell true",
        "run $ID",
        "run --drain --parallel 2 --wait",
        "wait --timeout 2",
        "retry $ID",
        "timeout $ID",
        "cancel $ID",
        "cancel --all",
        "config set parallel 2",
        "init",
        "archive --older-than 1s -y",
        "archive list",
        "doctor --fix",
        "clean all -y",
    ];

    [Fact]
    [Trait("Fault", "S2")]
    public void Nothing_planted_leads_outside_or_stops_the_other_tasks() =>
        Fault.Inject(
            "S2",
            fault =>
                Parallel.ForEach(
                    s_plants,
                    new ParallelOptions { MaxDegreeOfParallelism = 3 },
                    plant =>
                    {
                        try
                        {
                            TryEveryVerb(plant.Script, plant.StopsTheQueue, fault);
                        }
                        catch (Exception e)
                        {
                            throw new InvalidOperationException($"{plant.What}: {e.Message}", e);
                        }
                    }
                )
        );

    private static void TryEveryVerb(string script, bool stopsTheQueue, Fault fault)
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        var done = box.Enqueue("true");
        box.Run("run", "--wait").Gives(0);
        box.AllHaveLeft();
        var bad = box.Enqueue("echo bad");
        var good = box.Enqueue("echo good > good");
        File.Delete(Path.Join(box.Queue, "settings.json"));
        File.WriteAllText(Path.Join(box.Outside, "precious"), "keep this\n");
        File.Copy(box.TaskPath(bad), Path.Join(box.Outside, "task.json"));
        var names = $"OUT={box.Outside} T=.agents/tasks ID={bad}; ";
        box.Sh(names + "set -e; " + script).Gives(0);
        var outside = Outside(box);

        foreach (var verb in s_verbs)
        {
            var line = verb.Replace("$ID", bad, StringComparison.Ordinal)
                .Replace("$DONE", done, StringComparison.Ordinal);
            var outcome = box.Run(line.Split(' ')).Gives(0, 1, 2, 3, 4, 5);
            fault.Injected();
            Assert.DoesNotContain("Exception", outcome.Err, StringComparison.Ordinal);
            Assert.True(outside == Outside(box), $"Something outside has changed: {outcome}");
            if (verb.StartsWith("wait", StringComparison.Ordinal) && !stopsTheQueue)
            {
                Assert.True(
                    File.Exists(Path.Join(box.Folder, "good")),
                    $"the good task was not run; {box.Task(good)}"
                );
            }

            if (verb.StartsWith("clean", StringComparison.Ordinal) && !stopsTheQueue)
            {
                Assert.False(File.Exists(box.TaskPath(good)), $"not cleaned: {good}; {outcome}");
                Assert.False(File.Exists(box.TaskPath(done)), $"not cleaned: {done}; {outcome}");
            }
        }

        Eventually.Holds(() => box.Mine.Count == 0, "nothing is left running");
        Assert.Equal(outside, Outside(box));
    }

    /// <summary>Every name outside of the project with its kind, size, time and content.</summary>
    private static string Outside(Sandbox box)
    {
        var text = new StringBuilder();
        foreach (
            var path in Directory
                .EnumerateFileSystemEntries(box.Outside, "*", SearchOption.AllDirectories)
                .Concat(Directory.EnumerateFileSystemEntries(box.Home))
                .Order(StringComparer.Ordinal)
        )
        {
            text.Append(path).Append(' ').Append(File.GetUnixFileMode(path)).Append(' ');
            text.Append(
                Directory.Exists(path)
                    ? "folder"
                    : Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))
            );
            text.Append('\n');
        }

        return text.ToString();
    }
}
