using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Support;

/// <summary>Tasks of every shape, the same for the same seed.</summary>
internal sealed class RandomTasks(int seed)
{
    private readonly Random _random = new(seed);
    private int _ids;

    public AgentTask Next()
    {
        var id = NextId();
        return new AgentTask
        {
            Id = id,
            Agent = Text(),
            Prompt = Text(),
            CreatedAt = Moment(),
            Name = Maybe(Text),
            Labels = Map(Text),
            WorkingFolder = Maybe(Text),
            Environment = Map(() => _random.Next(3) == 0 ? null : Text()),
            Timeout = MaybeValue(Seconds),
            TimeoutWarning = MaybeValue(Seconds),
            IdleTimeout = MaybeValue(Seconds),
            Priority = _random.Next(1, 11),
            RetryCount = _random.Next(5),
            MaxRetries = _random.Next(5),
            AutoRetry = _random.Next(2) == 0,
            Parent = MaybeValue(NextId),
            RetryHistory =
            [
                .. Enumerable
                    .Range(0, _random.Next(3))
                    .Select(_ => new RetryRecord(
                        _random.Next(9),
                        Moment(),
                        Maybe(Text),
                        MaybeValue(NextId)
                    )),
            ],
            DependsOn = Ids(),
            AfterAny = Ids(),
            AfterNotOk = Ids(),
            DependenciesMet = Ids(),
            Attempt = _random.Next(4),
            Step = _random.Next(2) == 0 ? null : Step(),
            Checks = _random.Next(2) == 0 ? null : Checks(),
            Options = _random.Next(2) == 0 ? null : Options(),
            Worktree = _random.Next(2) == 0 ? null : Worktree(),
            State = State(),
            Unknown =
            [
                .. Enumerable
                    .Range(0, _random.Next(3))
                    .Select(i =>
                        KeyValuePair.Create(
                            $"x-{i}-{_random.Next(100)}",
                            JsonDocument
                                .Parse(
                                    _random.Next(3) switch
                                    {
                                        0 => "1.50",
                                        1 => """{"a":[true,null,"\u00e9"]}""",
                                        _ => "\"text\"",
                                    }
                                )
                                .RootElement.Clone()
                        )
                    ),
            ],
        };
    }

    private WorkChecks Checks() =>
        new()
        {
            Commands = [.. Enumerable.Range(0, _random.Next(3)).Select(_ => Texts())],
            Outputs = _random.Next(2) == 0,
            Changes = _random.Next(2) == 0,
            Clean = _random.Next(2) == 0,
            FixAttempts = _random.Next(3),
        };

    private AgentOptions Options() =>
        new()
        {
            Model = Maybe(Text),
            Permission = MaybeValue(() => (Permission)_random.Next(3)),
            Session = Maybe(Text),
            FollowUp = Maybe(Text),
            Continues = MaybeValue(NextId),
            OnLimit =
                _random.Next(2) == 0 ? null
                : _random.Next(2) == 0 ? new LimitPolicy(true)
                : new LimitPolicy(false, "codex"),
            MaxUsd = MaybeValue(() => _random.Next(1000) / 100m),
            MaxTokens = MaybeValue(() => (long)_random.Next(1000)),
            MaxTurns = MaybeValue(() => _random.Next(1000)),
            StartTimeout = MaybeValue(Fraction),
            Fallback = _random.Next(2) == 0 ? null : Texts(),
            TimesPutOff = _random.Next(3),
        };

    private Worktree Worktree() =>
        new()
        {
            Branch = Maybe(Text),
            Base = Maybe(Text),
            Commit = Maybe(Text),
            Path = Maybe(Text),
            Tip = Maybe(Text),
            Outcome = Maybe(Text),
        };

    private PlanStep Step() =>
        new()
        {
            Node = Text(),
            Command = Texts(),
            Backoff =
            [
                .. Enumerable
                    .Range(0, _random.Next(3))
                    .Select(_ => _random.Next(4) == 0 ? TimeSpan.Zero : Fraction()),
            ],
            Outputs = Texts(),
            ArtifactsFolder = Maybe(Text),
            When =
                _random.Next(2) == 0
                    ? null
                    : new StepCondition(NextId(), Maybe(Text), Maybe(Text), Maybe(Text)),
            Approval = Maybe(Text),
        };

    private TaskState State()
    {
        var exit = MaybeValue(() => _random.Next(256));
        return _random.Next(5) switch
        {
            0 => new TaskState.Pending(_random.Next(2) == 0, MaybeValue(Moment))
            {
                BlockedBy = MaybeValue(NextId),
                BlockedReason = Maybe(Text),
                Question = Maybe(Text),
                Limit = Maybe(Text),
            },
            1 => new TaskState.Running(Moment(), MaybeValue(() => _random.Next(1, 99999))),
            2 => new TaskState.Complete(MaybeValue(Moment), Moment())
            {
                ExitCode = exit,
                Note = Maybe(Text),
            },
            3 => new TaskState.Failed(MaybeValue(Moment), Moment(), Text(), Text())
            {
                ExitCode = exit,
                TimedOutAt = MaybeValue(Moment),
                ErrorClass = Maybe(Text),
                NoRetry = Maybe(Text),
                FallbackTo = Maybe(Text),
                RetriedBy = MaybeValue(NextId),
                RetriedAt = MaybeValue(Moment),
                RetryIntent = MaybeValue(NextId),
            },
            _ => new TaskState.Cancelled(MaybeValue(Moment), Moment())
            {
                ExitCode = exit,
                Skipped = Maybe(Text),
                RetriedBy = MaybeValue(NextId),
                RetriedAt = MaybeValue(Moment),
                RetryIntent = MaybeValue(NextId),
            },
        };
    }

    private ImmutableArray<string> Texts() =>
        [.. Enumerable.Range(0, _random.Next(3)).Select(_ => Text())];

    private TaskId NextId() => TaskId.Parse($"task_{seed % 1000:d3}-{_ids++:d4}");

    private ImmutableArray<TaskId> Ids() =>
        [.. Enumerable.Range(0, _random.Next(3)).Select(_ => NextId())];

    private ImmutableSortedDictionary<string, T> Map<T>(Func<T> value) =>
        Enumerable
            .Range(0, _random.Next(3))
            .ToImmutableSortedDictionary(
                i => $"k{i}{Text()}",
                _ => value(),
                StringComparer.Ordinal
            );

    private string Text()
    {
        string[] parts =
        [
            "a",
            " ",
            "\n",
            "\"",
            "\\",
            "/",
            "<b>",
            "é",
            "e\u0301",
            "漢",
            "😀",
            "\u001b[2J",
            "\u202e",
            "\u2028",
            "\0",
            "\u007f",
            "{0}",
            "'",
            "\t",
            "\ufeff",
        ];
        var text = new StringBuilder("t");
        for (var i = _random.Next(8); i > 0; i--)
        {
            text.Append(parts[_random.Next(parts.Length)]);
        }

        return text.ToString();
    }

    private DateTimeOffset Moment() =>
        FakeTime.Start.AddMilliseconds(_random.NextInt64(-1_000_000_000_000, 1_000_000_000_000));

    private TimeSpan Seconds() =>
        _random.Next(2) == 0 ? TimeSpan.FromSeconds(_random.Next(1, 1_000_000)) : Fraction();

    private TimeSpan Fraction() => TimeSpan.FromMilliseconds(_random.Next(1, 100_000_000));

    private string? Maybe(Func<string> make) => _random.Next(2) == 0 ? null : make();

    private T? MaybeValue<T>(Func<T> make)
        where T : struct => _random.Next(2) == 0 ? null : make();
}
