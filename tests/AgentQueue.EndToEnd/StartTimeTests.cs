using System.Globalization;

namespace AgentQueue.EndToEnd;

/// <summary><c>start --at</c> and <c>--in</c>: a task that is not ready before its time.</summary>
public sealed class StartTimeTests
{
    [Fact]
    public void It_waits_says_so_is_refused_by_name_and_can_be_let_go()
    {
        using var box = new Sandbox();
        box.Environment["TZ"] = "UTC";
        var id = box.Enqueue("true", "--in", "2h");

        foreach (var verb in (string[])["status", "show"])
        {
            var shown = box.Run(verb == "show" ? [verb, id] : [verb]).Gives(0);
            Assert.Matches(@"not before [-0-9: ]+ \(in 2h\)", shown.Out);
            Assert.DoesNotContain("retry in", shown.Out, StringComparison.Ordinal);
        }

        box.Run("run", "--parallel", "4").Gives(0);
        var refused = box.Run("run", id).Gives(1);
        Assert.Matches(@"is not to start before [-0-9: ]+ \(in ", refused.Err);
        Assert.Contains($"agentq release {id}", refused.Err, StringComparison.Ordinal);
        Assert.Equal("pending", box.Task(id).Status);

        Assert.Equal($"{id} released from its time", box.Run("release", id).Gives(0).Text);
        box.Run("run", id, "--wait").Gives(0);
        Assert.Null(box.Task(id).Text("notBefore"));
    }

    [Fact]
    public void Undoing_a_hold_leaves_the_time_as_it_was()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("true", "--at", "2099-01-01T08:00Z");
        box.Run("hold", id).Gives(0);

        var released = box.Run("release", id).Gives(0);

        Assert.Contains("released; not before ", released.Out, StringComparison.Ordinal);
        Assert.Equal("2099-01-01T08:00:00.000Z", box.Task(id).Text("notBefore"));
    }

    [Fact]
    public void A_drain_keeps_going_until_the_time_comes()
    {
        using var box = new Sandbox();
        var later = box.Enqueue("true", "--in", "2s");
        var due = TimeOf(box, later);
        var first = box.Enqueue("true");

        box.Run("run", "--drain", "--wait").Gives(0);

        Assert.Equal("complete", box.Task(first).Status);
        Assert.True(box.Task(later).StartedAt >= due);
    }

    [Fact]
    public void A_drain_that_is_on_takes_up_what_comes_with_a_time_and_nobody_need_stay()
    {
        using var box = new Sandbox();
        var running = box.Enqueue("while ! test -e enough; do sleep 0.05; done");
        box.Run("run", "--drain", "--parallel", "2").Gives(0);
        var later = box.Enqueue("true", "--in", "2s");
        var due = TimeOf(box, later);

        var task = box.Ended(later);

        Assert.Equal("complete", task.Status);
        Assert.True(task.StartedAt >= due);
        Assert.Equal("running", box.Task(running).Status);
        box.Write("enough", "");
        box.Ended(running);
    }

    [Fact]
    public void Who_waits_for_it_waits_for_its_time()
    {
        using var box = new Sandbox();
        var begun = DateTimeOffset.UtcNow;

        var start = box.Run("start", "shell", "true", "--in", "3s", "--wait").Gives(0);

        Assert.Contains("not before ", start.Out, StringComparison.Ordinal);
        Assert.True(Assert.Single(box.Tasks).StartedAt >= begun.AddSeconds(3));
    }

    [Fact]
    public void Only_asked_to_run_it_is_not_started_and_it_is_said_why()
    {
        using var box = new Sandbox();

        var start = box.Run("start", "shell", "true", "--in", "3h", "--run").Gives(0);

        Assert.Matches(@"Not started yet: not before [-0-9: ]+ \(in 3h\)", start.Err);
        Assert.Equal("pending", Assert.Single(box.Tasks).Status);
    }

    [Fact]
    public void The_clock_on_the_wall_is_that_of_the_callers_zone()
    {
        using var box = new Sandbox();
        box.Environment["TZ"] = FiveHoursBehind(box);

        var id = box.Enqueue("true", "--at", "2099-01-01T08:00");

        Assert.Equal("2099-01-01T13:00:00.000Z", box.Task(id).Text("notBefore"));
        Assert.Contains(
            "not before 2099-01-01 08:00 (in ",
            box.Run("status").Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("--at", "2020-01-01T08:00", "is past")]
    [InlineData("--at", "noon", "wants a time such as 22:00")]
    [InlineData("--in", "0", "--in must be a time")]
    public void What_is_no_time_or_past_is_refused_and_nothing_is_queued(
        string option,
        string value,
        string why
    )
    {
        using var box = new Sandbox();

        var refused = box.Run("start", "shell", "true", option, value).Gives(2);

        Assert.Contains(why, refused.Err, StringComparison.Ordinal);
        Assert.Empty(box.Ids);
    }

    [Fact]
    public void Two_times_are_one_too_many()
    {
        using var box = new Sandbox();

        box.Run("start", "shell", "true", "--in", "2h", "--at", "22:00").Gives(2);
        box.RunWith(
                """{"agent": "shell", "prompt": "true", "at": "22:00", "in": "2h"}"""u8.ToArray(),
                "start",
                "--batch",
                "-"
            )
            .Gives(2);

        Assert.Empty(box.Ids);
    }

    [Fact]
    public void In_a_batch_each_line_has_its_own()
    {
        using var box = new Sandbox();
        var file = box.Write(
            "tasks.jsonl",
            """
            {"agent": "shell", "prompt": "true", "at": "2099-01-01T08:00Z"}
            {"agent": "shell", "prompt": "true", "in": "2h"}
            {"agent": "shell", "prompt": "true"}
            """
        );

        box.Run("start", "--batch", file, "--in", "1h").Gives(2);
        var ids = box.Run("start", "--batch", file).Gives(0).Lines;

        Assert.Equal("2099-01-01T08:00:00.000Z", box.Task(ids[0]).Text("notBefore"));
        Assert.True(TimeOf(box, ids[1]) > DateTimeOffset.UtcNow.AddMinutes(90));
        Assert.Null(box.Task(ids[2]).Text("notBefore"));
    }

    // A file as the database of zones has them, which need not be installed: no changes, one offset.
    private static string FiveHoursBehind(Sandbox box)
    {
        byte[] file =
        [
            .. "TZif"u8,
            .. new byte[16],
            .. (ReadOnlySpan<byte>)[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            .. (ReadOnlySpan<byte>)[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4],
            .. (ReadOnlySpan<byte>)[0xFF, 0xFF, 0xB9, 0xB0, 0, 0],
            .. "-05\0"u8,
        ];
        var path = Path.Join(box.Outside, "zone");
        File.WriteAllBytes(path, file);
        return path;
    }

    private static DateTimeOffset TimeOf(Sandbox box, string id) =>
        DateTimeOffset.Parse(box.Task(id).Text("notBefore")!, CultureInfo.InvariantCulture);
}
