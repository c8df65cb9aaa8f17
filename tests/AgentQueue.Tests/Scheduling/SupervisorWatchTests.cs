using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

/// <summary>What a supervisor does while its agent runs, and what it leaves for others to see.</summary>
public sealed class SupervisorWatchTests
{
    private const string Tasks = $"{World.Root}/.agents/tasks";
    private const string RunFolder = $"{World.Root}/.agents/run";
    private const string Log = $"{World.Root}/.agents/logs/task_a.log";

    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private readonly World _world = new();

    [Theory]
    [InlineData(null, 100, 10, 10)]
    [InlineData(null, 10, 5, 2)]
    [InlineData(null, null, 10, null)]
    [InlineData(7, 100, 10, 7)]
    public void A_task_is_near_its_limit_when_it_says_so_or_else_in_the_last_fifth_at_most(
        int? own,
        int? limit,
        int planned,
        int? expected
    )
    {
        _world.Planner.Change = p => p with { TimeoutWarning = TimeSpan.FromSeconds(planned) };
        var ended = Run(
            new FakeAgent().Exit(1),
            t => t with { TimeoutWarning = Seconds(own), Timeout = Seconds(limit) }
        );
        Assert.Equal(Seconds(expected), ended.TimeoutWarning);
    }

    [Fact]
    public void Whoever_started_it_is_told_how_the_start_went()
    {
        Assert.Equal(["started 100000"], Words(new FakeAgent().Exit(1)));
        Assert.Equal(["skipped"], Words(new FakeAgent().Exit(1)));
        _world.Put(_world.NewTask("a"));
        Assert.Equal(
            ["failed no such program"],
            Words(new FakeAgent { LaunchError = "no such program" })
        );
    }

    [Fact]
    public void A_task_that_needs_no_run_leaves_nothing_in_run()
    {
        Run(new FakeAgent().Exit(1));
        _world.Disk.Plant($"{RunFolder}/task_a.cancel", "");
        Assert.Null(_world.Open().Supervise(s_id));
        Assert.DoesNotContain(
            _world.Disk.FilesIn(RunFolder),
            static f => f.Name.StartsWith("task_a.", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_folder_in_the_place_of_a_private_file_keeps_no_agent_from_its_run()
    {
        _world.Put(_world.NewTask("a"));
        var own = _world.Open();
        own.Disk.CreateFolder(own.Queue.AliveFile(s_id));
        Assert.IsType<TaskState.Complete>(Run(new FakeAgent().Exit(1)).State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_prompt_lies_ready_and_is_the_input_only_where_the_plan_says_so(bool onInput)
    {
        _world.Put(_world.NewTask("a"));
        var path = _world.Open().Queue.PromptFile(s_id);
        _world.Disk.Plant(path, "of an earlier start that did not come so far");
        _world.Planner.Change = p =>
            p with
            {
                PromptFileContent = "do it",
                PromptOnInput = onInput,
            };
        var prompt = "";
        _world.Host.Launched = _ => prompt = _world.Disk.Text(path);
        Run(new FakeAgent().Exit(1));
        Assert.Equal("do it", prompt);
        Assert.Equal(onInput ? path : null, _world.Host.Started[0].Launch.InputFile);
    }

    [Fact]
    public void While_an_agent_runs_its_processes_and_how_to_judge_it_can_be_read()
    {
        _world.Planner.Change = static p => p with { Completion = Completion.Sentinel };
        RunIdentity? seen = null;
        Run(new FakeAgent().At(1, _ => seen = RunIdentity.Read(_world.Open().Queue, s_id)).Exit(2));
        Assert.Equal(
            new RunIdentity(
                ProcessIdentity.Own,
                _world.Host.Started[0].Identity,
                Completion.Sentinel
            ),
            seen! with
            {
                Calls = [],
            }
        );
    }

    [Theory]
    [InlineData(true, Reason.Timeout)]
    [InlineData(false, Reason.Stalled)]
    public void A_limit_ends_the_agent_to_the_moment_and_not_with_the_next_look(
        bool time,
        string reason
    )
    {
        Limit(time, 5.3);
        var ended = Run(new FakeAgent().Exit(60));
        Assert.Equal((5.3, reason), (Took(ended), Failed(ended).Reason));
    }

    [Fact]
    public void A_deadline_that_passes_between_two_looks_is_waited_for_no_more()
    {
        Limit(time: true, 5);
        _world.Disk.Before = step =>
        {
            if (step.Path == Log && _world.Time.Elapsed == TimeSpan.FromSeconds(4))
            {
                _world.Time.Advance(TimeSpan.FromSeconds(1.1));
            }
        };
        var ended = Run(new FakeAgent().Exit(60));
        Assert.Equal((5.1, Reason.Timeout), (Took(ended), Failed(ended).Reason));
    }

    [Theory]
    [InlineData(true, $"{Tasks}/task_a.timeout")]
    [InlineData(false, $"{RunFolder}/task_a.stalled")]
    public void Why_an_agent_is_ended_is_on_the_disk_before_it_is(bool time, string path)
    {
        Limit(time, 5);
        var seen = false;
        Run(
            new FakeAgent { IgnoresTerm = true }
                .At(6, _ => seen = _world.Disk.Has(path))
                .Exit(60)
        );
        Assert.True(seen);
    }

    [Fact]
    public void A_stall_that_could_not_be_written_down_is_known_all_the_same()
    {
        Limit(time: false, 5);
        _world.Disk.Before = Refuse(static s =>
            s.Kind == "write" && s.Path.Contains("stalled", Ordinal)
        );
        Assert.Equal("No output for 5s", Failed(Run(new FakeAgent().Exit(60))).Message);
    }

    [Theory]
    [InlineData(Requests.Cancel, "cancelled", false)]
    [InlineData(Requests.Cancel, "cancelled", true)]
    [InlineData(Requests.Expire, "failed", false)]
    [InlineData(Requests.Expire, "failed", true)]
    public void An_agent_that_somebody_asks_to_end_is_ended_at_once_also_on_a_full_disk(
        string request,
        string status,
        bool isFull
    )
    {
        var agent = new FakeAgent()
            .At(
                10.1,
                _ =>
                {
                    _world.Disk.Capacity = isFull ? 0 : long.MaxValue;
                    Requests.AskToEnd(_world.Open().Queue, s_id, request);
                    _world.Disk.Capacity = long.MaxValue;
                }
            )
            .Exit(60);
        var ended = Run(agent);
        Assert.Equal((status, 10.1), (TaskJson.NameOf(ended.Status), Took(ended)));
    }

    [Fact]
    public void After_its_word_an_agent_is_ended_when_its_while_is_over_and_not_later()
    {
        Assert.Equal(12, Took(Run(new FakeAgent().Drop(2, Sentinel.Done).Exit(60))));
    }

    [Fact]
    public void An_agent_that_is_quiet_is_looked_at_ever_less_until_it_prints_again()
    {
        var looks = new List<double>();
        _world.Disk.Before = step =>
        {
            if (step.Path == Log && step.Kind == "stat")
            {
                looks.Add(_world.Time.Elapsed.TotalSeconds);
            }
        };
        Run(new FakeAgent().Print(15).Exit(24));
        Assert.Equal(
            // The folders are told from what they will be three seconds after their last change.
            [.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 7, 9, 11, 13, 15, 15.5, 16.5, 18.5, 20.5, 22.5],
            looks
        );
    }

    [Fact]
    public void A_look_at_an_agent_around_which_nothing_happens_costs_four_questions()
    {
        var looks = new List<(double At, string Path)>();
        _world.Disk.Before = step => looks.Add((_world.Time.Elapsed.TotalSeconds, step.Path));
        Run(new FakeAgent().Exit(24));
        var lockFile = _world.Open().Queue.LockFile(s_id);
        Assert.All(
            looks.Where(static l => l.At is > 5 and < 24).GroupBy(static l => l.At),
            look => Assert.Equal([Tasks, RunFolder, lockFile, Log], look.Select(static l => l.Path))
        );
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Where_a_folder_does_not_tell_that_something_came_into_it_the_files_are_looked_for(
        bool tasksTell,
        bool runTells
    )
    {
        _world.Put(_world.NewTask("a"));
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        _world.Disk.Before = step =>
            _world.Disk.FoldersKeepTime = step.Path.StartsWith(Tasks, Ordinal)
                ? tasksTell
                : runTells;
        _world.Host.Script = _ =>
            new FakeAgent()
                .At(
                    10,
                    _ =>
                    {
                        _world.Disk.FoldersKeepTime = false;
                        _world.Disk.Plant(
                            tasksTell ? $"{RunFolder}/task_a.cancel" : $"{Tasks}/task_a.cancelled",
                            ""
                        );
                    }
                )
                .Exit(60);
        var ended = _world.Open().Supervise(s_id);
        Assert.IsType<TaskState.Cancelled>(ended?.State);
        Assert.InRange(Took(ended), 70, 72);
    }

    [Fact]
    public void A_disk_that_cannot_be_looked_at_for_a_while_ends_no_agent()
    {
        _world.Disk.Before = Refuse(s => s.Kind == "stat" && IsBetween(2, 6));
        var ended = Run(new FakeAgent().Exit(10));
        Assert.Equal(("complete", 10), (TaskJson.NameOf(ended.Status), Took(ended)));
    }

    [Fact]
    public void A_folder_that_cannot_be_looked_at_hides_nothing_that_lies_in_it()
    {
        _world.Disk.Before = Refuse(s => s.Path == Tasks && s.Kind == "stat" && IsBetween(4, 60));
        Assert.InRange(Took(Run(new FakeAgent().Drop(8, Sentinel.Cancelled).Exit(50))), 8, 8.5);
    }

    [Fact]
    public void A_log_that_cannot_be_looked_at_has_not_grown()
    {
        Limit(time: false, 5);
        _world.Disk.Before = Refuse(s => s.Path == Log && s.Kind == "stat" && IsBetween(2, 4));
        var ended = Run(new FakeAgent().Print(1).Exit(60));
        Assert.Equal((6, Reason.Stalled), (Took(ended), Failed(ended).Reason));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void More_time_is_granted_at_once_and_once_also_if_the_request_stays(bool stays)
    {
        Limit(time: true, 5);
        var extension = $"{RunFolder}/task_a.{Requests.ExtendPrefix}1";
        _world.Disk.Before = Refuse(s => stays && s.Kind == "delete" && s.Path == extension);
        TimeSpan? seen = null;
        var isThere = stays;
        var agent = new FakeAgent()
            .At(1, _ => Extend(10))
            .At(2, _ => isThere = _world.Disk.Has(extension))
            .At(3, _ => _world.Open().Queue.Knock(s_id))
            .At(
                4,
                _ =>
                {
                    seen = _world.Read(s_id).Timeout;
                    _world.Disk.Before = null;
                }
            )
            .Exit(60);
        Assert.Equal(15, Took(Run(agent)));
        Assert.Equal((Seconds(15), stays), (seen, isThere));
    }

    [Fact]
    public void More_time_whose_request_cannot_be_read_at_first_is_granted_later()
    {
        Limit(time: true, 5);
        _world.Disk.Refuses = s =>
            s.Contains(Requests.ExtendPrefix, Ordinal) && _world.Time.Elapsed < Seconds(3);
        Assert.Equal(15, Took(Run(new FakeAgent().At(1, _ => Extend(10)).Exit(60))));
    }

    [Fact]
    public void An_outcome_that_the_disk_does_not_take_is_given_up_after_a_minute()
    {
        var problem = new QueueException("Input/output error");
        Refuse(problem, from: 1, to: 1000);
        _world.Put(_world.NewTask("a"));
        Assert.Same(problem, Assert.Throws<QueueException>(() => _world.Open().Supervise(s_id)));
        // A second of work, and a pause of half a second before each of 120 tries but the first.
        Assert.Equal(60.5, _world.Time.Elapsed.TotalSeconds);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Only_where_there_is_no_room_it_is_said_that_the_agent_has_ended(bool isNoRoom)
    {
        Refuse(new QueueException("refused") { IsNoRoom = isNoRoom }, from: 1, to: 4);
        var looks = 0;
        var refuse = _world.Disk.Before;
        _world.Disk.Before = step =>
        {
            looks += step.Path == Log && _world.Time.Elapsed >= Seconds(1) ? 1 : 0;
            refuse?.Invoke(step);
        };
        LockWord? heard = null;
        int? exit = null;
        _world.Time.Plan(
            TimeSpan.FromSeconds(3),
            () =>
            {
                heard = _world.Open("look").Queue.HeardOf(s_id);
                exit = _world.Open("look").Queue.HeardExit(s_id);
            }
        );
        Assert.Equal(1, Took(Run(new FakeAgent().Exit(1))));
        Assert.Equal(4, _world.Time.Elapsed.TotalSeconds);
        Assert.Equal(isNoRoom ? LockWord.Ended : 0, heard);
        Assert.Equal(isNoRoom ? 0 : null, exit);
        // A log that has given up its older half has nothing more to give.
        Assert.Equal(1, looks);
    }

    [Fact]
    public void A_log_is_cut_while_its_agent_prints_and_once_more_when_it_has_ended()
    {
        const int Limit = 64 * 1024;
        using var temp = new TempQueue();
        temp.Add("a");
        _world.Planner.Change = static p => p with { LogLimit = Limit };
        var agent = new PrintingAgent(temp.Queue.LogFile(s_id), _world.Time);
        using var held = temp.Queue.TryLockTask(s_id);
        var ended = new Supervisor(temp.Queue, _world.Planner, agent, _world.Time).Run(
            s_id,
            static _ => { }
        );
        Assert.IsType<TaskState.Complete>(ended?.State);
        Assert.InRange(agent.Cut, 1, Limit);
        Assert.InRange(new FileInfo(temp.Queue.LogFile(s_id)).Length, 1, Limit);
    }

    /// <summary>Prints more than the limit at its first and its last moment, on a real disk.</summary>
    private sealed class PrintingAgent(string log, FakeTime time) : IAgentHost, IAgentProcess
    {
        private int _waits;

        /// <summary>How long its log was when the supervisor had seen it once.</summary>
        public long Cut { get; private set; }

        public ProcessIdentity Identity { get; } = new(ProcessIdentity.ThisMachine, 100_000, 1);

        public ExitStatus? Exit { get; private set; }

        public IAgentProcess Start(AgentLaunch launch) => this;

        public Wake Wait(TimeSpan limit)
        {
            time.Advance(limit);
            if (_waits++ == 1)
            {
                Cut = new FileInfo(log).Length;
                Exit = ExitStatus.Exited(0);
            }

            File.AppendAllLines(log, Enumerable.Repeat("a line of output", 10_000));
            return Exit is null ? Wake.None : Wake.AgentEnded;
        }

        public void EndAll(TimeSpan grace) { }

        public void EndLeftovers(TimeSpan grace) { }

        public void Dispose() { }
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static TimeSpan? Seconds(int? seconds) =>
        seconds is { } s ? TimeSpan.FromSeconds(s) : null;

    private void Limit(bool time, double seconds)
    {
        var limit = TimeSpan.FromSeconds(seconds);
        _world.Planner.Change = p =>
            time ? p with { Timeout = limit } : p with { IdleTimeout = limit };
    }

    private void Extend(int seconds) =>
        _world.Open().Queue.Request(s_id, Requests.ExtendPrefix + "1", $"{seconds}");

    private bool IsBetween(double from, double to) =>
        _world.Time.Elapsed.TotalSeconds is var now && now >= from && now < to;

    private static Action<DiskStep> Refuse(Predicate<DiskStep> which) =>
        step =>
        {
            if (which(step))
            {
                throw new QueueException($"Input/output error: {step}");
            }
        };

    /// <summary>The task's file cannot be written.</summary>
    private void Refuse(QueueException problem, double from, double to) =>
        _world.Disk.Before = step =>
        {
            if (
                step.Kind == "write"
                && step.Path.Contains(".task_a.json", Ordinal)
                && IsBetween(from, to)
            )
            {
                throw problem;
            }
        };

    private List<string> Words(FakeAgent agent)
    {
        if (!_world.Disk.Has($"{Tasks}/task_a.json"))
        {
            _world.Put(_world.NewTask("a"));
        }

        _world.Host.Script = _ => agent;
        var words = new List<string>();
        var own = _world.Open();
        using var held = own.Queue.TryLockTask(s_id);
        own.Supervisor.Run(s_id, words.Add);
        return words;
    }

    private AgentTask Run(FakeAgent agent, Func<AgentTask, AgentTask>? change = null)
    {
        _world.Host.Script = _ => agent;
        _world.Put(_world.NewTask("a", change));
        Assert.NotNull(_world.Open().Supervise(s_id));
        return _world.Read(s_id);
    }

    private static TaskState.Failed Failed(AgentTask task) =>
        Assert.IsType<TaskState.Failed>(task.State);

    private static double Took(AgentTask? task) =>
        task?.State is TaskState.Finished f ? (f.CompletedAt - FakeTime.Start).TotalSeconds : -1;
}
