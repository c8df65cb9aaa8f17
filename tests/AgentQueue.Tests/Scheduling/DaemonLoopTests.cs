using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class DaemonLoopTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_never = TimeSpan.FromHours(1);
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private readonly TempQueue _temp = new();
    private readonly SemaphoreSlim _passes = new(0);

    public void Dispose()
    {
        _temp.Dispose();
        _passes.Dispose();
    }

    [Theory]
    [InlineData(null, 5000)]
    [InlineData(2000, 2000)]
    [InlineData(9000, 5000)]
    [InlineData(0, 10)]
    [InlineData(-60_000, 10)]
    [InlineData(10, 10)]
    [InlineData(11, 11)]
    public void It_waits_for_the_next_back_off_but_never_longer_than_the_interval(
        int? dueInMs,
        int expectedMs
    )
    {
        DateTimeOffset? due = dueInMs is { } ms ? s_now.AddMilliseconds(ms) : null;

        Assert.Equal(
            TimeSpan.FromMilliseconds(expectedMs),
            DaemonLoop.WaitFor(s_now, due, TimeSpan.FromSeconds(5))
        );
    }

    [Fact]
    public async Task A_new_task_is_seen_at_once_and_told()
    {
        var told = new TaskCompletionSource<QueueEvent>();
        var loop = Loop();
        var running = Start(
            loop,
            tell: news =>
            {
                if (news.Count > 0)
                {
                    told.TrySetResult(Assert.Single(news));
                }
            }
        );
        await Passed();

        _temp.Add("a");
        var first = await told.Task.WaitAsync(s_patience);
        loop.Stop();
        await running.WaitAsync(s_patience);

        Assert.IsType<QueueEvent.Queued>(first);
    }

    [Fact]
    public async Task Stopping_ends_a_long_wait_and_leaves_no_trace_of_the_process()
    {
        var loop = Loop();
        var running = Start(loop);
        await Passed();

        loop.Stop();
        await running.WaitAsync(s_patience);

        Assert.False(File.Exists(Path.Join(_temp.Queue.Run, "daemon")));
        Assert.NotNull(_temp.Queue.TryLockRun("daemon.lock"));
    }

    [Fact]
    public void Stopped_before_it_began_it_ends_at_once()
    {
        var loop = Loop();
        loop.Stop();

        loop.Run(s_never, () => { }, _ => { }, _ => { });

        Assert.Equal(0, _passes.CurrentCount);
    }

    [Fact]
    public void It_makes_the_queue_and_says_that_it_has_begun()
    {
        var folder = Path.Join(_temp.Root, "new");
        Directory.CreateDirectory(folder);
        var queue = new QueueFolder(folder, ProjectQueue.RealDisk, () => false);
        var loop = new DaemonLoop(queue, TimeProvider.System, () => Nothing);
        loop.Stop();

        var begun = 0;
        loop.Run(s_never, () => begun++, _ => { }, _ => { });

        Assert.Equal(1, begun);
        Assert.True(queue.Exists);
    }

    [Fact]
    public void What_its_first_pass_has_brought_about_is_told()
    {
        DaemonLoop? loop = null;
        var told = new List<QueueEvent>();
        loop = new DaemonLoop(
            _temp.Queue,
            TimeProvider.System,
            () =>
            {
                _temp.Add("a");
                return Nothing;
            }
        );

        loop.Run(
            s_never,
            () => { },
            news =>
            {
                told.AddRange(news);
                loop.Stop();
            },
            e => throw e
        );

        Assert.IsType<QueueEvent.Queued>(Assert.Single(told));
    }

    [Fact]
    public void Nothing_is_looked_at_again_before_the_interval_is_over()
    {
        DaemonLoop? loop = null;
        var passes = 0;
        loop = new DaemonLoop(
            _temp.Queue,
            TimeProvider.System,
            () =>
            {
                if (++passes == 3)
                {
                    loop!.Stop();
                }

                return Nothing;
            }
        );

        var begun = TimeProvider.System.GetTimestamp();
        loop.Run(TimeSpan.FromMilliseconds(150), () => { }, _ => { }, e => throw e);

        Assert.True(TimeProvider.System.GetElapsedTime(begun) >= TimeSpan.FromMilliseconds(300));
    }

    [Fact]
    public void Every_start_is_heard_to_its_word()
    {
        var task = _temp.Add("a");
        Heard[] starts = [new(), new()];
        DaemonLoop? loop = null;
        loop = new DaemonLoop(
            _temp.Queue,
            TimeProvider.System,
            () =>
            {
                loop!.Stop();
                return Nothing with { Started = [.. starts.Select(s => new StartedTask(task, s))] };
            }
        );

        loop.Run(s_never, () => { }, _ => { }, e => throw e);

        Assert.All(starts, static s => Assert.Equal(5, s.Patience?.TotalSeconds));
    }

    [Fact]
    public void A_daemon_that_is_only_beginning_has_no_name_yet()
    {
        using var held = _temp.Queue.TryLockRun("daemon.lock");

        var problem = Assert.Throws<QueueException>(() =>
            Loop().Run(s_never, () => { }, _ => { }, _ => { })
        );

        Assert.Contains("A daemon works on", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_daemon_refuses_and_names_the_first()
    {
        var first = Loop();
        var running = Start(first);
        await Passed();

        var begun = false;
        var problem = Assert.Throws<QueueException>(() =>
            Loop().Run(s_never, () => begun = true, _ => { }, _ => { })
        );
        first.Stop();
        await running.WaitAsync(s_patience);

        Assert.False(begun);
        Assert.Equal(ExitCode.Refused, problem.ExitCode);
        Assert.Contains($"pid {Environment.ProcessId}", problem.Message);
        Assert.Contains("daemon.lock", problem.Message);
    }

    [Fact]
    public async Task The_queue_is_free_while_it_waits()
    {
        var loop = Loop();
        var running = Start(loop);
        await Passed();

        using (_temp.Queue.LockQueue())
        {
            Assert.NotNull(_temp.Queue.TryLockRun("other.lock"));
        }

        loop.Stop();
        await running.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Trouble_is_told_once_and_does_not_end_it()
    {
        var told = 0;
        var failures = 3;
        var loop = new DaemonLoop(
            _temp.Queue,
            TimeProvider.System,
            () =>
            {
                _passes.Release();
                return failures-- > 0
                    ? throw new QueueException("The disk is full")
                    : new PassResult([], 0, 0, 0, null);
            }
        );
        var running = Start(loop, trouble: _ => told++, interval: TimeSpan.FromMilliseconds(10));
        for (var i = 0; i < 5; i++)
        {
            await Passed();
        }

        loop.Stop();
        await running.WaitAsync(s_patience);

        Assert.Equal(1, told);
    }

    private DaemonLoop Loop() =>
        new(
            _temp.Queue,
            TimeProvider.System,
            () =>
            {
                _passes.Release();
                return new PassResult([], 0, 0, 0, null);
            }
        );

    private static PassResult Nothing => new([], 0, 0, 0, null);

    private sealed class Heard : ISupervisorStart
    {
        public TimeSpan? Patience { get; private set; }

        public StartReport Await(TimeSpan patience)
        {
            Patience = patience;
            return new StartReport.Unknown();
        }
    }

    private static Task Start(
        DaemonLoop loop,
        Action<IReadOnlyList<QueueEvent>>? tell = null,
        Action<QueueException>? trouble = null,
        TimeSpan? interval = null
    ) =>
        Task.Factory.StartNew(
            () =>
                loop.Run(interval ?? s_never, () => { }, tell ?? (_ => { }), trouble ?? (_ => { })),
            TaskCreationOptions.LongRunning
        );

    private async Task Passed() => Assert.True(await _passes.WaitAsync(s_patience));
}
