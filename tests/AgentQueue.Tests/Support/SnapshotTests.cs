namespace AgentQueue.Tests.Support;

public class SnapshotTests
{
    [Fact]
    public void What_differs_from_run_to_run_is_numbered_in_order_of_appearance()
    {
        var folder = Path.Join(Path.GetTempPath(), "agentq-7f3a");
        var text = $"""
            task_0abcdefghjkmnp  pid 4711  2026-11-21T14:03:09.123Z
            task_0abcdefghjkmnq  "pid": 4712  2026-11-21 14:03:09Z
            task_0abcdefghjkmnp  pid 4711  {folder}/tasks
            """;

        Assert.Equal(
            """
            task_00000000000001  pid {Pid_1}  {Time_1}
            task_00000000000002  "pid": {Pid_2}  {Time_2}
            task_00000000000001  pid {Pid_1}  {TempFolder_1}/tasks
            """,
            Snapshot.Scrub(text)
        );
    }

    [Fact]
    public void Chosen_ids_and_numbers_stay_as_they_are() =>
        Assert.Equal(
            "task_1737000000001 rapid 12, 5m 30s",
            Snapshot.Scrub("task_1737000000001 rapid 12, 5m 30s")
        );

    [Fact]
    public void A_snapshot_that_nobody_accepted_fails_and_is_written_down()
    {
        var file = Path.Join(Path.GetTempPath(), $"Snapshot{Guid.NewGuid():n}.cs");
        var received = Path.ChangeExtension(file, ".It_fails.received.txt");

        Assert.ThrowsAny<Exception>(() =>
            Snapshot.Verify("text\n", file: file, member: "It_fails")
        );

        Assert.Equal("text", File.ReadAllText(received));
        var verified = received.Replace(".received.", ".verified.", StringComparison.Ordinal);
        File.Move(received, verified);
        Snapshot.Verify("text\n", file: file, member: "It_fails");
        File.Delete(verified);
    }
}
