namespace AgentQueue.Tasks;

/// <summary>
/// Whose turn it is to start a task: everybody's who says <c>run</c>, that of the run of a plan which it belongs
/// to, or that of the event which made it. The tasks of a scope have a drain of their own and supervisors of their
/// own. It follows from a task's id, so it is known without reading a file.
/// </summary>
internal readonly record struct QueueScope
{
    private const string EventsWord = "events";
    public const string NoneWord = "-";
    private readonly bool _events;

    private QueueScope(RunId? run, bool events)
    {
        Run = run;
        _events = events;
    }

    /// <summary>Tasks of no run that somebody asked for.</summary>
    public static QueueScope None => default;

    /// <summary>Tasks that events started.</summary>
    public static QueueScope Events => new(null, true);

    /// <summary>The run, if it is the scope of one.</summary>
    public RunId? Run { get; }

    /// <summary>What stands behind the names of its files in <c>run/</c>.</summary>
    public string Suffix =>
        _events ? "." + EventsWord
        : Run is { } run ? "." + run
        : "";

    /// <summary>What stands for it where a supervisor without a task is started.</summary>
    public string Word =>
        _events ? EventsWord
        : Run is { } run ? run.Value
        : NoneWord;

    public static implicit operator QueueScope(RunId run) => new(run, false);

    public static QueueScope Of(TaskId task) =>
        EventTaskId.Is(task) ? Events
        : RunId.Of(task) is { } run ? run
        : None;

    /// <summary>Reads what <see cref="Word"/> gives, or a task's id.</summary>
    public static QueueScope Parse(string text) =>
        text == EventsWord ? Events
        : RunId.TryParse(text, out var run) ? run
        : TaskId.TryParse(text, out var id) ? Of(id)
        : None;

    public override string ToString() => Word;
}
