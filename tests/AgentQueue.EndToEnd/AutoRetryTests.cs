namespace AgentQueue.EndToEnd;

/// <summary>Retries: one for each failure, linked, however many look for what is due.</summary>
public sealed class AutoRetryTests
{
    [Fact]
    public void However_often_status_runs_there_is_exactly_one_retry()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("exit 1", "--auto-retry");
        box.Run("run").Gives(0);
        box.Ended(id);
        Eventually.Holds(
            () =>
            {
                box.Run("status").Gives(0);
                return box.Task(id).RetriedBy is not null;
            },
            "the retry is made"
        );

        for (var i = 0; i < 10; i++)
        {
            box.Run("status").Gives(0);
        }

        ShowsOneRetry(box, id);
    }

    [Fact]
    public void Ten_statuses_at_once_make_exactly_one_retry()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("exit 1", "--auto-retry");
        box.Run("run").Gives(0);
        var due = box.Ended(id).CompletedAt!.Value.AddSeconds(1);
        Eventually.Holds(() => DateTimeOffset.UtcNow > due, "the retry is due");

        var looks = Enumerable.Range(0, 10).Select(_ => box.Begin("status")).ToList();
        foreach (var look in looks)
        {
            using (look)
            {
                look.End().Gives(0);
            }
        }

        ShowsOneRetry(box, id);
    }

    [Fact]
    public void Nothing_is_retried_before_its_time_or_when_it_is_not_wanted()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("exit 1", "--auto-retry");
        var plain = box.Enqueue("exit 1");
        box.Run("run", "--parallel", "2").Gives(0);
        box.Ended(plain);
        var due = box.Ended(id).CompletedAt!.Value.AddSeconds(1);
        Eventually.Holds(() => DateTimeOffset.UtcNow > due, "the retry is due");

        box.Run("status", "--no-auto-retry").Gives(0);
        Assert.Equal(2, box.Ids.Count);

        box.Run("status").Gives(0);
        Assert.NotNull(box.Task(id).RetriedBy);
        Assert.Null(box.Task(plain).RetriedBy);
    }

    [Fact]
    public void A_drain_retries_with_growing_pauses_until_it_succeeds()
    {
        using var box = new Sandbox();
        box.Enqueue("echo x >> tries; test $(wc -l < tries) -ge 3", "--auto-retry");

        box.Run("run", "--drain", "--wait").Gives(0);

        var tasks = box.Tasks;
        Assert.Equal(["failed", "failed", "complete"], tasks.Select(static t => t.Status));
        Assert.Equal([0, 1, 2], tasks.Select(static t => t.RetryCount));
        Assert.Equal([null, tasks[0].Id, tasks[0].Id], tasks.Select(static t => t.Parent));
        Assert.Equal(tasks[1].Id, tasks[0].RetriedBy);
        Assert.Equal(tasks[2].Id, tasks[1].RetriedBy);
        var first = tasks[1].StartedAt - tasks[0].CompletedAt;
        var second = tasks[2].StartedAt - tasks[1].CompletedAt;
        Assert.True(first >= TimeSpan.FromSeconds(1), $"{first}");
        Assert.True(second >= TimeSpan.FromSeconds(2), $"{second}");
    }

    [Fact]
    public void No_more_than_the_allowed_retries_are_made()
    {
        using var box = new Sandbox();
        box.Enqueue("exit 1", "--auto-retry", "--max-retries", "1");

        box.Run("run", "--drain", "--wait").Gives(3);

        Assert.Equal(2, box.Ids.Count);
        Assert.All(box.Tasks, static t => Assert.Equal("failed", t.Status));
        box.Run("status").Gives(0);
        Assert.Equal(2, box.Ids.Count);
    }

    [Fact]
    public void Retrying_by_hand_makes_a_linked_task_and_only_once()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("test -e mended", "--label", "kind=test", "--timeout", "60");
        box.Run("run", "--wait").Gives(3);
        box.Write("mended", "");

        box.Run("retry", id, "--run").Gives(0);

        var retry = box.Task(box.Task(id).RetriedBy!);
        Assert.Equal((id, 1), (retry.Parent, retry.RetryCount));
        Assert.Equal("complete", box.Ended(retry.Id).Status);
        Assert.Equal(60, box.Task(retry.Id).Number("timeout"));
        var before = box.Picture();
        box.Run("retry", id).Gives(1);
        box.Run("retry", retry.Id).Gives(1);
        Assert.Equal(before, box.Picture());
    }

    [Fact]
    public void What_waited_for_a_failed_task_waits_for_its_retry()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("test -e mended");
        var after = box.Enqueue("echo after", "--depends-on", id);
        box.Run("run", "--wait").Gives(3);
        Assert.Equal("pending", box.Task(after).Status);
        box.Write("mended", "");

        box.Run("retry", "--failed").Gives(0);
        box.Run("run", "--drain", "--wait").Gives(0);

        Assert.Equal("complete", box.Task(after).Status);
        Assert.True(box.Task(after).StartedAt >= box.Task(box.Task(id).RetriedBy!).CompletedAt);
    }

    private static void ShowsOneRetry(Sandbox box, string id)
    {
        Assert.Equal(2, box.Ids.Count);
        var retry = Assert.Single(box.Tasks, static t => t.Parent is not null);
        Assert.Equal(id, retry.Parent);
        Assert.Equal(retry.Id, box.Task(id).RetriedBy);
    }
}
