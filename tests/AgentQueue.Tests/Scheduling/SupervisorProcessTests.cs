using System.IO.Pipes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class SupervisorProcessTests : IDisposable
{
    private readonly World _world = new();
    private readonly Line _line = new();

    public void Dispose() => _line.Dispose();

    [Fact]
    public void Whoever_started_it_is_told_as_soon_as_the_agent_lives_and_never_again()
    {
        Put("a", "b");
        StartDrain();
        var then = (Words: 0, IsClosed: false);
        _world.Time.Plan(
            TimeSpan.FromSeconds(0.5),
            () => then = (_line.Words.Count, _line.IsClosed)
        );

        Live("task_a");

        Assert.Equal((1, true), then);
        Assert.Equal(["started 100000"], _line.Words);
        Assert.Equal(2, _world.Host.Started.Count);
    }

    [Theory]
    [InlineData("task_a")]
    [InlineData(QueueScope.NoneWord)]
    public void Without_the_lock_of_a_task_it_runs_none_and_lets_its_launcher_go(string task)
    {
        Put("a");

        Live(task, withLock: false);

        Assert.Empty(_world.Host.Started);
        Assert.Equal(TaskStatus.Pending, _world.Read(TaskId.Parse("task_a")).Status);
        Assert.Empty(_line.Words);
        Assert.True(_line.IsClosed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void One_that_is_told_to_end_does_not_begin_with_the_next_task(int atTask)
    {
        Put("a", "b", "c");
        StartDrain();
        _world.Host.Script = _ =>
            _world.Host.Started.Count + 1 == atTask
                ? new FakeAgent().At(0.2, static a => a.TellSupervisorToEnd()).Exit(60)
                : new FakeAgent().Exit(0.2);

        Live("task_a");

        Assert.Equal(atTask, _world.Host.Started.Count);
    }

    [Fact]
    public void A_start_that_fails_by_the_files_is_told_and_nothing_else_is_begun()
    {
        Put("a", "b");
        StartDrain();
        var other = _world.Open("earlier attempt");
        using var alive = other.Disk.TryLock(
            other.Queue.AliveFile(TaskId.Parse("task_a")),
            create: true
        );

        Live("task_a");

        Assert.Equal(["failed Processes of an earlier attempt of task_a still live"], _line.Words);
        Assert.True(_line.IsClosed);
        Assert.Empty(_world.Host.Started);
        Assert.Equal(TaskStatus.Pending, _world.Read(TaskId.Parse("task_a")).Status);
    }

    [Fact]
    public void A_launch_that_failed_is_told_once_even_if_that_cannot_be_recorded()
    {
        Put("a");
        _world.Host.Script = static _ => new FakeAgent { LaunchError = "no such program" };
        _line.Told = () => _world.Disk.Capacity = 0;

        Live("task_a");

        Assert.Equal(["failed no such program"], _line.Words);
    }

    [Fact]
    public void As_long_as_it_lives_a_drain_is_not_deserted()
    {
        Put("a");
        var then = true;
        _world.Time.Plan(TimeSpan.FromSeconds(0.5), () => then = Drain().IsDeserted);

        Live("task_a");

        Assert.False(then);
        Assert.True(Drain().IsDeserted);
    }

    [Fact]
    public async Task The_pipe_carries_one_line_and_ends()
    {
        var (reader, pipe) = MakePipe();
        using var owned = reader;
        pipe.Tell("started 7");
        pipe.Dispose();

        using var text = new StreamReader(reader);
        // The patience is only for a pipe that was left open, on which a reader waits for ever.
        Assert.Equal(
            "started 7\n",
            await Task.Run(text.ReadToEnd).WaitAsync(TimeSpan.FromSeconds(10))
        );
    }

    [Fact]
    public void A_pipe_that_is_closed_twice_closes_nothing_that_has_its_number_now()
    {
        var (reader, pipe) = MakePipe();
        using var owned = reader;
        pipe.Dispose();
        var later = Enumerable.Range(0, 20).Select(static _ => MakePipe()).ToList();

        pipe.Dispose();

        foreach (var (end, line) in later)
        {
            line.Tell("x");
            line.Dispose();
            Assert.Equal('x', end.ReadByte());
            end.Dispose();
        }
    }

    private static (AnonymousPipeServerStream Reader, LauncherPipe Pipe) MakePipe()
    {
        var reader = new AnonymousPipeServerStream(PipeDirection.In);
        var number = reader.ClientSafePipeHandle.DangerousGetHandle();
        // From now on the line's.
        reader.ClientSafePipeHandle.SetHandleAsInvalid();
        return (reader, new LauncherPipe(number));
    }

    private void Put(params ReadOnlySpan<string> tokens)
    {
        foreach (var token in tokens)
        {
            _world.Put(_world.NewTask(token));
        }
    }

    private void StartDrain() => Drain().Begin(new(1));

    private Drain Drain() => new(_world.Open().Queue, QueueScope.None);

    private void Live(string task, bool withLock = true)
    {
        var own = _world.Open("supervisor");
        new SupervisorProcess(own.Queue, own.Supervisor, own.RunOf, _line).Live(
            task,
            withLock ? own.Queue.TryLockTask(TaskId.Parse(task)) : null
        );
    }

    private sealed class Line : ILauncherLine
    {
        public List<string> Words { get; } = [];
        public bool IsClosed { get; private set; }
        public Action? Told { get; set; }

        public void Tell(string word)
        {
            Words.Add(word);
            Told?.Invoke();
        }

        public void Dispose() => IsClosed = true;
    }
}
