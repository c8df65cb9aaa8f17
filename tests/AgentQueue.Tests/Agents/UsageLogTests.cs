using AgentQueue.Agents;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Agents;

public sealed class UsageLogTests : IDisposable
{
    private readonly TimedQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    private UsageLog Log => new(_temp.Queue);

    private UsageSum Total => UsageSums.Of(null, Log.Read());

    [Fact]
    public void A_task_that_is_noted_twice_counts_once()
    {
        var task = Result(
            1,
            new Usage
            {
                Input = 1000,
                Output = 200,
                Cost = 0.1m,
            },
            turns: 3
        );
        Log.Add(task);
        Log.Add(task);

        var total = Total;

        Assert.Equal(
            new Usage
            {
                Input = 1000,
                Output = 200,
                Cost = 0.1m,
            },
            total.Usage
        );
        Assert.Equal((1, 3L, 0), (total.Tasks, total.Turns, total.UnknownCosts));
        Assert.Equal(TimeSpan.FromSeconds(10), total.Duration);
    }

    [Fact]
    public void The_next_line_of_a_task_that_was_put_off_tells_the_whole_of_it()
    {
        Log.Add(Result(1, new Usage { Input = 100, Cost = 0.1m }, turns: 1));
        Log.Add(
            Result(
                1,
                new Usage
                {
                    Input = 250,
                    Output = 7,
                    Cost = 0.4m,
                },
                turns: 3,
                seconds: 25
            )
        );

        var entries = Log.Read().ToList();

        Assert.Equal(
            new Usage
            {
                Input = 150,
                Output = 7,
                Cost = 0.3m,
            },
            entries[1].Usage
        );
        Assert.Equal((2, TimeSpan.FromSeconds(15)), (entries[1].Turns, entries[1].Duration));
        Assert.Equal(
            new Usage
            {
                Input = 250,
                Output = 7,
                Cost = 0.4m,
            },
            Total.Usage
        );
        Assert.Equal(1, Total.Tasks);
    }

    [Fact]
    public void Lines_that_cannot_be_read_are_passed_over()
    {
        File.WriteAllText(
            _temp.Queue.UsageLog,
            "no JSON\n[]\n\"text\"\n{}\n{\"taskId\": \"nothing\"}\n{\"taskId\": \"task_x\", \"at\": 3}\n\n"
        );
        Log.Add(Result(1, new Usage { Input = 5 }));
        File.AppendAllText(_temp.Queue.UsageLog, "{\"taskId\": \"task_y\", \"at\": \"2026-11-21T0");

        Assert.Equal(5, Assert.Single(Log.Read()).Usage.Input);
    }

    [Fact]
    public void A_task_that_nobody_could_read_is_not_noted()
    {
        Log.Add(TimedQueue.Complete(2, ago: 1));

        Assert.Empty(Log.Read());
        Assert.False(File.Exists(_temp.Queue.UsageLog));
    }

    [Fact]
    public void What_was_noted_of_checks_alone_is_no_usage()
    {
        var task = Result(1, new Usage { Input = 5 });
        Log.Add(task);
        var results = new Results(_temp.Queue);
        results.Write(
            UnreadResult.Noted(
                task with
                {
                    Attempt = 2,
                },
                results.Read(task.Id),
                TimedQueue.Now,
                ExitStatus.Exited(0),
                (Verification.Unavailable, "no git"),
                error: null
            )
        );
        Log.Add(task with { Attempt = 2 });

        Assert.Equal("claude", Assert.Single(Log.Read()).Adapter);
        // Else the next attempt that can be read would not know what was used before it.
        Assert.Equal(5, results.Read(task.Id)!.Usage.Input);
    }

    [Fact]
    public void Of_a_task_that_told_nothing_the_time_is_known()
    {
        Log.Add(Result(1, new Usage()));

        var entry = Assert.Single(Log.Read());
        Assert.True(entry.Usage.IsEmpty);
        Assert.Equal(TimeSpan.FromSeconds(10), entry.Duration);
    }

    [Fact]
    public void What_is_not_known_is_not_counted_as_nothing()
    {
        Log.Add(Result(1, new Usage { Input = 5, Cost = 0.2m }));
        Log.Add(Result(2, new Usage { Input = 5 }));
        Log.Add(Result(3, new Usage { Output = 5 }, turns: 1));

        var total = Total;

        Assert.Equal((3, 2, 0.2m), (total.Tasks, total.UnknownCosts, total.Usage.Cost));
        Assert.Null(total.Usage.CacheRead);
        Assert.Equal(1, total.Turns);
        Assert.Null(UsageSums.Of(null, Log.Read().Take(2)).Turns);
    }

    [Fact]
    public void A_task_counts_for_each_of_its_keys_and_those_without_come_last()
    {
        Log.Add(
            Result(1, new Usage { Input = 1 }) with
            {
                Labels = TimedQueue.Pending(1).Labels.Add("b", "2").Add("a", "1"),
            }
        );
        Log.Add(Result(2, new Usage { Input = 2 }));

        var sums = UsageSums.By(Log.Read(), static e => e.Labels.IsEmpty ? [null!] : e.Labels.Keys);

        Assert.Equal(["a", "b", null], sums.Select(static s => s.Key));
        Assert.Equal([1, 1, 2], sums.Select(static s => s.Usage.Input ?? 0));
    }

    private AgentTask Result(int number, Usage usage, int? turns = null, int seconds = 10)
    {
        var task = TimedQueue.Complete(number, ago: 1);
        new Results(_temp.Queue).Write(
            new AgentResult
            {
                Task = task.Id,
                Attempt = 1,
                Agent = task.Agent,
                Adapter = "claude",
                EndedAt = TimedQueue.Now,
                Usage = usage,
                Turns = turns,
                Duration = TimeSpan.FromSeconds(seconds),
            }
        );
        return task;
    }
}
