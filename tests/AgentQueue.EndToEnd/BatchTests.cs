namespace AgentQueue.EndToEnd;

/// <summary><c>start --batch</c>: all or nothing, ids in order.</summary>
public sealed class BatchTests
{
    [Fact]
    public void The_ids_come_in_the_order_of_the_lines_and_every_member_counts()
    {
        using var box = new Sandbox();
        var file = box.Write(
            "tasks.jsonl",
            """
            {"agent": "shell", "prompt": "echo one", "priority": 9, "labels": {"a": "b"}}

            {"agent": "shell", "prompt": "echo two", "timeout": "5m", "name": "second", "held": true}
            """
        );

        var ids = box.Run("start", "--batch", file).Gives(0).Lines;

        Assert.Equal(box.Ids, ids);
        Assert.Equal("echo one", box.Task(ids[0]).Text("prompt"));
        Assert.Equal(9, box.Task(ids[0]).Number("priority"));
        Assert.Equal(
            ("second", 300),
            (box.Task(ids[1]).Text("name"), box.Task(ids[1]).Number("timeout"))
        );
    }

    [Fact]
    public void It_may_come_from_standard_input()
    {
        using var box = new Sandbox();

        var start = box.RunWith(
            """{"agent": "shell", "prompt": "true"}"""u8.ToArray(),
            "start",
            "--batch",
            "-"
        );

        Assert.Single(start.Gives(0).Lines);
    }

    [Theory]
    [InlineData("""{"agent": "shell"}""")]
    [InlineData("""{"prompt": "x"}""")]
    [InlineData("""{"agent": "shell", "prompt": "x", "prioritty": 3}""")]
    [InlineData("""{"agent": "shell", "prompt": "x", "priority": 11}""")]
    [InlineData("""{"agent": "shell", "prompt": "x", "prompt": "y"}""")]
    [InlineData("""{"agent": "nosuch", "prompt": "x"}""")]
    [InlineData("""{"agent": "shell", "prompt": "x", "dependsOn": ["nosuch"]}""")]
    [InlineData("""{"agent": "shell", "prompt": "a\u0000b"}""")]
    [InlineData("""{"agent": "shell", "prompt": "\ud800"}""")]
    [InlineData("""{"agent": "shell", "prompt": "x", "timeout": -5}""")]
    [InlineData("not json")]
    [InlineData("[1]")]
    public void One_bad_line_queues_nothing(string bad)
    {
        using var box = new Sandbox();
        box.Enqueue("true");
        var good = """{"agent": "shell", "prompt": "true"}""";
        var file = box.Write("tasks.jsonl", $"{good}\n{bad}\n{good}\n");
        var before = box.Picture();

        var start = box.Run("start", "--batch", file).Gives(1, 2);

        Assert.Empty(start.Out);
        BadInputTests.SaysOneSentence(start);
        Assert.Equal(before, box.Picture());
    }

    [Fact]
    public void A_thousand_tasks_are_stored_in_one_go()
    {
        using var box = new Sandbox();

        var ids = ParallelRunTests.Batch(box, 1000, "true");

        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
        Assert.Equal(ids, box.Ids);
    }
}
