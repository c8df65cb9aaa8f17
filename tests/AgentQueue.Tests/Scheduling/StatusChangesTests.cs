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

    private StatusChanges Changes(StatusFilter filter) => new(_temp.Queue, filter);

    private IEnumerable<string> Next(StatusChanges changes) =>
        changes
            .Next(_temp.Take(), TimedQueue.Now)
            .Select(c => $"{c.Id.Value[^1]} {c.From} -> {c.To}");
}
