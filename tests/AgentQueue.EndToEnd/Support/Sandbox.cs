using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>
/// A project folder of its own and a clean environment, in which the published executable is run. At the
/// end everything that was started in it is ended, by the mark that it carries, and the folder removed.
/// </summary>
internal sealed class Sandbox : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("agentq-e2e-").FullName;
    private readonly string _mark = $"E2E_SANDBOX={Guid.NewGuid():N}";

    public Sandbox()
    {
        Folder = Sub("project");
        Home = Sub("home");
        Outside = Sub("outside");
        Bin = Sub("bin");
        File.CreateSymbolicLink(Path.Join(Bin, "agentq"), Binaries.Agentq);
        Journal = new Journal(Path.Join(Outside, "journal"));
        Environment["PATH"] = $"{Bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        Environment["HOME"] = Home;
        Environment["LANG"] = "C.UTF-8";
        Environment["TMPDIR"] = Path.GetTempPath();
        Environment[_mark.Split('=')[0]] = _mark.Split('=')[1];
    }

    /// <summary>The project folder, where everything is run.</summary>
    public string Folder { get; }

    public string Home { get; }

    /// <summary>For what agents write and agentq shall not.</summary>
    public string Outside { get; }

    public string Bin { get; }

    public Journal Journal { get; }

    /// <summary>What every program here gets, and nothing else.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    public string Queue => Path.Join(Folder, ".agents");

    // --- running ---

    /// <summary>Runs agentq to its end, with nothing on stdin.</summary>
    public Outcome Run(params string[] args) => RunWith(null, args);

    public Outcome RunWith(byte[]? input, params string[] args)
    {
        using var running = Begin(input, args);
        return running.End();
    }

    /// <summary>Starts agentq and returns; the caller ends it.</summary>
    public Running Begin(params string[] args) => Begin(null, args);

    public Running Begin(byte[]? input, params string[] args) =>
        Program(Path.Join(Bin, "agentq"), input, args);

    /// <summary>Runs a script of the shell, with <c>agentq</c> on its PATH.</summary>
    public Outcome Sh(string script, double seconds = 60)
    {
        using var running = Program("/bin/sh", null, "-c", script);
        return running.End(seconds);
    }

    public Running Program(string program, byte[]? input, params string[] args)
    {
        var info = new ProcessStartInfo(program, args) { WorkingDirectory = Folder };
        info.Environment.Clear();
        foreach (var (name, value) in Environment)
        {
            info.Environment[name] = value;
        }

        return new Running(info, input);
    }

    // --- tasks ---

    /// <summary>Queues a shell command and returns its id.</summary>
    public string Enqueue(string command, params string[] options) =>
        Run(["start", "shell", command, "--quiet", .. options]).Gives(0).Text;

    /// <summary>Queues a shell command, starts it, and returns its id once its file says that it runs.</summary>
    public string RunInBackground(string command, params string[] options)
    {
        var id = Enqueue(command, options);
        Run("run", id).Gives(0);
        return id;
    }

    public string PathOf(string folder, string id, string extension) =>
        Path.Join(Queue, folder, id + extension);

    public string TaskPath(string id) => PathOf("tasks", id, ".json");

    public TaskFile Task(string id)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TaskPath(id)));
        return new TaskFile(document.RootElement.Clone());
    }

    /// <summary>Every task by its file; one that cannot be read fails the test.</summary>
    public IReadOnlyList<TaskFile> Tasks => [.. Ids.Select(Task)];

    /// <summary>The ids of all task files, oldest first.</summary>
    public IReadOnlyList<string> Ids =>
        Directory.Exists(Path.Join(Queue, "tasks"))
            ?
            [
                .. Directory
                    .EnumerateFiles(Path.Join(Queue, "tasks"), "task_*.json")
                    .Select(static f => Path.GetFileNameWithoutExtension(f))
                    .Order(StringComparer.Ordinal),
            ]
            : [];

    /// <summary>Waits until the task's file tells an end, without any verb: somebody of ours must be at it.</summary>
    public TaskFile Ended(string id, double seconds = 60)
    {
        Eventually.Holds(() => Task(id).IsFinished, $"{id} has ended: {Task(id)}", seconds);
        return Task(id);
    }

    public string Log(string id) => File.ReadAllText(PathOf("logs", id, ".log"));

    /// <summary>Living processes that belong to a task.</summary>
    public List<int> ProcessesOf(string id) =>
        [.. Processes.With($"AGENTQ_TASK_ID={id}").Where(IsMine)];

    /// <summary>
    /// Living supervisors of this sandbox. What one of them has just forked looks like it until it has called exec,
    /// but leads no session.
    /// </summary>
    public List<int> Supervisors =>
        [
            .. Processes
                .With(_mark)
                .Where(static p =>
                    Processes
                        .CommandLine(p)
                        .StartsWith("agentq __supervise ", StringComparison.Ordinal)
                    && Processes.LeadsSession(p)
                ),
        ];

    /// <summary>
    /// Waits until the last supervisor has gone: one whose task has ended tidies up after it, and changes files in
    /// <c>run/</c>, while whoever waited for the task goes on already.
    /// </summary>
    public void AllHaveLeft() =>
        Eventually.Holds(() => Supervisors.Count == 0, "the last supervisor has gone");

    /// <summary>The supervisor of a task that runs.</summary>
    public int SupervisorOf(string id) =>
        Task(id).Pid ?? throw new InvalidOperationException($"{id} does not run: {Task(id)}");

    /// <summary>Everything living that was started here, whoever started it.</summary>
    public List<int> Mine => Processes.With(_mark);

    /// <summary>Ends it at once, without a chance to do anything. It may have ended by itself.</summary>
    public void KillAtOnce(int pid)
    {
        var line = Processes.CommandLine(pid);
        if (IsMine(pid))
        {
            Processes.Signal(pid, Processes.Kill);
        }

        // What a supervisor has just forked is its image, and holds its locks, until it has called exec.
        Eventually.Holds(
            () =>
                Processes.IsGone(pid)
                && !(
                    line.Contains("__supervise ", StringComparison.Ordinal)
                    && Mine.Exists(p => p != pid && Processes.CommandLine(p) == line)
                ),
            $"{pid}, which was started here, is dead"
        );
    }

    /// <summary>Ends all that belongs to a task, and what it starts meanwhile.</summary>
    public void KillProcessesOf(string id) =>
        Eventually.Holds(
            () =>
            {
                var left = ProcessesOf(id);
                left.ForEach(KillAtOnce);
                return left.Count == 0;
            },
            $"nothing of {id} lives"
        );

    private bool IsMine(int pid) => Processes.Environ(pid).Contains(_mark);

    // --- files ---

    /// <summary>Writes <c>agent-config.json</c> with these members of <c>agents</c>.</summary>
    public void Configure(string agents) =>
        Write("agent-config.json", "{ \"agents\": {" + agents + "} }");

    /// <summary>An agent <c>fake</c>, whose prompt is a list of steps.</summary>
    public void ConfigureFakeAgent(string more = "") =>
        Configure(
            $$"""
            "fake": { "command": "{{Binaries.FakeAgent}}", "args": ["{prompt}"], "promptTemplate": "{userPrompt}"{{more}} }
            """
        );

    public void Settings(string members) => Write(".agents/settings.json", $"{{ {members} }}");

    public string Write(string path, string text)
    {
        var full = Path.Join(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return full;
    }

    /// <summary>
    /// One line for each file and folder of the project, with a hash of its content. What is private to
    /// agentq, <c>.agents/run</c>, is left out, and so is the log of events: whoever leaves last adds to it that the
    /// queue is idle, a moment after the last task has ended.
    /// </summary>
    public string Picture()
    {
        var text = new StringBuilder();
        foreach (
            var path in Directory
                .EnumerateFileSystemEntries(Folder, "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
        )
        {
            var name = Path.GetRelativePath(Folder, path);
            if (
                name.StartsWith(Path.Join(".agents", "run"), StringComparison.Ordinal)
                || name == Path.Join(".agents", "events", "log.jsonl")
            )
            {
                continue;
            }

            text.Append(CultureInfo.InvariantCulture, $"{name} {Content(path)}\n");
        }

        return text.ToString();
    }

    // What has no length is not opened: it may be a fifo.
    private static string Content(string path) =>
        Directory.Exists(path) ? "folder"
        : new FileInfo(path) is { Length: > 0 and < 16 << 20 }
            ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))
        : string.Create(CultureInfo.InvariantCulture, $"{new FileInfo(path).Length} bytes");

    private string Sub(string name) => Directory.CreateDirectory(Path.Join(_root, name)).FullName;

    public void Dispose()
    {
        try
        {
            using var cancel = Begin("cancel", "--all");
            for (var i = 0; i < 400 && !cancel.HasEnded; i++)
            {
                Thread.Sleep(5);
            }
        }
        finally
        {
            // What is stubborn, or has lost its supervisor. A few looks: it may be starting something.
            for (var i = 0; i < 50 && Mine is { Count: > 0 } mine; i++)
            {
                foreach (var pid in mine)
                {
                    Processes.Signal(pid, Processes.Kill);
                }

                Thread.Sleep(5);
            }

            DeleteFolder();
        }
    }

    private void DeleteFolder()
    {
        foreach (
            var folder in Directory.EnumerateDirectories(_root, "*", SearchOption.AllDirectories)
        )
        {
            if (!OperatingSystem.IsWindows() && new DirectoryInfo(folder).LinkTarget is null)
            {
                File.SetUnixFileMode(
                    folder,
                    UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                );
            }
        }

        Directory.Delete(_root, recursive: true);
    }
}
