using System.Text.Json;

namespace AgentQueue.EndToEnd.Events;

/// <summary>A line of the log of events.</summary>
internal sealed class Happening(JsonElement root)
{
    public long Sequence => root.GetProperty("seq").GetInt64();

    /// <summary>The name that it goes by first.</summary>
    public string Name => root.GetProperty("event").GetString()!;

    public IReadOnlyList<string> Names => [Name, .. Texts("also")];

    public IReadOnlyList<string> Chain => Texts("chain");

    public string? Task => root.TryGetProperty("task", out var task) ? task.GetString() : null;

    public DateTimeOffset At => root.GetProperty("at").GetDateTimeOffset();

    /// <summary>The agents of which it started, cancelled or passed over a task.</summary>
    public IReadOnlyList<string> Agents(string how) =>
        root.TryGetProperty(how, out var all)
            ? [.. all.EnumerateArray().Select(static a => a.GetProperty("agent").GetString()!)]
            : [];

    public IReadOnlyList<string> Started =>
        root.TryGetProperty("started", out var all)
            ? [.. all.EnumerateArray().Select(static a => a.GetProperty("task").GetString()!)]
            : [];

    /// <summary>Why it did nothing with an agent; null if it did, or if the agent does not listen.</summary>
    public string? WhyNot(string agent) =>
        root.TryGetProperty("ignored", out var all)
            ? all.EnumerateArray()
                .Where(a => a.GetProperty("agent").GetString() == agent)
                .Select(static a => a.GetProperty("why").GetString())
                .FirstOrDefault()
            : null;

    public string? Variable(string name) =>
        root.TryGetProperty("vars", out var vars) && vars.TryGetProperty(name, out var value)
            ? value.GetString()
            : null;

    public override string ToString() => root.ToString();

    private string[] Texts(string name) =>
        root.TryGetProperty(name, out var texts)
            ? [.. texts.EnumerateArray().Select(static t => t.GetString()!)]
            : [];
}

/// <summary>What stories about events have in common.</summary>
internal static class EventBox
{
    /// <summary>Writes <c>agent-config.json</c>.</summary>
    /// <param name="agents">Members of <c>agents</c>, as <see cref="Job"/> makes them.</param>
    /// <param name="more">Members beside it, each with a comma behind it.</param>
    public static void Rules(this Sandbox box, string agents, string more = "") =>
        box.Write("agent-config.json", $"{{ {more} \"agents\": {{ {agents} }} }}");

    /// <summary>An agent that is a script of the shell and takes no prompt.</summary>
    public static string Job(string name, string script, params string[] more) =>
        $"{Quoted(name)}: {{ {string.Join(", ", [$"\"command\": \"sh\", \"args\": [\"-c\", {Quoted(script)}]", .. more])} }}";

    public static string Triggers(params string[] events) =>
        $"\"triggers\": [{string.Join(", ", events.Select(Quoted))}]";

    public static string Quoted(string text) => JsonSerializer.Serialize(text);

    /// <summary>A file for what agents write down, as a word of the shell.</summary>
    public static string Notes(this Sandbox box, string name = "notes") =>
        $"'{box.NotesFile(name)}'";

    public static string NotesFile(this Sandbox box, string name = "notes") =>
        Path.Join(box.Outside, name);

    public static string[] Noted(this Sandbox box, string name = "notes") =>
        File.Exists(box.NotesFile(name)) ? File.ReadAllLines(box.NotesFile(name)) : [];

    public static Outcome Trigger(this Sandbox box, string name, params string[] more) =>
        box.Run(["trigger", name, .. more]).Gives(0);

    /// <summary>Lets it happen and waits for all that follows from it.</summary>
    public static Outcome TriggerWhole(this Sandbox box, string name, params string[] more)
    {
        using var running = box.Begin(["trigger", name, "--wait", "--timeout", "100s", .. more]);
        return running.End(120).Gives(0, 3, 4);
    }

    /// <summary>Every line of the log; one that is none of ours fails the test.</summary>
    public static IReadOnlyList<Happening> Happened(this Sandbox box)
    {
        var file = Path.Join(box.Queue, "events", "log.jsonl");
        if (!File.Exists(file))
        {
            return [];
        }

        var text = File.ReadAllText(file);
        return
        [
            .. text[..(text.LastIndexOf('\n') + 1)]
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(static line =>
                {
                    using var document = JsonDocument.Parse(line);
                    return new Happening(document.RootElement.Clone());
                }),
        ];
    }

    public static IReadOnlyList<Happening> Happened(this Sandbox box, string name) =>
        [.. box.Happened().Where(h => h.Names.Contains(name))];

    /// <summary>Waits until it has happened so often.</summary>
    public static Happening Happens(this Sandbox box, string name, int times = 1)
    {
        Eventually.Holds(
            () => box.Happened(name).Count >= times,
            $"{name} happens {times} times: {string.Join('\n', box.Happened())}",
            60
        );
        return box.Happened(name)[times - 1];
    }

    /// <summary>The tasks of an agent, the oldest first.</summary>
    public static IReadOnlyList<TaskFile> TasksOf(this Sandbox box, string agent) =>
        [.. box.Ids.Select(box.TryTask).OfType<TaskFile>().Where(t => t.Text("agent") == agent)];

    // What is not kept may go between the list and the look.
    private static TaskFile? TryTask(this Sandbox box, string id)
    {
        try
        {
            return box.Task(id);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The states of an agent's tasks, the oldest first.</summary>
    public static string StatesOf(this Sandbox box, string agent) =>
        string.Join(' ', box.TasksOf(agent).Select(static t => t.Status));

    /// <summary>Waits until one of the agent's tasks runs, and returns its id.</summary>
    public static string Runs(this Sandbox box, string agent) =>
        Eventually.Gives(
            () =>
                box.TasksOf(agent)
                    .LastOrDefault(static t => t is { Status: "running", Pid: not null })
                    ?.Id,
            $"{agent} runs",
            60
        );

    /// <summary>Waits until everything has ended and the queue has said so.</summary>
    public static void Settles(this Sandbox box) =>
        Eventually.Holds(
            () =>
                box.Happened() is [.., { Name: "queue_idle" }]
                && box.Ids.Select(box.TryTask).All(static t => t is null or { IsFinished: true }),
            $"all is over: {string.Join('\n', box.Happened())}",
            120
        );

    /// <summary>What is kept of tasks, as <see cref="Sandbox.Picture"/> shows it.</summary>
    public static string TaskPicture(this Sandbox box) =>
        string.Join(
            '\n',
            box.Picture()
                .Split('\n')
                .Where(static l =>
                    l.StartsWith(".agents/tasks", StringComparison.Ordinal)
                    || l.StartsWith(".agents/logs", StringComparison.Ordinal)
                )
        );
}
