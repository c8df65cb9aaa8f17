using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Events;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli;

/// <summary>What a verb works with: the project it is about and the screen it talks to.</summary>
internal sealed class Session
{
    private readonly long _begun = TimeProvider.System.GetTimestamp();

    public Session(ParseResult parsed)
    {
        Json = parsed.GetValue(CommonOptions.Json);
        IsDebugging =
            parsed.GetValue(CommonOptions.Debug)
            || Environment.GetEnvironmentVariable("AGENTQ_DEBUG") is { Length: > 0 } and not "0";
        CurrentFolder = ReadCurrentFolder();
        var (root, found) = QueueLocator.Locate(parsed.GetValue(CommonOptions.Root), CurrentFolder);
        Project = new ProjectQueue(root, TimeProvider.System);
        Events = EventEmitter.Attach(Project);
        FoundProject = found;
        Debug($"project {root}{(found ? "" : " (none found; using the current folder)")}");
    }

    /// <summary>Set once, before a verb runs.</summary>
    public static Screen Screen { get; set; } = null!;

    public bool Json { get; }

    public bool IsDebugging { get; }

    public string CurrentFolder { get; }

    /// <summary>False if there is neither a queue nor a configuration yet.</summary>
    public bool FoundProject { get; }

    public ProjectQueue Project { get; }

    public QueueFolder Queue => Project.Queue;

    public EventEmitter Events { get; }

    /// <summary>The task that a part of an id means.</summary>
    public TaskId FindId(string part, bool archived = false) => Project.Lookup.Find(part, archived);

    /// <summary>Each task once, in the order in which they were named.</summary>
    public IReadOnlyList<TaskId> FindIds(IEnumerable<string> parts, bool archived = false) =>
        [.. parts.Select(p => FindId(p, archived)).Distinct()];

    /// <summary>A line on stderr with the time since the start, if asked for.</summary>
    public void Debug(string text)
    {
        if (IsDebugging)
        {
            var elapsed = TimeProvider.System.GetElapsedTime(_begun).TotalMilliseconds;
            Screen.Talk(
                string.Create(CultureInfo.InvariantCulture, $"debug {elapsed, 7:0.0} ms  {text}"),
                Tone.Dim
            );
        }
    }

    private static string ReadCurrentFolder()
    {
        try
        {
            return Environment.CurrentDirectory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException(
                "The current folder does not exist any more",
                "Change to another folder, or say which project: --root DIR",
                cause: e
            );
        }
    }
}
