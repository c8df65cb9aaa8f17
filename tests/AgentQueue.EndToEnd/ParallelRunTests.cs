using System.Globalization;

namespace AgentQueue.EndToEnd;

/// <summary>Several agentq at once on one folder: each task once, and never more than the limit.</summary>
public sealed class ParallelRunTests
{
    [Fact]
    public void Two_runs_at_once_start_each_of_50_tasks_once_and_keep_the_limit()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        var ids = Batch(box, 50, box.Journal.Around("sleep 0.02"));

        while (!box.Tasks.All(static t => t.IsFinished))
        {
            using var one = box.Begin("run", "--parallel", "3", "--wait");
            using var two = box.Begin("run", "--parallel", "3", "--wait");
            one.End().Gives(0);
            two.End().Gives(0);
        }

        Assert.All(ids, id => Assert.Equal(1, box.Journal.StartsOf(id)));
        Assert.InRange(box.Journal.MostAtOnce, 1, 3);
        Assert.All(box.Tasks, static t => Assert.Equal("complete", t.Status));
    }

    [Fact]
    public void Two_drains_at_once_start_each_of_50_tasks_once_and_keep_the_limit()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        var ids = Batch(box, 50, box.Journal.Around("sleep 0.02"));

        using var one = box.Begin("run", "--drain", "--parallel", "3", "--wait");
        using var two = box.Begin("run", "--drain", "--parallel", "3", "--wait");
        one.End(60).Gives(0);
        two.End(60).Gives(0);

        Assert.All(ids, id => Assert.Equal(1, box.Journal.StartsOf(id)));
        Assert.InRange(box.Journal.MostAtOnce, 1, 3);
        Assert.All(box.Tasks, static t => Assert.Equal("complete", t.Status));
    }

    [Fact]
    public void Many_runs_of_one_task_start_it_once()
    {
        using var box = new Sandbox();
        var id = box.Enqueue(box.Journal.Around("sleep 0.2"));

        var runs = Enumerable
            .Range(0, 16)
            .Select(_ => box.Begin("run", "--parallel", "8"))
            .ToList();
        foreach (var run in runs)
        {
            using (run)
            {
                run.End().Gives(0);
            }
        }

        Assert.Equal("complete", box.Ended(id).Status);
        Assert.Equal(1, box.Journal.StartsOf(id));
    }

    [Fact]
    public void Sixty_four_starts_at_once_give_64_tasks()
    {
        using var box = new Sandbox();
        var starts = Enumerable
            .Range(0, 64)
            .Select(i =>
                box.Begin(
                    "start",
                    "shell",
                    string.Create(CultureInfo.InvariantCulture, $"echo {i}"),
                    "--quiet"
                )
            )
            .ToList();
        var ids = new List<string>();
        foreach (var start in starts)
        {
            using (start)
            {
                ids.Add(start.End().Gives(0).Text);
            }
        }

        Assert.Equal(64, ids.Distinct().Count());
        Assert.Equal(ids.Order(StringComparer.Ordinal), box.Ids);
        Assert.Equal(64, box.Tasks.Select(static t => t.Text("prompt")).Distinct().Count());
    }

    [Fact]
    public void All_verbs_at_once_lose_no_task_and_start_none_twice()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        var ids = Batch(box, 40, box.Journal.Around("sleep 0.01"));
        var busy = new List<Running>();
        for (var i = 0; i < 40; i++)
        {
            busy.Add(
                (i % 5) switch
                {
                    0 => box.Begin("run", "--parallel", "4"),
                    1 => box.Begin("status", "--all"),
                    2 => box.Begin("cancel", ids[i]),
                    3 => box.Begin("hold", ids[i]),
                    _ => box.Begin("start", "shell", box.Journal.Around("true")),
                }
            );
        }

        foreach (var each in busy)
        {
            using (each)
            {
                // A task may have ended before it could be cancelled or held: refused, but never worse.
                each.End().Gives(0, 1);
            }
        }

        box.Run(["release", .. ids]).Gives(0, 1);
        box.Run("run", "--drain", "--parallel", "4", "--wait").Gives(0, 4);

        Assert.Equal(48, box.Ids.Count);
        Assert.All(box.Tasks, static t => Assert.True(t.IsFinished, t.ToString()));
        box.Journal.ShowsNoSecondStart();
        Assert.InRange(box.Journal.MostAtOnce, 1, 44);
        Assert.All(
            box.Tasks.Where(static t => t.Status == "complete"),
            t => Assert.Equal(1, box.Journal.StartsOf(t.Id))
        );
    }

    internal static IReadOnlyList<string> Batch(Sandbox box, int count, string command)
    {
        var line = System.Text.Json.JsonSerializer.Serialize(
            new { agent = "shell", prompt = command }
        );
        var file = box.Write("batch.jsonl", string.Concat(Enumerable.Repeat(line + "\n", count)));
        var ids = box.Run("start", "--batch", file).Gives(0).Lines;
        Assert.Equal(count, ids.Distinct().Count());
        return ids;
    }
}
