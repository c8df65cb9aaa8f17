using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class StatusViewTests : IDisposable
{
    private readonly TimedQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Running_tasks_come_first_then_those_that_start_next_then_the_newest_ends()
    {
        _temp.Put(TimedQueue.Complete(1, ago: 50));
        _temp.Put(TimedQueue.Complete(2, ago: 10));
        _temp.Put(TimedQueue.Pending(3) with { State = new TaskState.Pending(Held: true) });
        _temp.Put(TimedQueue.Pending(4) with { DependsOn = [TimedQueue.Id(6)] });
        _temp.Put(TimedQueue.Pending(5, age: 10));
        _temp.Put(TimedQueue.Pending(6, age: 5) with { Priority = 9 });
        _temp.Put(TimedQueue.Running(7, elapsed: 3));
        _temp.Put(TimedQueue.Running(8, elapsed: 30));

        Assert.Equal([8, 7, 6, 5, 4, 3, 2, 1], Numbers(_temp.View()));
    }

    [Fact]
    public void Only_the_newest_20_ends_are_shown_and_the_rest_is_counted()
    {
        for (var i = 0; i < 25; i++)
        {
            _temp.Put(TimedQueue.Complete(i, ago: 100 - i));
        }

        var view = _temp.View();
        Assert.Equal(Enumerable.Range(5, 20).Reverse(), Numbers(view));
        Assert.Equal(5, view.NotShown);
        Assert.Equal(25, view.Counts.Complete);
        Assert.Equal(25, _temp.View(new StatusFilter { All = true }).Tasks.Count);
    }

    [Fact]
    public void The_files_of_ends_that_are_not_shown_are_not_read()
    {
        for (var i = 0; i < 25; i++)
        {
            _temp.Put(TimedQueue.Complete(i, ago: 100 - i));
        }

        var snapshot = _temp.Take();
        for (var i = 0; i < 5; i++)
        {
            File.Delete(_temp.Queue.TaskFile(TimedQueue.Id(i)));
        }

        var view = StatusView.Of(_temp.Queue, snapshot, new StatusFilter(), TimedQueue.Now);
        Assert.Equal(20, view.Tasks.Count);
        Assert.Equal(5, view.NotShown);
    }

    [Fact]
    public void A_task_that_ends_while_it_is_looked_at_is_shown_as_ended()
    {
        _temp.Put(TimedQueue.Running(1, elapsed: 3));
        var snapshot = _temp.Take();
        _temp.Put(TimedQueue.Complete(1, ago: 0));

        var view = StatusView.Of(_temp.Queue, snapshot, new StatusFilter(), TimedQueue.Now);
        Assert.Equal(TaskStatus.Complete, Assert.Single(view.Tasks).Status);
        var running = new StatusFilter { States = [StateView.Running] };
        Assert.Empty(StatusView.Of(_temp.Queue, snapshot, running, TimedQueue.Now).Tasks);
    }

    [Fact]
    public void A_limit_takes_unfinished_tasks_first_and_counts_both_kinds_that_it_leaves_out()
    {
        for (var i = 0; i < 3; i++)
        {
            _temp.Put(TimedQueue.Complete(i, ago: 1));
            _temp.Put(TimedQueue.Pending(10 + i, age: 50 - i));
        }

        var view = _temp.View(new StatusFilter { Limit = 2 });
        Assert.Equal([10, 11], Numbers(view));
        Assert.Equal(1, view.UnfinishedNotShown);
        Assert.Equal(3, view.FinishedNotShown);
        Assert.Equal(4, view.NotShown);
        view = _temp.View(new StatusFilter { Limit = 4 });
        Assert.Equal(4, view.Tasks.Count);
        Assert.Equal(2, view.NotShown);
    }

    [Theory]
    [InlineData("pending", new[] { 1, 2, 3 })]
    [InlineData("held", new[] { 2 })]
    [InlineData("waiting", new[] { 3 })]
    [InlineData("running", new[] { 4 })]
    [InlineData("failed", new[] { 5 })]
    [InlineData("complete", new[] { 6 })]
    public void States_and_the_two_views_of_pending_are_told_apart(string word, int[] expected)
    {
        _temp.Put(TimedQueue.Pending(1));
        _temp.Put(TimedQueue.Pending(2) with { State = new TaskState.Pending(Held: true) });
        _temp.Put(TimedQueue.Pending(3) with { DependsOn = [TimedQueue.Id(1)] });
        _temp.Put(TimedQueue.Running(4, elapsed: 1));
        _temp.Put(TimedQueue.Failed(5, ago: 1));
        _temp.Put(TimedQueue.Complete(6, ago: 1));

        var state = StatusFilter.Words.Single(w => w.Word == word).State;
        var view = _temp.View(new StatusFilter { States = [state] });
        Assert.Equal(expected, Numbers(view).Order());
    }

    [Fact]
    public void Agents_and_labels_also_find_old_ends()
    {
        for (var i = 0; i < 25; i++)
        {
            _temp.Put(TimedQueue.Complete(i, ago: 100 - i));
        }

        _temp.Put(TimedQueue.Complete(50, ago: 900) with { Agent = "coder" });
        _temp.Put(
            TimedQueue.Complete(51, ago: 800) with
            {
                Agent = "coder",
                Labels = TempLabels("area", "parser"),
            }
        );

        var coder = new StatusFilter { Agents = ["coder"] };
        Assert.Equal([51, 50], Numbers(_temp.View(coder)));
        var labelled = coder with { Labels = TempLabels("area", "parser") };
        Assert.Equal([51], Numbers(_temp.View(labelled)));
        Assert.Equal(0, _temp.View(labelled).NotShown);
        Assert.Empty(_temp.View(coder with { Labels = TempLabels("area", "lexer") }).Tasks);
    }

    [Fact]
    public void Everything_is_counted_whatever_is_shown()
    {
        _temp.Put(TimedQueue.Pending(1));
        _temp.Put(TimedQueue.Pending(2) with { State = new TaskState.Pending(Held: true) });
        _temp.Put(TimedQueue.Pending(3) with { DependsOn = [TimedQueue.Id(1)] });
        _temp.Put(TimedQueue.Running(4, elapsed: 1));
        _temp.Put(TimedQueue.Running(5, elapsed: 59) with { Timeout = TimeSpan.FromMinutes(1) });
        _temp.Put(TimedQueue.Running(8, elapsed: 5));
        _temp.Put(TimedQueue.Failed(6, ago: 1) with { AutoRetry = true });
        _temp.Put(
            TimedQueue.Failed(7, ago: 1) with
            {
                State = new TaskState.Failed(null, TimedQueue.Now, Reason.Timeout, "Timed out")
                {
                    TimedOutAt = TimedQueue.Now,
                },
            }
        );
        for (var i = 10; i < 15; i++)
        {
            _temp.Put(Cancelled(i));
            _temp.Put(TimedQueue.Complete(i + 10, ago: 1));
        }

        var counts = _temp.View(new StatusFilter { States = [StateView.Waiting] }).Counts;
        Assert.Equal(
            new StatusCounts
            {
                Pending = 3,
                Held = 1,
                Waiting = 1,
                Running = 3,
                WithTimeout = 1,
                NearTimeout = 1,
                Failed = 2,
                AutoRetry = 1,
                TimedOut = 1,
                Cancelled = 5,
                Complete = 5,
            },
            counts
        );
        Assert.Equal(18, counts.Total);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(3)]
    [InlineData(1)]
    public void Of_tasks_that_ended_at_the_same_moment_the_newest_comes_first(int? limit)
    {
        for (var i = 0; i < 5; i++)
        {
            _temp.Put(TimedQueue.Complete(i, ago: 7));
        }

        Assert.Equal(
            new[] { 4, 3, 2, 1, 0 }.Take(limit ?? 5),
            Numbers(_temp.View(new StatusFilter { Limit = limit }))
        );
    }

    [Fact]
    public void When_a_task_ended_counts_for_more_than_when_it_was_made()
    {
        for (var i = 0; i < 5; i++)
        {
            _temp.Put(TimedQueue.Complete(i, ago: i));
        }

        Assert.Equal([0, 1, 2, 3, 4], Numbers(_temp.View()));
        Assert.Equal([0, 1], Numbers(_temp.View(new StatusFilter { Limit = 2 })));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(4)]
    [InlineData(1)]
    public void Of_tasks_that_started_at_the_same_moment_the_oldest_comes_first(int? limit)
    {
        for (var i = 0; i < 40; i++)
        {
            _temp.Put(TimedQueue.Running(i, elapsed: 7));
        }

        Assert.Equal(
            Enumerable.Range(0, limit ?? 40),
            Numbers(_temp.View(new StatusFilter { Limit = limit }))
        );
    }

    [Theory]
    [InlineData(0, new int[0])]
    [InlineData(2, new[] { 5, 4 })]
    [InlineData(3, new[] { 5, 4, 3 })]
    [InlineData(7, new[] { 5, 4, 3, 2, 1, 0 })]
    public void A_limit_takes_the_first_of_many_in_their_order(int limit, int[] expected)
    {
        for (var i = 0; i < 6; i++)
        {
            _temp.Put(TimedQueue.Pending(i, age: i));
        }

        var view = _temp.View(new StatusFilter { Limit = limit });
        Assert.Equal(expected, Numbers(view));
        Assert.Equal(6 - expected.Length, view.NotShown);
    }

    [Fact]
    public void Named_tasks_are_shown_alone_and_nothing_else_counts_as_left_out()
    {
        for (var i = 0; i < 25; i++)
        {
            _temp.Put(TimedQueue.Complete(i, ago: 100 - i));
        }

        _temp.Put(TimedQueue.Pending(30));
        _temp.Put(TimedQueue.Pending(31));
        var view = _temp.View(new StatusFilter { Ids = [TimedQueue.Id(0), TimedQueue.Id(31)] });
        Assert.Equal([31, 0], Numbers(view));
        Assert.Equal(0, view.NotShown);
    }

    [Fact]
    public void A_state_and_a_name_must_both_fit()
    {
        _temp.Put(TimedQueue.Complete(1, ago: 1));
        _temp.Put(TimedQueue.Failed(2, ago: 1));
        _temp.Put(TimedQueue.Complete(3, ago: 1));
        var complete = new StatusFilter { States = [StateView.Complete] };
        TaskId[] named = [TimedQueue.Id(1), TimedQueue.Id(2)];
        Assert.Equal([1], Numbers(_temp.View(complete with { Ids = [.. named] })));
    }

    [Fact]
    public void A_pending_task_whose_lock_is_held_is_starting()
    {
        _temp.Put(TimedQueue.Pending(1));
        using (_temp.Queue.TryLockTask(TimedQueue.Id(1)))
        {
            var view = _temp.View();
            Assert.True(view.Tasks[0].IsStarting);
            Assert.Equal(1, view.Counts.Running);
            Assert.Equal(0, view.Counts.Pending);
        }

        Assert.False(_temp.View().Tasks[0].IsStarting);
    }

    [Fact]
    public void A_task_file_that_cannot_be_read_is_told_and_the_others_are_shown()
    {
        _temp.Put(TimedQueue.Pending(1));
        TimedQueue.Write(_temp.Queue.TaskFile(TimedQueue.Id(2)), "{");
        var view = _temp.View();
        Assert.Equal([1], Numbers(view));
        Assert.Equal(TimedQueue.Id(2), Assert.Single(view.Unreadable).Id);
        Assert.Empty(_temp.View(new StatusFilter { Ids = [TimedQueue.Id(1)] }).Unreadable);
    }

    [Fact]
    public void A_named_task_is_also_shown_from_the_archive()
    {
        Directory.CreateDirectory(_temp.Queue.Archive);
        _temp.Put(TimedQueue.Complete(1, ago: 5));
        File.Move(
            _temp.Queue.TaskFile(TimedQueue.Id(1)),
            _temp.Queue.ArchivedTask(TimedQueue.Id(1))
        );
        Assert.Empty(_temp.View().Tasks);
        Assert.Equal([1], Numbers(_temp.View(new StatusFilter { Ids = [TimedQueue.Id(1)] })));
    }

    [Fact]
    public void The_next_change_is_the_first_back_off_to_end()
    {
        Assert.Null(_temp.View().NextChange);
        _temp.Put(
            TimedQueue.Pending(1) with
            {
                State = new TaskState.Pending(NotBefore: TimedQueue.Now.AddSeconds(9)),
            }
        );
        _temp.Put(TimedQueue.Failed(2, ago: 0) with { AutoRetry = true, RetryCount = 2 });
        Assert.Equal(TimedQueue.Now.AddSeconds(4), _temp.View().NextChange);
        Assert.Equal(TimedQueue.Now.AddSeconds(9), _temp.View(later: 5).NextChange);
    }

    [Theory]
    [InlineData(3, 9)]
    [InlineData(9, 3)]
    [InlineData(3, 3)]
    [InlineData(3, null)]
    [InlineData(null, 3)]
    public void The_next_change_is_the_first_whichever_task_it_is_of(int? one, int? other)
    {
        foreach (var (number, wait) in ((int, int?)[])[(1, one), (2, other)])
        {
            _temp.Put(
                TimedQueue.Pending(number) with
                {
                    State = new TaskState.Pending(
                        NotBefore: wait is { } s ? TimedQueue.Now.AddSeconds(s) : null
                    ),
                }
            );
        }

        Assert.Equal(TimedQueue.Now.AddSeconds(3), _temp.View().NextChange);
    }

    [Fact]
    public void A_back_off_that_is_not_shown_is_waited_for_too()
    {
        _temp.Put(
            TimedQueue.Pending(1) with
            {
                State = new TaskState.Pending(NotBefore: TimedQueue.Now.AddSeconds(3)),
            }
        );
        _temp.Put(TimedQueue.Pending(2) with { Priority = 9 });
        var view = _temp.View(new StatusFilter { Limit = 1 });
        Assert.Equal([2], Numbers(view));
        Assert.Equal(TimedQueue.Now.AddSeconds(3), view.NextChange);
    }

    [Fact]
    public void A_queue_that_was_never_used_is_empty()
    {
        var nowhere = new QueueFolder(
            Path.Join(_temp.Queue.ProjectRoot, "nowhere"),
            ProjectQueue.RealDisk
        );
        var view = StatusView.Of(
            nowhere,
            QueueSnapshot.Take(nowhere),
            new StatusFilter(),
            TimedQueue.Now
        );
        Assert.Equal(new StatusCounts(), view.Counts);
        Assert.False(Directory.Exists(nowhere.ProjectRoot));
    }

    private static AgentTask Cancelled(int number) =>
        TimedQueue.Pending(number) with
        {
            State = new TaskState.Cancelled(null, TimedQueue.Now),
        };

    private static System.Collections.Immutable.ImmutableSortedDictionary<
        string,
        string
    > TempLabels(string key, string value) =>
        System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add(
            key,
            value
        );

    private static IEnumerable<int> Numbers(StatusView view) =>
        view.Tasks.Select(t =>
            (int)(
                long.Parse(
                    t.Id.Value.AsSpan(TaskId.Prefix.Length),
                    System.Globalization.CultureInfo.InvariantCulture
                ) - 1737000000000
            )
        );
}
