using System.Text.Json;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>A verb, and what it is given to work on: what is killed, or refused something, at every call.</summary>
/// <param name="Command">What <c>agentq</c> is called with; <c>$ID</c> is the newest task, <c>$FIRST</c> the oldest.</param>
/// <param name="Prepare">Makes a queue that can be copied: nothing in it runs.</param>
/// <param name="Begin">What cannot be copied: starts something in the copy.</param>
/// <param name="Promise">What holds if the verb gave 0.</param>
/// <param name="Leaves">May the task be gone afterwards? By default nothing may.</param>
/// <param name="Under">The program that the verb is called by.</param>
internal sealed record Flow(
    string Command,
    Action<Sandbox>? Prepare = null,
    Action<Sandbox>? Begin = null,
    Action<Sandbox>? Promise = null,
    Func<Sandbox, string, bool>? Leaves = null,
    string Under = ""
);

/// <summary>Every verb that writes, with the supervisors and agents that it starts.</summary>
internal static class Flows
{
    // Relative to the queue, which is copied: an absolute path would lead into the folder it came from.
    private const string Noted =
        "echo start $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal; true; echo stop $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal";

    /// <summary>The prompt of what runs until it is ended.</summary>
    public const string Sleeping =
        "echo start $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal; exec sleep 300";

    public static readonly IReadOnlyDictionary<string, Flow> All = new Dictionary<string, Flow>(
        StringComparer.Ordinal
    )
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
                MakeOld(b, id);
            },
            Promise: static b => Assert.Equal(2, b.Ids.Count)
        ),
        ["status after a supervisor was killed"] = new(
            "status",
            static b => Lost(b),
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
                MakeOld(b, id);
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
        ["start --wait"] = new(
            $"start shell '{Noted}' --quiet --wait",
            Promise: static b => Assert.Equal("complete", Assert.Single(b.Tasks).Status)
        ),
        ["daemon"] = new(
            "daemon",
            static b => b.Enqueue(Noted),
            Under: "timeout --preserve-status -s INT 2"
        ),
        ["retry --run of one with a dependant"] = new(
            "retry $FIRST --run",
            static b =>
            {
                var id = Failed(b);
                b.Enqueue(Noted, "--depends-on", id);
            },
            Promise: static b => Assert.Equal(3, b.Ids.Count)
        ),
        ["clean by id of what others wait for"] = new(
            "clean $FIRST -y",
            static b =>
            {
                var id = Ended(b, Noted);
                b.Enqueue(Noted, "--depends-on", id);
            },
            Promise: static b => Assert.Single(b.Ids),
            Leaves: static (b, id) => b.Ids.Count == 1 && b.Ids[0] != id
        ),
        ["archive restore"] = new(
            "archive restore $ARCHIVED",
            static b =>
            {
                var id = Failed(b);
                MakeOld(b, id);
                b.Run("archive", "--older-than", "1s").Gives(0);
                Assert.True(File.Exists(b.PathOf("archive", id, ".json")));
            },
            Promise: static b => Assert.Single(b.Ids)
        ),
        ["deps remove"] = new(
            "deps remove $ID $FIRST",
            static b => b.Enqueue(Noted, "--depends-on", b.Enqueue(Noted)),
            Promise: static b => Assert.Empty(b.Tasks[1].Texts("dependsOn"))
        ),
        ["run --stop"] = new(
            "run --stop",
            Begin: static b =>
            {
                b.Enqueue(Sleeping);
                b.Enqueue(Noted);
                b.Run("run", "--drain", "--parallel", "1").Gives(0);
                Eventually.Holds(() => b.Tasks[0].Status == "running", "the first one runs");
            },
            Promise: static b => Assert.Equal("pending", b.Tasks[1].Status)
        ),
        ["init"] = new(
            "init",
            Promise: static b => Assert.True(File.Exists(Path.Join(b.Folder, "agent-config.json")))
        ),
        ["config set"] = new(
            "config set parallel 5",
            static b =>
            {
                b.Enqueue(Noted);
                b.Settings("\"parallel\": 2");
            },
            Promise: static b =>
                Assert.Contains(
                    "\"parallel\": 5",
                    File.ReadAllText(Path.Join(b.Queue, "settings.json")),
                    StringComparison.Ordinal
                )
        ),
        ["import"] = new(
            "import old",
            static b =>
            {
                b.Enqueue(Noted);
                const string Old = "old/.gemini/agents/";
                b.Write(
                    Old + "tasks/task_1733040000.json",
                    """
                    { "taskId": "task_1733040000", "status": "complete", "agent": "shell", "prompt": "true",
                      "planFile": ".gemini/agents/plans/task_1733040000_plan.md", "logFile": ".gemini/agents/logs/task_1733040000.log",
                      "createdAt": "2024-12-01T08:00:00.000Z", "startedAt": "2024-12-01T08:00:01.000Z", "completedAt": "2024-12-01T08:10:00.000Z" }
                    """
                );
                b.Write(Old + "plans/task_1733040000_plan.md", "# Task\n");
                b.Write(Old + "logs/task_1733040000.log", "hello\n");
            },
            Promise: static b => Assert.Equal(2, b.Ids.Count)
        ),
        ["doctor --fix"] = new(
            "doctor --fix",
            static b =>
            {
                var id = Lost(b);
                b.Write($".agents/tasks/.{id}.json.tmp-1-2-3", "half");
            },
            Promise: static b => Assert.Equal("failed", b.Tasks[0].Status)
        ),
    };

    private static string Ended(Sandbox box, string command, params string[] options)
    {
        var id = box.Enqueue(command, options);
        box.Run("run").Gives(0);
        box.Ended(id);
        return id;
    }

    private static void MakeOld(Sandbox box, string id) =>
        box.Sh(
            $"sed -i 's/\"completedAt\": \"20../\"completedAt\": \"200/' .agents/tasks/{id}.json"
        );

    /// <summary>A task that nobody looks after any more: its supervisor and its agent were killed.</summary>
    private static string Lost(Sandbox b)
    {
        var id = b.RunInBackground(Sleeping);
        Eventually.Holds(() => File.Exists(b.PathOf("run", id, ".run")), "it is recorded");
        b.KillAtOnce(b.SupervisorOf(id));
        b.KillProcessesOf(id);
        return id;
    }

    private static string Failed(Sandbox box, params string[] options) =>
        Ended(
            box,
            "echo start $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal; exit 1",
            options
        );
}
