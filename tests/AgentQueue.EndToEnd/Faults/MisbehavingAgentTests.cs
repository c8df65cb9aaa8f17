namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Agents that end oddly, or do not want to, or leave others behind: each task ends, with the right exit
/// code, and nothing of it is left.
/// </summary>
public sealed class MisbehavingAgentTests
{
    private const int Times = 5;

    private const string Mine = "$AGENTQ_ROOT/.agents/tasks/$AGENTQ_TASK_ID";

    /// <summary>What a shell agent does, and the exit code that is recorded.</summary>
    /// <param name="Ended">It would go on for ever, and is cancelled.</param>
    private sealed record Mode(string Script, int Code, bool Ended = false);

    private static readonly Dictionary<string, Mode> s_modes = new(StringComparer.Ordinal)
    {
        ["exits at once"] = new(":", 0),
        ["exits with 1"] = new("exit 1", 1),
        ["exits with 77"] = new("exit 77", 77),
        ["exits with 255"] = new("exit 255", 255),
        ["dumps its core by QUIT"] = new("kill -QUIT $$; sleep 300", 131),
        ["dumps its core by ABRT"] = new("kill -ABRT $$; sleep 300", 134),
        ["ignores TERM"] = new("trap '' TERM; echo ready; while :; do sleep 1; done", 137, true),
        ["stops itself"] = new("echo ready; kill -STOP $$; sleep 300", 143, true),
        ["stops itself in another session"] = new(
            "setsid -w sh -c 'kill -STOP $$; sleep 300' & echo ready; wait",
            143,
            true
        ),
        ["leaves a session of its own"] = new("setsid sleep 300 & exit 0", 0),
        ["forks twice"] = new("(sleep 300 & sleep 300 &) ; exit 3", 3),
        ["has 50 children"] = new(
            "i=0; while [ $i -lt 50 ]; do sleep 300 & i=$((i+1)); done; echo ready; wait",
            143,
            true
        ),
        ["leaves 50 children"] = new(
            "i=0; while [ $i -lt 50 ]; do setsid sleep 300 & i=$((i+1)); done; exit 4",
            4
        ),
        ["closes all it was given"] = new("exec 0<&- 1>&- 2>&- 3>&-; exit 6", 6),
        ["closes all it was given, and stays"] = new(
            "echo ready; exec 0<&- 1>&- 2>&- 3>&-; exec sleep 300",
            143,
            true
        ),
        ["leaves a daemon behind"] = new(
            "setsid sh -c 'exec sleep 300 </dev/null >/dev/null 2>&1 3>&-' & exit 0",
            0
        ),
        ["leaves a daemon without its mark"] = new(
            "env -i setsid sleep 300 </dev/null >/dev/null 2>&1 3>&- & exit 0",
            0
        ),
        ["leaves its output open"] = new("sleep 300 & echo ready; exit 5", 5),
        ["becomes another program"] = new("exec false", 1),
        ["deletes its log"] = new(
            "rm -f \"$AGENTQ_ROOT/.agents/logs/$AGENTQ_TASK_ID.log\"; exit 8",
            8
        ),
        ["says done and does not go"] = new($"touch {Mine}.done; sleep 300", 143),
    };

    public static TheoryData<string> Modes => [.. s_modes.Keys];

    [Theory]
    [Trait("Fault", "F8")]
    [MemberData(nameof(Modes))]
    public void An_agent_that(string mode) =>
        Fault.Inject(
            "F8",
            fault =>
            {
                var (script, code, isEnded) = s_modes[mode];
                RunAll(fault, Enumerable.Repeat((script, code), Times), isEnded);
            }
        );

    [Fact]
    [Trait("Fault", "F8")]
    public void An_agent_that_dies_by_any_signal() =>
        Fault.Inject(
            "F8",
            fault =>
                RunAll(
                    fault,
                    Enumerable.Range(1, 15).Select(n => ($"kill -{n} $$; sleep 300", 128 + n)),
                    isEnded: false
                )
        );

    // Root is not bound by the limit, so the agent becomes somebody else.
    [Needs(Machine.Root)]
    [Trait("Fault", "F8")]
    public void An_agent_that_forks_until_it_may_not() =>
        Fault.Inject(
            "F8",
            fault =>
                RunAll(
                    fault,
                    Enumerable.Repeat(
                        (
                            "exec setpriv --reuid 65534 --clear-groups prlimit --nproc=100 sh -c 'i=0; while [ $i -lt 500 ]; do sleep 300 & i=$((i+1)); done; exit 9'",
                            2
                        ),
                        Times
                    ),
                    isEnded: false
                )
        );

    private static void RunAll(
        Fault fault,
        IEnumerable<(string Script, int Code)> agents,
        bool isEnded
    )
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false, \"grace\": \"1s\"");
        box.Configure(
            """
            "agent": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "ulimit -c 0; {userPrompt}", "exitGrace": "1s" }
            """
        );
        var codes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (script, code) in agents)
        {
            codes.Add(box.Run("start", "agent", script, "--quiet").Gives(0).Text, code);
        }

        if (isEnded)
        {
            box.Run(["run", .. codes.Keys]).Gives(0);
            foreach (var id in codes.Keys)
            {
                Eventually.Holds(
                    () => box.Log(id).Contains("ready", StringComparison.Ordinal),
                    "the agent has begun"
                );
            }

            box.Run("cancel", "--all").Gives(0);
        }
        else
        {
            box.Run(["run", .. codes.Keys, "--wait"]).Gives(0, 3);
        }

        foreach (var (id, code) in codes)
        {
            fault.Injected();
            var task = box.Task(id);
            Assert.True(task.IsFinished, task.ToString());
            Assert.Equal(isEnded, task.Status == "cancelled");
            Assert.Equal(code, task.ExitCode);
            Assert.Equal($"{code}\n", File.ReadAllText(box.PathOf("tasks", id, ".exitcode")));
        }

        // Within two seconds of the verdict; what follows from the marks is asked of the system, not of agentq.
        box.LeaveNothingRunning();
        Assert.Empty(Directory.EnumerateFiles(box.Folder, "core*"));
        box.HoldInFiles(noted: false);
        box.HoldStill();
    }
}
