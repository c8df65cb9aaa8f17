namespace AgentQueue.EndToEnd.Faults;

/// <summary>Agents that print without end: the log stays within its limit, and a full disk loses no outcome.</summary>
public sealed class EndlessLogTests
{
    private const string Counting = "seq 1 400000 | sed 's/$/ and so on/'";

    [Fact]
    [Trait("Fault", "S18")]
    public void A_log_that_grew_beyond_its_limit_keeps_its_newer_half_and_says_so() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"logLimit\": 1");
                var id = box.Enqueue(Counting + "; exit 3");

                box.Run("run", "--wait").Gives(3);

                fault.Injected();
                Assert.InRange(
                    new FileInfo(box.PathOf("logs", id, ".log")).Length,
                    500_000,
                    1 << 20
                );
                var lines = box.Log(id).Split('\n', StringSplitOptions.RemoveEmptyEntries);
                Assert.StartsWith("[agentq: ", lines[0], StringComparison.Ordinal);
                Assert.Equal("400000 and so on", lines[^1]);
                Assert.Equal(
                    ["399999 and so on", "400000 and so on"],
                    box.Run("logs", id, "--tail", "2").Gives(0).Lines
                );
                Assert.StartsWith(
                    "[agentq: ",
                    box.Run("logs", id, "--tail", "0").Gives(0).Out,
                    StringComparison.Ordinal
                );
                Assert.Contains("400000 and so on", box.Task(id).Error, StringComparison.Ordinal);
            }
        );

    [Fact]
    [Trait("Fault", "S18")]
    public void A_log_stays_within_its_limit_while_its_agent_goes_on() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"logLimit\": 1, \"grace\": \"1s\"");
                var id = box.RunInBackground("i=0; while :; do i=$((i+1)); echo line $i; done");
                var log = box.PathOf("logs", id, ".log");
                using var follow = box.Begin("logs", id, "--follow", "--tail", "1", "--raw");
                Eventually.Holds(
                    () => Begins(log, "[agentq: "),
                    "the log was cut while it grows",
                    seconds: 60
                );
                fault.Injected();
                box.Run("cancel", id).Gives(0);

                follow.End(60).Gives(4);
                Assert.InRange(new FileInfo(log).Length, 1, 1 << 20);
                var last = box.Run("logs", id, "--tail", "1").Gives(0).Text;
                Assert.StartsWith("line ", last, StringComparison.Ordinal);
                Assert.Equal(last, follow.Out.TrimEnd('\n').Split('\n')[^1]);
            }
        );

    [Fact]
    [Trait("Fault", "S18")]
    public void Without_a_limit_a_log_is_left_alone() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"logLimit\": 0");
                var id = box.Enqueue(Counting);

                box.Run("run", "--wait").Gives(0);

                fault.Injected();
                Assert.StartsWith("1 and so on\n", box.Log(id), StringComparison.Ordinal);
            }
        );

    [NeedsTheory(Machine.Mounts)]
    [Trait("Fault", "F13")]
    [InlineData("exits by itself", "yes it fills; exit 7", "", "failed", "exit", 7)]
    [InlineData("says that it is done", "yes it fills; exit 0", "", "complete", null, 0)]
    [InlineData(
        "is cancelled",
        "while :; do yes it fills; done 2>/dev/null",
        "until test $(df --output=avail . | tail -n 1) = 0; do sleep 0.05; done; agentq cancel $id",
        "cancelled",
        null,
        143
    )]
    [InlineData(
        "runs out of time",
        "while :; do yes it fills; done 2>/dev/null",
        "--timeout 2",
        "failed",
        "timeout",
        143
    )]
    [InlineData("stalls", "yes it fills; sleep 300", "--idle-timeout 1", "failed", "stalled", 143)]
    public void With_a_disk_full_of_its_log_the_verdict_is_recorded_when_an_agent(
        string what,
        string agent,
        string more,
        string status,
        string? reason,
        int code
    ) =>
        Fault.Inject(
            "F13",
            fault =>
            {
                using var box = new Sandbox();
                Directory.CreateDirectory(box.Queue);
                var isOption = more.StartsWith("--", StringComparison.Ordinal);
                var script = $$"""
                    set -e
                    mount -t tmpfs -o size=2m,mode=700 tmpfs .agents
                    cd .agents
                    id=$(agentq start shell "$AGENT" --quiet {{(isOption ? more : "")}})
                    agentq run
                    {{(isOption ? "" : more)}}
                    agentq wait $id || true
                    df --output=used . > ../../outside/df
                    agentq status --all
                    cp -r . ../../outside/queue
                    """;
                box.Environment["AGENT"] = agent;

                using var shell = box.Program(
                    "/usr/bin/env",
                    null,
                    "unshare",
                    "--mount",
                    "sh",
                    "-c",
                    script
                );
                var outcome = shell.End(60).Gives(0);
                fault.Injected();

                // What the supervisor has seen to while its disk was full.
                Directory.Delete(box.Queue);
                Directory.Move(Path.Join(box.Outside, "queue"), box.Queue);
                var task = box.Tasks.Single();
                Assert.True(
                    (task.Status, task.Reason, task.ExitCode) == (status, reason, code),
                    $"it {what}: {task}\n{outcome}"
                );
                Assert.StartsWith("[agentq: ", box.Log(task.Id), StringComparison.Ordinal);
                box.HoldInFiles(noted: false);
                box.HoldStill();
                box.LeaveNothingRunning();
            }
        );

    private static bool Begins(string file, string text)
    {
        using var stream = new FileStream(
            file,
            FileMode.Open,
            FileAccess.Read,
            FileShare.ReadWrite
        );
        var bytes = new byte[text.Length];
        return stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length
            && System.Text.Encoding.ASCII.GetString(bytes) == text;
    }
}
