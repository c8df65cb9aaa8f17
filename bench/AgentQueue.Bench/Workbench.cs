namespace AgentQueue.Bench;

/// <summary>What every part of the bench works with: the programs, the scope, and a folder for queues.</summary>
internal sealed class Workbench(BenchOptions options, string folder, string? memoryFolder)
{
    private TaskPattern? _pattern;
    private int _queues;

    public string Agentq => options.Agentq;

    public string Folder => folder;

    /// <summary>A folder in memory, or null where the system has none.</summary>
    public string? MemoryFolder => memoryFolder;

    public Scope Scope { get; } = options.Quick ? Scope.Quick : Scope.Complete;

    /// <summary>How agentq writes its tasks; learned from a real run, once.</summary>
    public TaskPattern Pattern => _pattern ??= TaskPattern.Learn(this);

    public Cost Empty() => Child.Run(options.Empty, [], Path.Join(folder, "output"));

    public double EmptyMemory() => Child.PeakMemory(options.Empty, [], Path.Join(folder, "output"));

    public ScratchQueue NewQueue(bool fsync = true, string? within = null) =>
        new(Agentq, Path.Join(within ?? folder, $"queue{_queues++}"), fsync);

    /// <summary>Tells a person at the terminal what goes on.</summary>
    public static void Say(string what) => Console.Error.WriteLine($"  {what} …");
}
