using System.Collections.Immutable;
using AgentQueue.Agents;
using AgentQueue.Git;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// What a supervisor learns of an agent by what it prints, while it runs and when it has ended. Nothing of it may
/// keep the supervisor from its work: what cannot be learnt stays unknown.
/// </summary>
internal sealed class AgentReading
{
    private const int LongestShown = 500;

    private readonly QueueFolder _queue;
    private readonly AgentReader _reader;
    private readonly TimeProvider _clock;
    private readonly AgentStream _stream;
    private readonly LogFeed _log;
    private readonly LogFeed? _errors;
    private readonly AgentResult? _earlier;
    private readonly Usage _before;
    private readonly long _began;
    private TimeSpan? _lasted;

    private AgentReading(QueueFolder queue, AgentTask task, AgentReader reader, TimeProvider clock)
    {
        _queue = queue;
        _reader = reader;
        _clock = clock;
        _began = clock.GetTimestamp();
        _log = new LogFeed(queue.LogFile(task.Id));
        if (queue.ErrorLogFile(task.Id) is { } errors)
        {
            _errors = new LogFeed(errors);
        }

        var results = new Results(queue);
        _earlier =
            task.Attempt > 1 && results.Read(task.Id) is { } last && last.Attempt < task.Attempt
                ? last
                : null;
        // A session that is gone on with counts from its beginning.
        _before =
            task.Options?.Session is not null && reader.Adapter.Stream is { ResumedIsTotal: true }
                ? (
                    _earlier ?? (task.Options.Continues is { } other ? results.Read(other) : null)
                )?.SessionUsage
                    ?? new Usage()
                : new Usage();
        _stream = new AgentStream(reader.Adapter.Stream ?? new()) { SessionBefore = _before };
    }

    /// <summary>Null for an agent that is only a command.</summary>
    public static AgentReading? Of(
        QueueFolder queue,
        AgentTask task,
        AgentPlan plan,
        TimeProvider clock
    )
    {
        if (plan.Reader is not { } reader)
        {
            return null;
        }

        var reading = new AgentReading(queue, task, reader, clock);
        reading.SkipToEnd();
        return reading;
    }

    /// <summary>What an attempt has printed whose supervisor has died before it could say so.</summary>
    /// <param name="calls">One at least.</param>
    public static AgentReading OfLost(
        QueueFolder queue,
        AgentTask task,
        AgentReader reader,
        IReadOnlyList<AgentCall> calls,
        TimeProvider clock
    )
    {
        var reading = new AgentReading(queue, task, reader, clock)
        {
            _lasted = task.State is TaskState.Running { StartedAt: { } started }
                ? Max(clock.GetUtcNow() - started, TimeSpan.Zero)
                : TimeSpan.Zero,
        };
        for (var i = 0; i < calls.Count; i++)
        {
            if (i > 0)
            {
                reading.BeginFix();
            }

            reading.Place = calls[i].From;
            reading.Finish(calls[i].To);
        }

        return reading;
    }

    /// <summary>As far as the logs have been read.</summary>
    public LogPlace Place
    {
        get => new(_log.Next, _errors?.Next ?? 0);
        private set
        {
            _log.Next = value.Log;
            _errors?.Next = value.Errors;
        }
    }

    public StreamFacts Facts => _stream.Facts;

    /// <summary>The session to go on with; null where that cannot be done.</summary>
    public string? Session => _reader.Adapter.Resume is null ? null : _stream.Facts.Session;

    /// <summary>What this task has used so far, earlier attempts included.</summary>
    public Usage Used => (_earlier?.Usage ?? new Usage()) + (_stream.Used - _before);

    public int Turns => (_earlier?.Turns ?? 0) + _stream.Facts.CountedTurns + (Facts.Turns ?? 0);

    /// <summary>How often the agent was told what a check had said.</summary>
    public int FixAttempts { get; private set; }

    /// <summary>Reads what has been printed since the last look.</summary>
    public void Look()
    {
        _log.Read(_stream);
        _errors?.Read(_stream);
    }

    /// <summary>Its agent says that it is through, well or not.</summary>
    public bool HasEnded => Facts.HasEnded;

    /// <summary>Why the task may not go on, in a sentence; null if it may.</summary>
    public string? OverBudget(AgentPlan plan)
    {
        var used = Used;
        return plan.MaxUsd is { } usd && used.Cost > usd
                ? $"It has cost ${Config.NumberText.ToText(used.Cost.Value)}, and may cost ${Config.NumberText.ToText(usd)}"
            : plan.MaxTokens is { } tokens && used.Tokens > tokens
                ? $"It has used {used.Tokens} tokens, and may use {tokens}"
            : plan.MaxTurns is { } turns && Turns > turns
                ? $"It has taken {Turns} turns, and may take {turns}"
            : null;
    }

    /// <summary>The agent is started once more, in the same session.</summary>
    public void BeginFix()
    {
        FixAttempts++;
        _stream.BeginCall();
    }

    /// <summary>What stands there, and what checks print in between, is none of the agent's.</summary>
    public void SkipToEnd()
    {
        _log.SkipToEnd();
        _errors?.SkipToEnd();
    }

    /// <summary>Reads the rest, when the agent has ended.</summary>
    /// <param name="end">Where what it printed ends; null for the logs' end.</param>
    public void Finish(LogPlace? end = null)
    {
        _log.Read(_stream, end?.Log ?? long.MaxValue);
        _errors?.Read(_stream, end?.Errors ?? long.MaxValue);
        _stream.EndLine();
        try
        {
            if (
                _reader.Adapter.Stream is { UsageRules.IsEmpty: false }
                && _queue.Disk.Read(_reader.UsageFile, ResultJson.LongestFile)
                    is { Status: ReadStatus.Ok } read
            )
            {
                _stream.ReadUsage(read.Content.ToArray());
                _queue.Disk.Delete(_reader.UsageFile);
            }
        }
        catch (QueueException)
        {
            // It stays unknown.
        }
    }

    public AgentWord Word =>
        Facts.Error is not null ? AgentWord.Error
        : Facts.HasEnded ? AgentWord.Success
        : _reader.Adapter.Stream is not { HasEnd: true } ? AgentWord.None
        : AgentWord.Incomplete;

    /// <summary>Why its own account is none of a success; null if it is, or there is none.</summary>
    public string? Problem =>
        Word switch
        {
            AgentWord.Error => Facts.Error!.Message is { } message
                ? Short(message)
                : $"{_reader.Adapter.Title} reports an error{(Facts.Error.Status is { } s ? $" (HTTP {s})" : "")}",
            AgentWord.Incomplete when Facts.Lines == 0 =>
                $"{_reader.Adapter.Title} ended without doing anything{Said()}",
            AgentWord.Incomplete =>
                $"{_reader.Adapter.Title} broke off: its output has no end{Said()}",
            _ => null,
        };

    private string Said() =>
        _stream.NoiseTail is { Length: > 0 } noise ? $"; it wrote: {Short(noise)}" : "";

    /// <summary>What to show of a failure instead of the end of a log that is JSON; null if nothing is better.</summary>
    public string? Tail =>
        Facts.Error?.Message is { } message ? Short(message)
        : Facts.Lines > 0 && _stream.NoiseTail is { Length: > 0 } noise ? Short(noise)
        : Facts.Retried?.Message is { } retried ? Short(retried)
        : Facts.Text is { } said ? $"it had said: {Short(said)}"
        : null;

    /// <summary>The class of what went wrong.</summary>
    /// <param name="seen">What agentq has seen itself, as a class; null to read it from the output.</param>
    public ReadError ErrorOf(string? seen, ExitStatus? exit)
    {
        var read = ErrorReading.Of(_reader.Adapter, _reader.Shared, Facts, _stream.NoiseTail, exit);
        // Some wait for the end of a limit in silence; who got on after it is only silent.
        var waits =
            seen == ErrorClass.Stalled
            && ErrorClass.IsLimit(read.Class)
            && (Facts.Retried is not null || Facts.Lines == 0);
        if (seen is not null && !waits)
        {
            return new ReadError(
                seen,
                seen == ErrorClass.Unknown ? Confidence.Guess : Confidence.Certain,
                Facts.Error?.Message
            );
        }

        return read.Class == ErrorClass.Unknown && exit is { Signal: not null }
            ? new ReadError(ErrorClass.Killed, Confidence.Certain, null)
            : read;
    }

    /// <summary>When the account is served again, as far as the agent said.</summary>
    public DateTimeOffset? ResetsAt =>
        ResetTime.Of(Facts, _stream.NoiseTail, _clock.GetUtcNow(), _clock.LocalTimeZone);

    /// <param name="error">Null if the task has ended well.</param>
    public AgentResult Result(
        AgentTask task,
        ImmutableArray<ResultFile>? files,
        ExitStatus? exit,
        ReadError? error,
        (Verification State, string? Message) verification
    ) =>
        new()
        {
            Task = task.Id,
            Attempt = task.Attempt,
            Agent = task.Agent,
            Adapter = _reader.Adapter.Name,
            EndedAt = _clock.GetUtcNow(),
            Model = Facts.Model ?? task.Options?.Model,
            Text = Facts.Text,
            Session = Facts.Session ?? task.Options?.Session,
            Turns = Turns > 0 || Facts.Turns is not null ? Turns : null,
            ToolCalls = _reader.Adapter.Stream is null
                ? null
                : (_earlier?.ToolCalls ?? 0) + Facts.ToolCalls,
            Files = Join(_earlier?.Files, files),
            Usage = Used,
            SessionUsage = _reader.Adapter.Stream is { ResumedIsTotal: true }
                ? _stream.Used
                : new Usage(),
            Duration =
                (_earlier?.Duration ?? TimeSpan.Zero) + (_lasted ?? _clock.GetElapsedTime(_began)),
            Exit = exit,
            Word = Word,
            WordMessage = Problem,
            Verification = verification.State,
            VerificationMessage = verification.Message,
            FixAttempts = FixAttempts,
            Error = error,
            ResetsAt = error is not null && ErrorClass.IsLimit(error.Class) ? ResetsAt : null,
        };

    private static ImmutableArray<ResultFile>? Join(
        ImmutableArray<ResultFile>? earlier,
        ImmutableArray<ResultFile>? now
    ) =>
        earlier is not { } old ? now
        : now is not { } added ? earlier
        : [.. old.Where(o => !added.Any(a => a.Path == o.Path)), .. added];

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static string Short(string text)
    {
        text = text.Trim();
        return text.Length > LongestShown ? "…" + text[^LongestShown..] : text;
    }
}

/// <summary>The repository that an agent works in, as it was before it began.</summary>
internal sealed class WorkTree
{
    private readonly GitRepository _repository;
    private readonly TreeState _before;
    private readonly string? _queue;

    private WorkTree(GitRepository repository, TreeState before, string? queue)
    {
        _repository = repository;
        _before = before;
        _queue = queue;
    }

    /// <summary>Null outside of a repository, or if git cannot tell.</summary>
    /// <param name="queueFolder">What agentq keeps there is nobody's work.</param>
    public static WorkTree? Of(string folder, string queueFolder, TimeProvider clock)
    {
        try
        {
            if (GitRepository.Find(folder, clock) is not { } repository)
            {
                return null;
            }

            var queue = PathIn(repository.Top, queueFolder);
            return new WorkTree(repository, TreeState.Of(repository, queue), queue);
        }
        catch (QueueException)
        {
            return null;
        }
    }

    // git tells the top without any links in its path.
    private static string? PathIn(string top, string folder)
    {
        var path = Path.GetRelativePath(
                ExcludedFolders.RealPath(top) ?? top,
                ExcludedFolders.RealPath(folder) ?? folder
            )
            .Replace(Path.DirectorySeparatorChar, '/');
        return
            path is "." or ".."
            || path.StartsWith("../", StringComparison.Ordinal)
            || Path.IsPathRooted(path)
            ? null
            : path;
    }

    /// <summary>What has changed since, and the paths of what is left uncommitted; null if git cannot tell.</summary>
    public (ImmutableArray<ResultFile> Files, ImmutableArray<string> Uncommitted)? Look()
    {
        try
        {
            var now = TreeState.Of(_repository, _queue);
            return (
                [
                    .. TreeState
                        .Changes(_repository, _before, now)
                        .Select(static f => new ResultFile(f.Path, WordOf(f.Kind))),
                ],
                [.. now.Uncommitted]
            );
        }
        catch (QueueException)
        {
            return null;
        }
    }

    private static string WordOf(ChangeKind kind) =>
        kind switch
        {
            ChangeKind.Added => "added",
            ChangeKind.Deleted => "deleted",
            ChangeKind.Renamed => "renamed",
            _ => "modified",
        };
}
