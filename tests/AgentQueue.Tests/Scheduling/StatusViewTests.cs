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

        Assert.Equal(
            new StatusCounts
            {
                Pending = 3,
                Held = 1,
                Waiting = 1,
                Running = 2,
                WithTimeout = 1,
                NearTimeout = 1,
                Failed = 2,
                AutoRetry = 1,
                TimedOut = 1,
            },
            _temp.View(new StatusFilter { States = [StateView.Cancelled] }).Counts
        );
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
