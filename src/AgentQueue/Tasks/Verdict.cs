namespace AgentQueue.Tasks;

/// <summary>How an agent says that it is done; the <c>completion</c> setting.</summary>
internal enum Completion
{
    /// <summary>A sentinel or exit 0.</summary>
    Auto,

    /// <summary>The exit code alone; <c>.done</c> is ignored.</summary>
    Exit,

    /// <summary>Only <c>.done</c> is success.</summary>
    Sentinel,
}

/// <summary>What an agent, or a user, wrote into <c>.error</c>.</summary>
/// <param name="Message">One line or more; never empty.</param>
/// <param name="Reason">Set when agentq itself wrote the file, so that the verdict can be read back.</param>
internal sealed record ErrorReport(string Message, string? Details = null, string? Reason = null);

/// <summary>Everything known about an attempt that is over. A fact that was not seen is false or null.</summary>
internal sealed record Evidence
{
    public bool CancelRequested { get; init; }

    /// <summary>The deadline passed, <c>timeout ID</c> was asked for, or <c>.timeout</c> appeared.</summary>
    public bool TimedOut { get; init; }

    /// <summary>The limit that was exceeded; null when the time-out was forced by hand.</summary>
    public TimeSpan? TimeoutLimit { get; init; }

    public bool Stalled { get; init; }

    public TimeSpan? IdleLimit { get; init; }

    public ErrorReport? Error { get; init; }

    public bool Done { get; init; }

    /// <summary>Null if nobody learnt how the agent ended.</summary>
    public ExitStatus? Exit { get; init; }

    /// <summary>Why the agent could not be started; null if it was.</summary>
    public string? LaunchError { get; init; }

    /// <summary>Said with a verdict of <c>lost</c>, when more is known than that.</summary>
    public string? LostDetail { get; init; }

    /// <summary>What was wrong with the work of an agent that ended well; null if nothing was, or nobody looked.</summary>
    public string? CheckFailed { get; init; }

    /// <summary>Said if nobody knows what a check of the work came to, because its supervisor ended during it.</summary>
    public string? CheckLost { get; init; }

    /// <summary>Why the agent's own account of its run is none of a success; null if it is, or nobody can read it.</summary>
    public string? AgentProblem { get; init; }

    /// <summary>What went wrong is a usage limit that the task was not to wait for.</summary>
    public bool IsAtLimit { get; init; }

    /// <summary>A word of <see cref="Tasks.ErrorClass"/>, where the agent can be read.</summary>
    public string? ErrorClass { get; init; }

    /// <summary>Why a failure is not to be retried by itself; null if it may be.</summary>
    public string? NoRetry { get; init; }

    /// <summary>The agent that is to try next, should it be a failure.</summary>
    public string? FallbackTo { get; init; }

    /// <summary>Worth knowing beside a success; null if nothing is.</summary>
    public string? Remark { get; init; }

    /// <summary>The last lines of the log, for a failure by exit.</summary>
    public string? LogTail { get; init; }

    public Completion Completion { get; init; }
}

/// <summary>What an attempt came to.</summary>
internal abstract record Verdict
{
    private Verdict() { }

    internal sealed record Complete(string? Note) : Verdict;

    internal sealed record Failed(string Reason, string Message) : Verdict;

    internal sealed record Cancelled : Verdict;

    /// <summary>
    /// The verdict table of docs/design.md: the first row that holds. Total: any evidence has a verdict.
    /// </summary>
    public static Verdict Judge(Evidence e) =>
        e switch
        {
            { CancelRequested: true } => new Cancelled(),
            { TimedOut: true } => new Failed(Tasks.Reason.Timeout, TimeoutMessage(e.TimeoutLimit)),
            { Stalled: true } => new Failed(Tasks.Reason.Stalled, StalledMessage(e.IdleLimit)),
            { Error: { } error } => new Failed(error.Reason ?? Tasks.Reason.Error, error.Message),
            { CheckFailed: { } problem } => new Failed(Tasks.Reason.Verify, problem),
            { CheckLost: { } detail } => new Failed(Tasks.Reason.Lost, detail),
            { Done: true, Completion: not Completion.Exit } => new Complete(
                NoteFor(e.Exit)
                    ?? (e.AgentProblem is { } said ? $"wrote .done, and said: {said}" : e.Remark)
            ),
            { LaunchError: { } message } => new Failed(Tasks.Reason.Launch, message),
            { IsAtLimit: true } => new Failed(
                Tasks.Reason.Limit,
                e.AgentProblem ?? e.LogTail ?? "The agent's account has reached a usage limit"
            ),
            { AgentProblem: { } problem, Exit.IsSuccess: true } => new Failed(
                Tasks.Reason.Agent,
                problem
            ),
            { Exit: { IsSuccess: true }, Completion: not Completion.Sentinel } => new Complete(
                e.Remark
            ),
            { Exit.IsSuccess: true } => new Failed(
                Tasks.Reason.NoSignal,
                "The agent exited with code 0 but left no .done, which its configuration asks for"
            ),
            { Exit: { } exit } => new Failed(Tasks.Reason.Exit, ExitMessage(exit, e.LogTail)),
            _ => new Failed(
                Tasks.Reason.Lost,
                e.LostDetail ?? "The supervisor and the agent ended without a record"
            ),
        };

    private static string? NoteFor(ExitStatus? exit) =>
        exit is { IsSuccess: false } bad ? $"wrote .done, then {bad.Describe()}" : null;

    private static string TimeoutMessage(TimeSpan? limit) =>
        limit is { } l ? $"Timed out after {Duration.Format(l)}" : "Timed out by hand";

    private static string StalledMessage(TimeSpan? limit) =>
        limit is { } l ? $"No output for {Duration.Format(l)}" : "No output for the idle limit";

    private static string ExitMessage(ExitStatus exit, string? tail)
    {
        var sentence = char.ToUpperInvariant(exit.Describe()[0]) + exit.Describe()[1..];
        return string.IsNullOrWhiteSpace(tail) ? sentence : $"{sentence}: {tail.Trim()}";
    }
}
