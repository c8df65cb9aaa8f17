using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class VerdictWriterTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private static readonly DateTimeOffset s_started = FakeTime.Start.AddMinutes(-1);
    private static readonly DateTimeOffset s_ended = FakeTime.Start.AddMinutes(7);

    private readonly World _world = new();
    private readonly AgentTask _task;

    public VerdictWriterTests() =>
        _task = _world.Put(_world.NewTask("a") with { State = new TaskState.Running(s_started) });

    [Fact]
    public void Where_nothing_lies_nothing_is_gathered() =>
        Assert.Equal(
            new Evidence { Completion = Completion.Exit },
            Writer().Gather(s_id, Completion.Exit)
        );

    [Fact]
    public void A_request_and_a_marker_say_the_same()
    {
        Request(Requests.Cancel);
        Assert.True(Gather() is { CancelRequested: true, TimedOut: false, Stalled: false });
        Forget(Requests.Cancel);
        Request(Requests.Stalled);
        Assert.True(Gather() is { CancelRequested: false, TimedOut: false, Stalled: true });
        Forget(Requests.Stalled);
        Mark(Sentinel.Cancelled, "");
        Assert.True(Gather() is { CancelRequested: true, TimedOut: false, Stalled: false });
    }

    [Fact]
    public void A_deadline_names_its_limit_unless_a_hand_was_quicker()
    {
        Mark(Sentinel.Timeout, "{\"timeout\":90}");
        var late = Gather();
        Assert.Equal((true, TimeSpan.FromSeconds(90)), (late.TimedOut, late.TimeoutLimit));

        Request(Requests.Expire);
        var byHand = Gather();
        Assert.Equal((true, (TimeSpan?)null), (byHand.TimedOut, byHand.TimeoutLimit));
    }

    [Fact]
    public void What_the_caller_saw_counts_before_what_was_recorded()
    {
        Mark(Sentinel.ExitCode, "3\n");
        Assert.Equal(ExitStatus.Exited(3), Gather().Exit);
        Assert.Equal(
            ExitStatus.Killed(9),
            Writer().Gather(s_id, Completion.Auto, ExitStatus.Killed(9)).Exit
        );
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Every_outcome_is_recorded_with_its_times_its_exit_and_its_marker(int code)
    {
        var done = Record(new Evidence { Exit = ExitStatus.Exited(code), Done = true });
        var complete = Assert.IsType<TaskState.Complete>(done.State);
        Assert.Equal(
            (s_started, s_ended, code),
            (complete.StartedAt, complete.CompletedAt, complete.ExitCode)
        );
        Assert.Equal(code != 0, complete.Note is not null);
        Assert.Equal($"{code}\n", Marker(Sentinel.ExitCode));
        Assert.Equal("", Marker(Sentinel.Done));
        Assert.Equal(done.State, _world.Read(s_id).State);
    }

    [Fact]
    public void A_cancelled_task_keeps_its_exit_code()
    {
        var state = Assert.IsType<TaskState.Cancelled>(
            Record(new Evidence { CancelRequested = true, Exit = ExitStatus.Killed(15) }).State
        );
        Assert.Equal(
            (s_started, s_ended, 143),
            (state.StartedAt, state.CompletedAt, state.ExitCode)
        );
        Assert.Equal("", Marker(Sentinel.Cancelled));
    }

    [Fact]
    public void Only_a_timeout_has_a_moment_of_its_own()
    {
        var late = Failed(
            new Evidence { TimedOut = true, TimeoutLimit = TimeSpan.FromSeconds(90) }
        );
        Assert.Equal((Reason.Timeout, s_ended), (late.Reason, late.TimedOutAt));
        Assert.Contains("90", Marker(Sentinel.Timeout), StringComparison.Ordinal);

        var failed = Failed(new Evidence { Exit = ExitStatus.Exited(3) });
        Assert.Equal((Reason.Exit, (DateTimeOffset?)null), (failed.Reason, failed.TimedOutAt));
        Assert.Equal(3, failed.ExitCode);
        Assert.Contains("\"reason\":\"exit\"", Marker(Sentinel.Error), StringComparison.Ordinal);
    }

    [Fact]
    public void A_marker_that_is_there_is_left_as_it_is()
    {
        Mark(Sentinel.Error, "my own words");
        Failed(new Evidence { Error = new ErrorReport("my own words") });
        Assert.Equal("my own words", Marker(Sentinel.Error));
    }

    [Fact]
    public void An_exit_code_is_written_over_another_one_and_not_over_itself()
    {
        Mark(Sentinel.ExitCode, "7\n");
        Record(new Evidence { Exit = ExitStatus.Exited(3) });
        Assert.Equal("3\n", Marker(Sentinel.ExitCode));

        Mark(Sentinel.ExitCode, " 3\n");
        Record(new Evidence { Exit = ExitStatus.Exited(3) });
        Assert.Equal(" 3\n", Marker(Sentinel.ExitCode));
    }

    [Fact]
    public void Without_an_exit_none_is_recorded()
    {
        var failed = Failed(new Evidence());
        Assert.Null(failed.ExitCode);
        Assert.False(_world.Disk.Has(PathOf(Sentinel.ExitCode)));
    }

    [Fact]
    public void What_lay_in_run_goes_with_the_verdict()
    {
        Request(Requests.Cancel);
        Record(new Evidence { CancelRequested = true });
        Assert.False(_world.Disk.Has($"{World.Root}/.agents/run/{s_id}.{Requests.Cancel}"));
    }

    [Fact]
    public void If_nobody_says_when_it_ended_it_ends_now()
    {
        var task = Writer().Record(_task, new Evidence { Done = true });
        Assert.Equal(FakeTime.Start, Assert.IsType<TaskState.Complete>(task.State).CompletedAt);
    }

    [Fact]
    public void A_folder_in_the_place_of_the_exit_code_keeps_nobody_from_recording_it()
    {
        var own = _world.Open();
        own.Disk.CreateFolder(PathOf(Sentinel.ExitCode));
        var failed = Failed(new Evidence { Exit = ExitStatus.Exited(3) });
        Assert.Equal(3, failed.ExitCode);
        Assert.Equal("3\n", Marker(Sentinel.ExitCode));
    }

    [Fact]
    public void Only_a_bad_exit_is_explained_by_the_end_of_a_log_that_is_a_file()
    {
        using var temp = new TempQueue();
        var writer = new VerdictWriter(temp.Queue, TimeProvider.System);
        var log = temp.Queue.LogFile(s_id);
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        Assert.Null(Tail(ExitStatus.Exited(3)));

        File.WriteAllText(log, "1\n2\n3\n4\n5\n6\n");
        Assert.Equal("2\n3\n4\n5\n6", Tail(ExitStatus.Exited(3))?.Trim());
        Assert.Null(Tail(ExitStatus.Exited(0)));
        Assert.Null(Tail(null));

        File.Delete(log);
        Directory.CreateDirectory(log);
        Assert.Null(Tail(ExitStatus.Exited(3)));

        string? Tail(ExitStatus? exit) => writer.Gather(s_id, Completion.Auto, exit).LogTail;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_marker_without_content_finds_room_where_an_exit_code_does_not(bool isNoRoom)
    {
        var problem = new QueueException("refused") { IsNoRoom = isNoRoom };
        _world.Disk.Before = step =>
        {
            if (step.Kind == "write" && step.Path.Contains(".exitcode", StringComparison.Ordinal))
            {
                throw problem;
            }
        };
        Assert.Same(
            problem,
            Assert.Throws<QueueException>(() =>
                Record(new Evidence { Exit = ExitStatus.Exited(0) })
            )
        );
        // From a disk that fails in another way nothing more is asked.
        Assert.Equal(isNoRoom, _world.Disk.Has(PathOf(Sentinel.Done)));
        Assert.IsType<TaskState.Running>(_world.Read(s_id).State);

        _world.Disk.Before = null;
        Assert.IsType<TaskState.Complete>(
            Writer()
                .Record(_task, Writer().Gather(s_id, Completion.Auto, ExitStatus.Exited(0)))
                .State
        );
    }

    [Fact]
    public void A_marker_with_content_waits_for_the_exit_code_before_it()
    {
        _world.Disk.Before = static step =>
        {
            if (step.Kind == "write" && step.Path.Contains(".exitcode", StringComparison.Ordinal))
            {
                throw new QueueException("refused") { IsNoRoom = true };
            }
        };
        Assert.Throws<QueueException>(() => Record(new Evidence { Exit = ExitStatus.Exited(3) }));
        Assert.False(_world.Disk.Has(PathOf(Sentinel.Error)));
    }

    private VerdictWriter Writer() => new(_world.Open().Queue, _world.Time);

    private Evidence Gather() => Writer().Gather(s_id, Completion.Auto);

    private AgentTask Record(Evidence evidence) => Writer().Record(_task, evidence, s_ended);

    private TaskState.Failed Failed(Evidence evidence) =>
        Assert.IsType<TaskState.Failed>(Record(evidence).State);

    private void Request(string request) =>
        _world.Disk.Plant($"{World.Root}/.agents/run/{s_id}.{request}", "");

    private void Forget(string request) =>
        _world.Open().Disk.Delete($"{World.Root}/.agents/run/{s_id}.{request}");

    private void Mark(Sentinel kind, string content) => _world.Disk.Plant(PathOf(kind), content);

    private string Marker(Sentinel kind) => _world.Disk.Text(PathOf(kind));

    private static string PathOf(Sentinel kind) =>
        $"{World.Root}/.agents/tasks/{s_id}{SentinelNames.Extension(kind)}";
}
