using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>
/// A queue in a folder of its own, and agentq to work on it. Tasks are written as files where the bench
/// needs many or needs them linked: docs/format.md makes that a public interface.
/// </summary>
internal sealed class ScratchQueue
{
    private readonly string _agentq;
    private readonly string _output;
    private readonly string _tasks;
    private int _written;

    public ScratchQueue(string agentq, string folder)
    {
        _agentq = agentq;
        Folder = Directory.CreateDirectory(folder).FullName;
        _output = Path.Join(Folder, "output");
        _tasks = Path.Join(Folder, ".agents", "tasks");
        Directory.CreateDirectory(_tasks);
        Directory.CreateDirectory(Path.Join(Folder, ".agents", "logs"));
        Directory.CreateDirectory(Path.Join(Folder, ".agents", "plans"));
    }

    public string Folder { get; }

    /// <summary>Runs agentq on this queue; refuses to measure a failure.</summary>
    public Cost Agentq(params string[] arguments)
    {
        var cost = Child.Run(_agentq, [.. arguments, "--root", Folder], _output);
        return cost.ExitCode == 0
            ? cost
            : throw new BenchException(
                $"agentq {string.Join(' ', arguments)} ended with code {cost.ExitCode}: "
                    + File.ReadAllText(_output + ".err").Trim()
            );
    }

    /// <summary>Runs a task through <c>start</c>, and gives its id.</summary>
    public string Start(string command, out Cost cost)
    {
        cost = Agentq("start", "shell", command, "--quiet");
        var id = File.ReadAllText(_output).Trim();
        return File.Exists(Path.Join(_tasks, id + ".json"))
            ? id
            : throw new BenchException($"agentq start printed '{id}', and there is no such task");
    }

    public string Start(string command) => Start(command, out _);

    /// <summary>Takes a task away that never ran, so that the queue stays as large as it is meant to be.</summary>
    public void Remove(string id)
    {
        foreach (var file in Directory.EnumerateFiles(_tasks, id + ".*"))
        {
            File.Delete(file);
        }

        File.Delete(Path.Join(Folder, ".agents", "plans", id + "_plan.md"));
    }

    public void WriteTasks(int pending, int finished)
    {
        for (var i = 0; i < finished; i++)
        {
            var id = Write("true", "complete");
            File.WriteAllText(Path.Join(_tasks, id + ".done"), "");
            File.WriteAllText(Path.Join(_tasks, id + ".exitcode"), "0\n");
        }

        for (var i = 0; i < pending; i++)
        {
            Write("true", "pending");
        }
    }

    /// <summary>Writes a task file, without a durable write: nothing runs here while it is written.</summary>
    public string Write(string command, string status, string? dependsOn = null)
    {
        var number = _written++;
        var id = string.Create(CultureInfo.InvariantCulture, $"task_{1_700_000_000_000 + number}");
        var created = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(number);
        var over = status == "complete";
        var json = $$"""
            {
              "version": 1,
              "taskId": "{{id}}",
              "status": "{{status}}",
              "agent": "shell",
              "prompt": "{{command}}",
              "planFile": ".agents/plans/{{id}}_plan.md",
              "logFile": ".agents/logs/{{id}}.log",
              "createdAt": "{{Time(created)}}",
              "startedAt": {{(over ? Quoted(created.AddSeconds(1)) : "null")}},
              "completedAt": {{(over ? Quoted(created.AddSeconds(2)) : "null")}},
              "pid": null,
              "exitCode": {{(over ? "0" : "null")}},
              "errorMessage": null,
              "retryCount": 0,
              "maxRetries": 3,
              "retryHistory": [],
              "autoRetry": false,
              "priority": 5,
              "dependsOn": [{{(dependsOn is null ? "" : $"\"{dependsOn}\"")}}]
            }

            """;
        File.WriteAllText(Path.Join(_tasks, id + ".json"), json);
        return id;

        static string Quoted(DateTime time) => $"\"{Time(time)}\"";
        static string Time(DateTime time) =>
            time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
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

    /// <summary>Ends what still runs, so that nothing outlives the bench.</summary>
    public void CancelAll()
    {
        foreach (var file in Directory.EnumerateFiles(_tasks, "*.json"))
        {
            if (File.ReadAllText(file).Contains("\"running\"", StringComparison.Ordinal))
            {
                var id = Path.GetFileNameWithoutExtension(file);
                Child.Run(_agentq, ["cancel", id, "--root", Folder], _output);
            }
        }
    }
}
