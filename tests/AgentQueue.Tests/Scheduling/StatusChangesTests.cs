using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class StatusChangesTests : IDisposable
{
    private readonly TimedQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void What_is_there_at_first_is_no_change()
    {
        _temp.Put(TimedQueue.Pending(1));
        var changes = Changes(new StatusFilter());
        Assert.Empty(Next(changes));
        Assert.Empty(Next(changes));
    }

    [Fact]
    public void Each_change_is_told_once()
    {
        _temp.Put(TimedQueue.Pending(1));
        _temp.Put(TimedQueue.Complete(2, ago: 1));
        var changes = Changes(new StatusFilter());
        Next(changes);

        _temp.Put(TimedQueue.Running(1, elapsed: 1));
        _temp.Put(TimedQueue.Pending(3) with { State = new TaskState.Pending(Held: true) });
        File.Delete(_temp.Queue.TaskFile(TimedQueue.Id(2)));

        Assert.Equal(
            ["1 pending -> running", "2 complete -> gone", "3 new -> held"],
            Next(changes)
        );
        Assert.Empty(Next(changes));
    }

    [Fact]
    public void Only_what_was_asked_for_is_told()
    {
        var changes = Changes(new StatusFilter { Agents = ["coder"], States = [StateView.Failed] });
        Next(changes);
        _temp.Put(TimedQueue.Failed(1, ago: 1));
        _temp.Put(TimedQueue.Failed(2, ago: 1) with { Agent = "coder" });
        _temp.Put(TimedQueue.Pending(3) with { Agent = "coder" });
        Assert.Equal(["2 new -> failed"], Next(changes));
    }

    [Fact]
    public void A_file_that_cannot_be_read_has_not_gone()
    {
        _temp.Put(TimedQueue.Pending(1));
        var changes = Changes(new StatusFilter());
        Next(changes);
        TimedQueue.Write(_temp.Queue.TaskFile(TimedQueue.Id(1)), "{");
        Assert.Empty(Next(changes));
    }

    [Fact]
    public void The_next_look_is_worth_it_when_the_first_back_off_ends()
    {
        var changes = Changes(new StatusFilter());
        _temp.Put(TimedQueue.Pending(1));
        Next(changes);
        Assert.Null(changes.NextChange);
        foreach (var (number, seconds) in new[] { (2, 9), (3, 4), (4, 6) })
        {
            _temp.Put(
                TimedQueue.Pending(number) with
                {
                    State = new TaskState.Pending(NotBefore: TimedQueue.Now.AddSeconds(seconds)),
                }
            );
        }

        Next(changes);
        Assert.Equal(TimedQueue.Now.AddSeconds(4), changes.NextChange);
    }

    [Fact]
    public void A_change_is_told_if_either_what_it_was_or_what_it_is_was_asked_for()
    {
        _temp.Put(TimedQueue.Pending(1));
        _temp.Put(TimedQueue.Pending(2));
        _temp.Put(TimedQueue.Pending(3));
        var running = Changes(new StatusFilter { States = [StateView.Running] });
        var second = Changes(new StatusFilter { Ids = [TimedQueue.Id(2)] });
        Next(running);
        Next(second);
        _temp.Put(TimedQueue.Running(1, elapsed: 1));
        _temp.Put(TimedQueue.Complete(2, ago: 1));
        Assert.Equal(["1 pending -> running"], Next(running));
        Assert.Equal(["2 pending -> complete"], Next(second));
        _temp.Put(TimedQueue.Complete(1, ago: 1));
        Assert.Equal(["1 running -> complete"], Next(running));
        Assert.Empty(Next(second));
    }

    [Fact]
    public void What_has_gone_is_told_unless_its_file_would_have_to_say_more()
    {
        _temp.Put(TimedQueue.Complete(1, ago: 1) with { Agent = "coder" });
        var any = Changes(new StatusFilter());
        var coder = Changes(new StatusFilter { Agents = ["coder"] });
        Next(any);
        Next(coder);
        File.Delete(_temp.Queue.TaskFile(TimedQueue.Id(1)));
        Assert.Equal(["1 complete -> gone"], Next(any));
        Assert.Empty(Next(coder));
    }

    private StatusChanges Changes(StatusFilter filter) => new(_temp.Queue, filter);

    private IEnumerable<string> Next(StatusChanges changes) =>
        changes
            .Next(_temp.Take(), TimedQueue.Now)
            .Select(c => $"{c.Id.Value[^1]} {c.From} -> {c.To}");
}
