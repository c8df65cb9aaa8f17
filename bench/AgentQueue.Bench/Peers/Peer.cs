namespace AgentQueue.Bench;

/// <summary>
/// Another tool that runs commands from a queue, made to do what agentq does. All of its processes bear a
/// mark, by which they are weighed, and ended when it is disposed. Work that a tool does not know is null.
/// </summary>
internal abstract class Peer : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    protected Peer(Workbench bench, string program, string package)
    {
        Program = Programs.Need(program, package);
        Folder = Directory.CreateDirectory(Path.Join(bench.Folder, "peer-" + program)).FullName;
        Environment = new Dictionary<string, string>([Brood.Mark]);
    }

    public abstract string Name { get; }

    /// <summary>What there is to know beside the figures.</summary>
    public abstract string Remark { get; }

    protected string Program { get; }

    protected string Folder { get; }

    protected Brood Brood { get; } = new();

    protected Dictionary<string, string> Environment { get; }

    /// <summary>Makes the queue as long as that, without measuring.</summary>
    public virtual void Lengthen(int entries) { }

    /// <summary>Puts one entry into the queue, which does not start it now.</summary>
    public virtual TimeSpan? Enqueue() => null;

    public virtual TimeSpan? List() => null;

    /// <summary>Runs so many no-ops, from the first entry to the last end.</summary>
    public abstract TimeSpan Drain(int count);

    /// <summary>Lets so many <c>sleep</c>s run, with so many entries waiting behind them.</summary>
    protected abstract void Hold(int running, int waiting);

    /// <summary>Ends all that runs or waits, so that it takes no slot from what is measured next.</summary>
    public virtual void Stop() => Brood.Kill();

    /// <summary>Memory for one more waiting or running task, in KiB: the difference between few and many.</summary>
    public double MemoryOfOneMore(bool running)
    {
        var (few, many) = (2, running ? 22 : 202);
        var difference = running ? Weigh(many, 0) - Weigh(few, 0) : Weigh(1, many) - Weigh(1, few);
        return difference / (many - few);
    }

    public void Dispose()
    {
        Stop();
        Directory.Delete(Folder, recursive: true);
    }

    protected Cost Run(string program, params string[] arguments)
    {
        var output = Path.Join(Folder, "output");
        Interruption.Check();
        var cost = Child.Run(program, arguments, output, Environment);
        return cost.ExitCode == 0
            ? cost
            : throw new BenchException(
                $"{Path.GetFileName(program)} ended with code {cost.ExitCode}: {File.ReadAllText(output + ".err").Trim()}"
            );
    }

    protected string Printed => File.ReadAllText(Path.Join(Folder, "output"));

    /// <summary>Runs a script of /bin/sh, which has the tool as $tool.</summary>
    protected Cost Shell(string script)
    {
        Environment["tool"] = Program;
        return Run("/bin/sh", "-c", script);
    }

    private double Weigh(int running, int waiting)
    {
        Hold(running, waiting);
        try
        {
            var begin = TimeProvider.System.GetTimestamp();
            while (Brood.Sleeps() != running)
            {
                if (TimeProvider.System.GetElapsedTime(begin) > s_patience)
                {
                    throw new BenchException($"{Name} does not run {running} at once");
                }

                Thread.Sleep(50);
            }

            Thread.Sleep(300);
            return Brood.MemoryWithoutSleeps();
        }
        finally
        {
            Stop();
        }
    }
}
