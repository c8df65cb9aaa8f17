using System.Globalization;
using System.Runtime.InteropServices;

namespace AgentQueue.Bench;

/// <summary>
/// A queue in a folder of its own, and agentq to work on it. What still runs in it is cancelled when it is
/// disposed. Its folder stays until the end: some file systems look at every inode that was freed within
/// minutes before they make a file, so what is measured next would pay for it.
/// </summary>
internal sealed class ScratchQueue : IDisposable
{
    private readonly string _agentq;
    private readonly string _output;

    public ScratchQueue(string agentq, string folder, bool fsync = true)
    {
        _agentq = agentq;
        Folder = Directory.CreateDirectory(folder).FullName;
        _output = Path.Join(Folder, "output");
        Directory.CreateDirectory(Tasks);
        if (!fsync)
        {
            File.WriteAllText(
                Path.Join(Folder, ".agents", "settings.json"),
                "{\"fsync\": false}\n"
            );
        }
    }

    public string Folder { get; }

    public string Tasks => Path.Join(Folder, ".agents", "tasks");

    /// <summary>What the last call printed.</summary>
    public string Printed => File.ReadAllText(_output).Trim();

    public string[] Command(params string[] arguments) => [.. arguments, "--root", Folder];

    /// <summary>Runs agentq on this queue; refuses to measure a failure.</summary>
    public Cost Agentq(params string[] arguments) => Run(_agentq, Command(arguments));

    /// <summary>The most memory that agentq held, in MiB.</summary>
    public double PeakMemory(params string[] arguments) =>
        Child.PeakMemory(_agentq, Command(arguments), _output);

    /// <summary>Runs a program that runs agentq, as strace does.</summary>
    public Cost Under(string program, params string[] arguments) => Run(program, [.. arguments]);

    /// <summary>Queues a task through <c>start</c>, and gives its id.</summary>
    public string Start(string command, out Cost cost, string? dependsOn = null)
    {
        cost = Agentq([
            "start",
            "shell",
            command,
            "--quiet",
            .. dependsOn is null ? (string[])[] : ["--depends-on", dependsOn],
        ]);
        var id = Printed;
        return File.Exists(Path.Join(Tasks, id + ".json"))
            ? id
            : throw new BenchException($"agentq start printed '{id}', and there is no such task");
    }

    public string Start(string command, string? dependsOn = null) =>
        Start(command, out _, dependsOn);

    public Cost StartBatch(string command, int count)
    {
        var batch = Path.Join(Folder, "batch");
        File.WriteAllLines(
            batch,
            Enumerable.Repeat($$"""{"agent": "shell", "prompt": "{{command}}"}""", count)
        );
        return Agentq("start", "--batch", batch, "--quiet");
    }

    /// <summary>Lets the next ready task be started, and gives its id.</summary>
    public string Claim(out Cost cost)
    {
        cost = Agentq("run");
        return Printed.Split(' ')[0] is { } id && id.StartsWith("task_", StringComparison.Ordinal)
            ? id
            : throw new BenchException($"agentq run started nothing: {Printed}");
    }

    /// <summary>
    /// Waits until so many tasks have their exit code, as file; looks seldom while many are missing, so
    /// that looking does not slow down what is measured.
    /// </summary>
    public void AwaitExitCodes(int count, TimeSpan patience)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var missing = count - Directory.EnumerateFiles(Tasks, "*.exitcode").Count();
            if (missing <= 0)
            {
                return;
            }

            if (TimeProvider.System.GetElapsedTime(begin) > patience)
            {
                throw new BenchException(
                    $"{missing} of {count} tasks have not ended in {patience}"
                );
            }

            Thread.Sleep(missing > count / 20 ? 100 : 5);
        }
    }

    /// <summary>Lets nothing that was written before be paid for by what is measured next.</summary>
    public void Settle()
    {
        var descriptor = Native.Open(Folder, 0);
        var error = Native.SyncFileSystem(descriptor);
        _ = Native.Close(descriptor);
        if (error != 0)
        {
            throw new BenchException($"syncfs: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>Forgets what agentq keeps to be faster; allowed while nothing runs.</summary>
    public void ForgetCaches()
    {
        var run = Path.Join(Folder, ".agents", "run");
        if (Directory.Exists(run))
        {
            Directory.Delete(run, recursive: true);
        }
    }

    public int CountOf(string state)
    {
        Agentq("status", "--json");
        using var json = System.Text.Json.JsonDocument.Parse(Printed);
        return json.RootElement.GetProperty("counts").GetProperty(state).GetInt32();
    }

    public void Dispose()
    {
        // Whether these succeed is not measured: there may be no drain, and a task may just have ended.
        TryAgentq("run", "--stop");
        TryAgentq("status", "--state", "running", "--format", "ids", "--all");
        if (Printed.Split('\n', StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } running)
        {
            TryAgentq(["cancel", .. running]);
        }
    }

    private void TryAgentq(params string[] arguments) =>
        Child.Run(_agentq, Command(arguments), _output);

    private Cost Run(string program, string[] arguments)
    {
        Interruption.Check();
        var cost = Child.Run(program, arguments, _output);
        return cost.ExitCode == 0
            ? cost
            : throw new BenchException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Path.GetFileName(program)} {string.Join(' ', arguments.Take(4))} ended with code {cost.ExitCode}: "
                ) + File.ReadAllText(_output + ".err").Trim()
            );
    }
}
