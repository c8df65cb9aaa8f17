using System.Text.Json;
using AgentQueue.Models;

namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>
/// A sandbox in which an agent that people use is installed, with a home of its own, and the model server that it
/// asks. It is called as its adapter says. Whatever it writes, its temporary files too, goes with the sandbox.
/// </summary>
internal sealed class RealAgentBox : IDisposable
{
    /// <summary>In seconds, for what takes a few: two cores may be busy with something else.</summary>
    public const double Patience = 300;

    /// <param name="permission">What it may do without asking, in the words of the adapters.</param>
    public RealAgentBox(string name, string permission = "full")
    {
        Agent = RealAgent.Named(name);
        File.CreateSymbolicLink(Path.Join(Box.Bin, Agent.Name), Agent.Installed);
        if (Machine.Find("node") is { } node)
        {
            File.CreateSymbolicLink(Path.Join(Box.Bin, "node"), node);
        }

        Box.Environment["TMPDIR"] = Directory
            .CreateDirectory(Path.Join(Box.Outside, "tmp"))
            .FullName;
        foreach (var (variable, value) in Agent.Environment(Box.Home, Model.Address))
        {
            Box.Environment[variable] = value;
        }

        foreach (var (path, text) in Agent.Files(Model.Address))
        {
            var full = Path.Join(Box.Home, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllText(full, text);
        }

        Box.Configure(
            $$"""
            "{{name}}": {
              "adapter": "{{name}}",
              "permission": "{{permission}}",
              "args": [{{string.Join(", ", Agent.Args.Select(static a => $"\"{a}\""))}}]
            }
            """
        );
        Box.Sh(
                "git init -q && git add -A && git -c user.name=T -c user.email=t@example.org commit -q -m first"
            )
            .Gives(0);
    }

    public RealAgent Agent { get; }

    public Sandbox Box { get; } = new();

    public ModelServer Model { get; } = new();

    /// <summary>
    /// Claude Code is told of a limit's end only as somebody who subscribes, whom it knows by the kind of key.
    /// </summary>
    public void Subscribe()
    {
        Box.Environment.Remove("ANTHROPIC_API_KEY");
        Box.Environment["CLAUDE_CODE_OAUTH_TOKEN"] = "no-secret";
    }

    /// <summary>Queues the prompt, runs it to its end, and returns the task. The prompt goes by agentq's stdin.</summary>
    public TaskFile Work(string prompt, params string[] options)
    {
        using var running = Box.Begin(
            System.Text.Encoding.UTF8.GetBytes(prompt),
            ["start", Agent.Name, "-", "--wait", .. options]
        );
        running.End(Patience);
        return Box.Task(Box.Ids[^1]);
    }

    /// <summary>Queues the prompt, starts it, and returns its id.</summary>
    public string Begin(string prompt, params string[] options) =>
        Box.Run(["start", Agent.Name, prompt, "--run", "--quiet", .. options]).Gives(0).Text;

    /// <summary>Goes on with the session of a task, to the end, and returns the new task.</summary>
    public TaskFile Continue(string id, string prompt)
    {
        using var running = Box.Begin("continue", id, prompt, "--wait");
        running.End(Patience);
        return Box.Task(Box.Ids[^1]);
    }

    /// <summary>What is known of the task's run.</summary>
    public JsonElement Result(string id)
    {
        using var document = JsonDocument.Parse(
            File.ReadAllBytes(Box.PathOf("results", id, ".json"))
        );
        return document.RootElement.Clone();
    }

    /// <summary>Cancels it, and waits for the end of what keeps the agents that do not listen.</summary>
    public void Cancel(string id)
    {
        using var cancel = Box.Begin("cancel", id);
        cancel.End(Patience).Gives(0);
    }

    public static void Sees(Func<bool> condition, string what) =>
        Eventually.Holds(condition, what, Patience);

    /// <summary>For a test that failed: what was asked, and what the agents printed.</summary>
    public override string ToString() =>
        string.Join(
            '\n',
            [
                .. Model.Requests.Select(static r => $"asked: {r}"),
                .. Model.Others.Select(static r => $"asked beside: {r}"),
                .. Model.Faults,
                .. Box.Ids.Select(id =>
                    $"{Box.Task(id)}\n{Text("results", id, ".json")}\n{Log(id)}"
                ),
            ]
        );

    public string Log(string id) => Text("logs", id, ".log") + Text("logs", id, ".err");

    private string Text(string folder, string id, string extension) =>
        Box.PathOf(folder, id, extension) is var path && File.Exists(path)
            ? File.ReadAllText(path)
            : "";

    public void Dispose()
    {
        Box.Dispose();
        Model.Dispose();
    }
}
