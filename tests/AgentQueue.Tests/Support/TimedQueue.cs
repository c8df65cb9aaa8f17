using System.Globalization;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Support;

/// <summary>A queue on the real disk whose tasks are placed in time before a fixed moment; gone after the test.</summary>
internal sealed class TimedQueue : IDisposable
{
    public static readonly DateTimeOffset Now = new(2026, 11, 21, 14, 3, 9, TimeSpan.Zero);

    private readonly string _root = Directory.CreateTempSubdirectory("agentq-").FullName;

    public TimedQueue()
    {
        Queue = new QueueFolder(_root, ProjectQueue.RealDisk, static () => false);
        Queue.Create();
    }

    public QueueFolder Queue { get; }

    public static TaskId Id(int number) =>
        TaskId.Parse(string.Create(CultureInfo.InvariantCulture, $"task_{1737000000000 + number}"));

    /// <summary>A pending task that was made so many seconds before now.</summary>
    public static AgentTask Pending(int number, int age = 100) =>
        new()
        {
            Id = Id(number),
            Agent = "shell",
            Prompt = "true",
            CreatedAt = Now.AddSeconds(-age),
            State = new TaskState.Pending(),
        };

    public static AgentTask Running(int number, int elapsed) =>
        Pending(number) with
        {
            Attempt = 1,
            State = new TaskState.Running(Now.AddSeconds(-elapsed), 4711),
        };

    public static AgentTask Complete(int number, int ago) =>
        Pending(number) with
        {
            State = new TaskState.Complete(Now.AddSeconds(-ago - 5), Now.AddSeconds(-ago)),
        };

    public static AgentTask Failed(int number, int ago) =>
        Pending(number) with
        {
            State = new TaskState.Failed(
                Now.AddSeconds(-ago - 5),
                Now.AddSeconds(-ago),
                Reason.Exit,
                "Exited with code 3"
            )
            {
                ExitCode = 3,
            },
        };

    public AgentTask Put(AgentTask task)
    {
        Queue.Write(task);
        return task;
    }

    /// <summary>Puts a file anywhere in the queue folder.</summary>
    public static void Write(string path, string text) => File.WriteAllText(path, text);

    public QueueSnapshot Take() => QueueSnapshot.Take(Queue);

    public StatusView View(StatusFilter? filter = null, int later = 0) =>
        StatusView.Of(Queue, Take(), filter ?? new StatusFilter(), Now.AddSeconds(later));

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
