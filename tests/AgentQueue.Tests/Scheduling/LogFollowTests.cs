using System.Text;
using AgentQueue.Native;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

/// <summary>
/// The files and their watch are real, the clock is not: whatever happens, happens while the sink pauses.
/// </summary>
public sealed class LogFollowTests : IDisposable
{
    private readonly TempQueue _temp = new();
    private readonly FakeTime _time = new();
    private readonly AgentTask _task;

    public LogFollowTests() => _task = _temp.Add("a");

    private string Log => _temp.Queue.LogFile(_task.Id);

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_log_is_followed_from_before_its_task_starts_to_its_end()
    {
        var sink = new Sink(
            () => _time.Advance(TimeSpan.FromSeconds(1)),
            () => File.AppendAllText(Log, "one\n"),
            () => File.AppendAllText(Log, "two\n"),
            () =>
            {
                File.AppendAllText(Log, "three\n");
                End();
                _time.Advance(TimeSpan.FromSeconds(1));
            }
        );

        Assert.Equal(TaskStatus.Complete, Follow(sink)?.Status);
        Assert.Equal("one\ntwo\nthree\n", sink.Text);
        Assert.Equal(5, sink.Pauses);
    }

    [Theory]
    [InlineData(0, "one\ntwo\nthree\n")]
    [InlineData(2, "two\nthree\n")]
    public void The_log_of_a_task_that_has_ended_is_given_from_the_asked_line_on(
        int tail,
        string expected
    )
    {
        File.WriteAllText(Log, "one\ntwo\nthree\n");
        End();
        var sink = new Sink();

        Assert.Equal(TaskStatus.Complete, Follow(sink, tail)?.Status);
        Assert.Equal(expected, sink.Text);
        Assert.Equal(1, sink.Pauses);
    }

    [Fact]
    public void A_task_that_never_wrote_anything_ends_too()
    {
        End();
        var sink = new Sink();
        Assert.NotNull(Follow(sink));
        Assert.Equal("", sink.Text);
    }

    [Fact]
    public void Who_has_enough_gets_no_further_piece()
    {
        File.WriteAllText(Log, new string('x', 300_000));
        var sink = new Sink { MostPieces = 2 };

        Assert.Null(Follow(sink));
        Assert.Equal(2, sink.Pieces);
        Assert.Equal(1, sink.Pauses);
    }

    [Fact]
    public void However_much_is_written_the_task_is_read_ten_times_a_second()
    {
        var sink = new Sink(
            () =>
            {
                End();
                _time.Advance(TimeSpan.FromMilliseconds(99));
            },
            () =>
            {
                File.AppendAllText(Log, "one\n");
                _time.Advance(TimeSpan.FromMilliseconds(1));
            }
        );

        Assert.NotNull(Follow(sink));
        Assert.Equal(3, sink.Pauses);
        Assert.Equal("one\n", sink.Text);
    }

    [Fact]
    public void Without_a_sign_it_sleeps()
    {
        var sink = new Sink(Nothing, Nothing, Nothing) { MostPauses = 4 };
        var begun = TimeProvider.System.GetTimestamp();

        Assert.Null(Follow(sink));

        Assert.True(TimeProvider.System.GetElapsedTime(begun) >= TimeSpan.FromMilliseconds(200));

        static void Nothing() { }
    }

    // Its agent keeps the log open. A second's sleep each would make a minute of it.
    [Fact]
    public void A_log_that_grows_is_read_at_once()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var agent = new FileStream(
            Log,
            FileMode.Append,
            FileAccess.Write,
            FileShare.ReadWrite
        );
        var sink = new Sink
        {
            MostPauses = 60,
            EachPause = () =>
            {
                agent.WriteByte((byte)'x');
                agent.Flush();
                _time.Advance(TimeSpan.FromSeconds(1));
            },
        };
        var begun = TimeProvider.System.GetTimestamp();

        Assert.Null(Follow(sink));

        Assert.Equal(new string('x', 59), sink.Text);
        Assert.InRange(TimeProvider.System.GetElapsedTime(begun).TotalSeconds, 0, 30);
    }

    [Fact]
    public unsafe void A_reader_that_goes_away_ends_the_sleep()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var ends = stackalloc int[2];
        Assert.Equal(0, Pipes.Make(ends));
        Pipes.Close(ends[0]);
        try
        {
            var sink = new Sink
            {
                MostPauses = 60,
                EachPause = () => _time.Advance(TimeSpan.FromSeconds(1)),
            };
            var begun = TimeProvider.System.GetTimestamp();

            Assert.Null(Follow(sink, output: ends[1]));

            Assert.InRange(TimeProvider.System.GetElapsedTime(begun).TotalSeconds, 0, 30);
        }
        finally
        {
            Pipes.Close(ends[1]);
        }
    }

    [Fact]
    public void The_log_is_closed_at_the_end()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        File.WriteAllText(Log, "one\n");
        var during = 0;
        var sink = new Sink(() =>
        {
            during = OpenLogs();
            End();
            _time.Advance(TimeSpan.FromSeconds(1));
        });

        Follow(sink);

        Assert.Equal((1, 0), (during, OpenLogs()));

        int OpenLogs() =>
            Directory
                .EnumerateFileSystemEntries("/proc/self/fd")
                .Count(f => new FileInfo(f).LinkTarget == Log);
    }

    private AgentTask? Follow(ILogSink sink, int tail = 0, int output = -1)
    {
        var project = new ProjectQueue(_temp.Root, _time);
        return project.LogFollow.Until(_task.Id, tail, sink, output);
    }

    private void End() => _temp.Change(_task, TempQueue.Complete());

    /// <summary>Takes all, and lets something happen at each pause.</summary>
    private sealed class Sink(params Action[] script) : ILogSink
    {
        private readonly StringBuilder _text = new();

        public string Text => _text.ToString();
        public int Pieces { get; private set; }
        public int Pauses { get; private set; }
        public int MostPieces { get; init; } = int.MaxValue;

        /// <summary>With one that waits in vain the test fails, instead of never ending.</summary>
        public int MostPauses { get; init; } = 100;
        public Action? EachPause { get; init; }

        public bool IsClosed => Pieces >= MostPieces || Pauses >= MostPauses;

        public void Take(ReadOnlySpan<byte> piece)
        {
            Pieces++;
            _text.Append(Encoding.UTF8.GetString(piece));
        }

        public void Pause()
        {
            EachPause?.Invoke();
            if (Pauses++ < script.Length)
            {
                script[Pauses - 1]();
            }
        }
    }
}
