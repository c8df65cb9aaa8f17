namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// The disk cannot store what was written: every verb that stores something then fails and says so. .NET
/// itself swallows this error on Linux.
/// </summary>
public sealed class SyncErrorTests
{
    private static readonly string[] s_syncs = ["fsync", "fdatasync", "syncfs"];

    /// <summary>
    /// Verbs that store something, and so promise that it is stored. What is asked of a supervisor is not
    /// among them: a request need not survive the machine, its outcome is stored by the supervisor.
    /// </summary>
    public static TheoryData<string> Storing =>
        [
            "start",
            "start in a queue that exists",
            "start --batch",
            "cancel a pending task",
            "retry",
            "clean by id of what others wait for",
            "archive",
            "archive restore",
            "timeout extend of a pending task",
            "hold",
            "release",
            "deps add",
            "deps remove",
            "init",
            "config set",
            "import",
        ];

    [NeedsTheory(Machine.Strace)]
    [Trait("Fault", "F2")]
    [MemberData(nameof(Storing))]
    public void A_sync_that_fails_fails_the_verb(string verb) =>
        Fault.Inject(
            "F2",
            fault =>
            {
                using var flow = new TracedFlow(Flows.All[verb]);
                var syncs = flow.Points().Where(static p => s_syncs.Contains(p.Call)).ToList();
                Assert.NotEmpty(syncs);

                flow.ForEach(
                    syncs,
                    (box, point, before) =>
                    {
                        var struck = flow.Strike(box, point, "error=EIO");
                        Assert.Contains(
                            struck.Injected,
                            l => l.Contains(box.Folder, StringComparison.Ordinal)
                        );
                        struck.Outcome.Gives(1);
                        Assert.Matches("agentq: .*Input/output error", struck.Outcome.Err);
                        flow.CheckAndSettle(box, before, struck);
                        fault.Injected();
                    }
                );
            }
        );
}
