using System.Text.Json;
using System.Text.Json.Nodes;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using static AgentQueue.Server.Mcp.ToolInput;
using static AgentQueue.Server.Mcp.ToolShape;

namespace AgentQueue.Server.Mcp;

/// <summary>The tools of <c>tools.json</c>, each a call of the program and a part of what it printed.</summary>
internal sealed class QueueTools(QueueProgram program)
{
    private const int UsualWait = 45;
    private const int UsualTasks = 20;
    private const int UsualLines = 50;
    private const int ShownLines = 20;

    // What a client may count on, whatever the program takes.
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(50);
    private const int MostRuns = 5;

    // Between two reports of how a wait goes.
    private static readonly TimeSpan s_beat = TimeSpan.FromSeconds(5);

    /// <summary>Calls a tool whose arguments fit its schema.</summary>
    /// <param name="tell">Is told how a wait goes: seconds so far, of how many, and in words.</param>
    /// <exception cref="QueueException">It could not be done; in sentences.</exception>
    public Task<ToolReply> CallAsync(
        string tool,
        JsonElement input,
        Func<int, int, string, Task>? tell,
        CancellationToken cancel
    ) =>
        tool switch
        {
            "start" => StartAsync(input),
            "list" => ListAsync(input, cancel),
            "show" => ShowAsync(input, cancel),
            "wait" => WaitAsync(input, tell, cancel),
            "cancel" => CancelAsync(input),
            "retry" => RetryAsync(input),
            "result" => ResultAsync(input, cancel),
            "logs" => LogsAsync(input, cancel),
            "run" => RunAsync(input),
            "plan_run" => PlanRunAsync(input, cancel),
            "plan_status" => PlanStatusAsync(input, cancel),
            "trigger" => TriggerAsync(input),
            _ => throw new ArgumentOutOfRangeException(nameof(tool), tool, null),
        };

    /// <summary>The queue as <c>list</c> tells it.</summary>
    public async Task<ToolReply> ListAsync(JsonElement input, CancellationToken cancel)
    {
        List<string> arguments =
        [
            "status",
            "--json",
            "--no-auto-retry",
            $"--limit={Number(input, "limit") ?? UsualTasks}",
        ];
        if (input.TryGetProperty("state", out var states) && states.GetArrayLength() > 0)
        {
            arguments.Add($"--state={string.Join(',', states.EnumerateArray())}");
        }

        if (Text(input, "agent") is { } agent)
        {
            arguments.Add($"--agent={agent}");
        }

        var status = program.ReadAsync(arguments, cancel);
        var agents = await AgentsAsync(cancel);
        var json = (await status).Json;
        var (tasks, left) = TasksOf(json["tasks"]);
        return new(
            new()
            {
                ["project"] = program.Project,
                ["counts"] = Copy(json["counts"]),
                ["tasks"] = tasks,
                ["notShown"] = (int)json["notShown"]! + left,
                ["agents"] = agents,
            }
        );
    }

    /// <summary>The runs, the newest first; one of them if it is named.</summary>
    public async Task<ToolReply> PlanStatusAsync(JsonElement input, CancellationToken cancel)
    {
        if (Text(input, "run") is { } run)
        {
            var one = await program.ReadAsync(["plan", "status", "--json", "--", run], cancel);
            return new(
                new() { ["plans"] = new JsonArray(), ["runs"] = new JsonArray(RunOf(one.Json)) }
            );
        }

        var json = (await program.ReadAsync(["plan", "list", "--json"], cancel)).Json;
        return new(
            new()
            {
                ["plans"] = ArrayOf(
                    json["plans"],
                    static p => new JsonObject
                    {
                        ["plan"] = AgentText.Line((string?)p["path"]),
                        ["goal"] = AgentText.Line((string?)p["goal"]),
                        ["valid"] = Copy(p["valid"]),
                    }
                ),
                ["runs"] = new JsonArray([
                    .. json["runs"]!
                        .AsArray()
                        .Take(MostRuns)
                        .Select(static r => RunOf(r!, MostRuns)),
                ]),
            }
        );
    }

    /// <summary>The log as it is told to a model.</summary>
    public async Task<JsonObject> LogAsync(string task, int lines, CancellationToken cancel)
    {
        return LogOf(await LogLinesAsync(task, lines, cancel), lines);
    }

    // One more than is shown tells whether there is more.
    private async Task<JsonObject> LogLinesAsync(
        string task,
        int lines,
        CancellationToken cancel
    ) =>
        (
            await program.ReadAsync(["logs", "--json", $"--tail={lines + 1}", "--", task], cancel)
        ).Json;

    private async Task<ToolReply> StartAsync(JsonElement input)
    {
        List<string> arguments = ["start", "--json"];
        if (IsOn(input, "run", usually: true))
        {
            arguments.Add("--run");
        }

        AddOption(arguments, input, "timeout", "--timeout");
        AddOption(arguments, input, "priority", "--priority");
        AddOption(arguments, input, "name", "--name");
        AddOption(arguments, input, "worktree", "--worktree");
        if (Words(input, "depends_on") is { Count: > 0 } ids)
        {
            arguments.Add($"--depends-on={string.Join(',', ids.Select(CheckedId))}");
        }

        if (IsOn(input, "auto_retry", usually: false))
        {
            arguments.Add("--auto-retry");
        }

        // The prompt travels over standard input: it is in no list of processes, and cannot be an option.
        arguments.AddRange(["--", Text(input, "agent")!, "-"]);
        var prompt = Text(input, "prompt")!;
        // A mark in front of a text is taken for the text's coding, and dropped: this one is the prompt's own.
        var reply = await program.ChangeAsync(
            arguments,
            prompt.StartsWith('\uFEFF') ? '\uFEFF' + prompt : prompt
        );
        return new(new() { ["task"] = TaskOf(reply.Json["tasks"]![0]!.AsObject()) });
    }

    private async Task<JsonArray> AgentsAsync(CancellationToken cancel)
    {
        var json = (await program.ReadAsync(["agents", "--json"], cancel)).Json;
        return ArrayOf(
            json["agents"],
            static a => new JsonObject
            {
                ["name"] = AgentText.Line((string?)a["name"]),
                ["description"] = AgentText.Line((string?)a["description"]),
            }
        );
    }

    private async Task<ToolReply> ShowAsync(JsonElement input, CancellationToken cancel)
    {
        var json = (
            await program.ReadAsync(["show", "--json", "--", Text(input, "task")!], cancel)
        ).Json;
        var files = json["files"]!;
        var log = await LogLinesAsync((string)json["task"]!["taskId"]!, ShownLines, cancel);
        return new(
            new()
            {
                ["task"] = TaskOf(json["task"]!.AsObject()),
                ["prompt"] = AgentText.Head(
                    (string?)json["task"]!["prompt"] ?? "",
                    (string?)files["task"]?["path"],
                    AgentText.LongestText / 2,
                    AgentText.PromptNote
                ),
                ["log"] = LogOf(log, ShownLines, AgentText.LongestText / 2),
                ["next"] = new JsonArray([
                    .. json["next"]!
                        .AsArray()
                        .Select(static n => (JsonNode)$"{n!["command"]}  ({n["purpose"]})"),
                ]),
            }
        );
    }

    private async Task<ToolReply> WaitAsync(
        JsonElement input,
        Func<int, int, string, Task>? tell,
        CancellationToken cancel
    )
    {
        var ids = Words(input, "tasks");
        var seconds = Number(input, "seconds") ?? UsualWait;
        List<string> arguments = ["wait", "--json", $"--timeout={seconds}s"];
        if (IsOn(input, "any", usually: false))
        {
            arguments.Add("--any");
        }

        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var telling = tell is null ? Task.CompletedTask : TellAsync(ids, seconds, tell, over.Token);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(
                TimeSpan.FromSeconds(Math.Min(seconds + 1, s_longestWait.TotalSeconds))
            );
            var (ended, timedOut) = ((JsonNode?)null, true);
            try
            {
                var reply = await program.WaitAsync(
                    [.. arguments, "--", .. ids],
                    TimeSpan.FromSeconds(seconds),
                    limit.Token
                );
                ended = reply.Json["ended"];
                timedOut = (bool)reply.Json["timedOut"]!;
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // Its time was up before it said so.
            }

            return new(
                new()
                {
                    ["ended"] = TasksOf(ended).Tasks,
                    ["timedOut"] = timedOut,
                    ["open"] = timedOut ? await OpenAsync(ids, cancel) : null,
                }
            );
        }
        finally
        {
            await over.CancelAsync();
            await telling;
        }
    }

    // What has not ended, with what it waits for: some tasks do not end by being waited for.
    private async Task<JsonArray> OpenAsync(IReadOnlyList<string> ids, CancellationToken cancel)
    {
        var json = (
            await program.ReadAsync(["status", "--json", "--no-auto-retry", "--", .. ids], cancel)
        ).Json;
        return TasksOf(
            new JsonArray([
                .. json["tasks"]!
                    .AsArray()
                    .Where(static t => (string)t!["status"]! is "pending" or "running")
                    .Select(static t => t!.DeepClone()),
            ])
        ).Tasks;
    }

    private async Task TellAsync(
        IReadOnlyList<string> ids,
        int seconds,
        Func<int, int, string, Task> tell,
        CancellationToken over
    )
    {
        try
        {
            for (var past = 0; past < seconds; past += (int)s_beat.TotalSeconds)
            {
                var json = (
                    await program.ReadAsync(
                        ["status", "--json", "--no-auto-retry", "--", .. ids],
                        over
                    )
                ).Json;
                var states = json["tasks"]!
                    .AsArray()
                    .GroupBy(static t => (string)t!["status"]!)
                    .Select(static g => $"{g.Count()} {g.Key}");
                await tell(past, seconds, string.Join(", ", states));
                await Task.Delay(s_beat, over);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or QueueException)
        {
            // The wait itself tells what there is to tell.
        }
    }

    private async Task<ToolReply> CancelAsync(JsonElement input)
    {
        var reply = await program.ChangeAsync(["cancel", "--json", "--", .. Words(input, "tasks")]);
        return new(
            new()
            {
                ["tasks"] = TasksOf(reply.Json["tasks"]).Tasks,
                ["refused"] = ArrayOf(
                    reply.Json["refused"],
                    static r => JsonValue.Create(AgentText.Line((string?)r, 500))!
                ),
            },
            reply.IsRefusal
        );
    }

    private async Task<ToolReply> RetryAsync(JsonElement input)
    {
        List<string> arguments = ["retry", "--json"];
        if (IsOn(input, "run", usually: true))
        {
            arguments.Add("--run");
        }

        if (IsOn(input, "resume", usually: false))
        {
            arguments.Add("--resume");
        }

        var reply = await program.ChangeAsync([.. arguments, "--", Text(input, "task")!]);
        return reply.Json["tasks"] is JsonArray { Count: > 0 } tasks
            ? new(new() { ["task"] = TaskOf(tasks[0]!.AsObject()) })
            : throw new QueueException(
                (string?)(reply.Json["refused"] as JsonArray)?.FirstOrDefault() ?? reply.Said.Trim()
            );
    }

    private async Task<ToolReply> ResultAsync(JsonElement input, CancellationToken cancel)
    {
        var json = await ResultOfAsync(Text(input, "task")!, cancel);
        var id = (string)json["taskId"]!;
        var text = (string?)json["text"];
        return new(
            new()
            {
                ["taskId"] = id,
                ["status"] = Copy(json["status"]),
                ["reason"] = Copy(json["reason"]),
                ["answer"] = text is { Length: > 0 }
                    ? AgentText.Head(text, ResultFile(id, (bool)json["archived"]!))
                    : await LogAsync(id, UsualLines, cancel),
                ["answerIs"] = text is { Length: > 0 } ? "answer" : "log",
                ["errorMessage"] = AgentText.Line((string?)json["errorMessage"], 1000),
                ["exitCode"] = Copy(json["exit"]?["code"]),
                ["durationMs"] = Copy(json["durationMs"]),
                ["files"] = json["files"] is JsonArray files
                    ? ArrayOf(files, static f => JsonValue.Create(AgentText.Line(NameOf(f)))!)
                    : null,
                ["costUsd"] = Copy(json["costUsd"]),
                ["outputTokens"] = Copy(json["tokens"]?["output"]),
                ["retriedBy"] = Copy(json["retriedBy"]),
            }
        );
    }

    // A refusal for a task that asks would hold the agent's words in a sentence of ours.
    private async Task<JsonObject> ResultOfAsync(string task, CancellationToken cancel)
    {
        try
        {
            return (await program.ReadAsync(["result", "--json", "--", task], cancel)).Json;
        }
        catch (QueueException)
        {
            var shown = (await program.ReadAsync(["show", "--json", "--", task], cancel)).Json[
                "task"
            ]!;
            if ((string)shown["status"]! is not ("pending" or "running"))
            {
                throw;
            }

            throw (string?)shown["question"] is { Length: > 0 }
                ? new QueueException(
                    $"Task {shown["taskId"]} has not ended: its agent asks something",
                    $"Call show, whose question is data, and ask the user, who answers with: agentq answer {shown["taskId"]} -"
                )
                : new QueueException(
                    $"Task {shown["taskId"]} is {shown["status"]} and has no result yet",
                    "Call wait first"
                );
        }
    }

    private string ResultFile(string id, bool isArchived)
    {
        var queue = new ProjectQueue(program.Project, TimeProvider.System).Queue;
        return isArchived
            ? queue.ArchivedResult(TaskId.Parse(id))
            : queue.ResultFile(TaskId.Parse(id));
    }

    private async Task<ToolReply> LogsAsync(JsonElement input, CancellationToken cancel)
    {
        var lines = Number(input, "tail") ?? UsualLines;
        var json = await LogLinesAsync(Text(input, "task")!, lines, cancel);
        return new(new() { ["taskId"] = Copy(json["taskId"]), ["log"] = LogOf(json, lines) });
    }

    private async Task<ToolReply> RunAsync(JsonElement input)
    {
        List<string> arguments = ["run", "--json"];
        var ids = Words(input, "tasks");
        if (IsOn(input, "drain", usually: false))
        {
            arguments.Add("--drain");
        }

        if (Number(input, "parallel") is { } parallel)
        {
            arguments.Add($"--parallel={parallel}");
        }
        else if (ids.Count == 0)
        {
            arguments.Add("--parallel");
        }

        var reply = await program.ChangeAsync([.. arguments, "--", .. ids]);
        return new(
            new()
            {
                ["started"] = TasksOf(reply.Json["started"]).Tasks,
                ["message"] = AgentText.Line((string?)reply.Json["message"], 500),
            },
            reply.IsRefusal
        );
    }

    private async Task<ToolReply> PlanRunAsync(JsonElement input, CancellationToken cancel)
    {
        var plan = Text(input, "plan")!;
        var known = (await program.ReadAsync(["plan", "list", "--json"], cancel)).Json["plans"]!
            .AsArray()
            .Select(static p => (string)p!["path"]!)
            .ToList();
        if (!known.Contains(plan))
        {
            throw new QueueException(
                $"There is no plan '{AgentText.Line(plan)}' in this project",
                known.Count == 0
                    ? "Make one: agentq plan new NAME"
                    : $"There are {AgentText.Line(string.Join(", ", known), 2000)}"
            );
        }

        List<string> arguments = ["plan", "run", "--json", "--detach"];
        foreach (var (name, value) in Pairs(input, "set"))
        {
            arguments.Add($"--set={name}={value}");
        }

        var json = (await program.ChangeAsync([.. arguments, "--", plan])).Json;
        return new(
            new()
            {
                ["run"] = Copy(json["run"]),
                ["folder"] = Copy(json["folder"]),
                ["tasks"] = json["tasks"] is JsonValue count ? count.DeepClone() : null,
            }
        );
    }

    private async Task<ToolReply> TriggerAsync(JsonElement input)
    {
        List<string> arguments = ["trigger", "--json"];
        foreach (var (name, value) in Pairs(input, "vars"))
        {
            arguments.Add($"--var={name}={value}");
        }

        var json = (await program.ChangeAsync([.. arguments, "--", Text(input, "event")!])).Json;
        return new(
            new()
            {
                ["event"] = AgentText.Line((string?)json["event"]),
                ["started"] = ArrayOf(json["started"], IdOf),
                ["cancelled"] = ArrayOf(json["cancelled"], IdOf),
                ["ignored"] = ArrayOf(
                    json["ignored"],
                    static i =>
                        JsonValue.Create(
                            AgentText.Line($"{i["agent"]}: {i["reason"] ?? i["why"]}", 300)
                        )!
                ),
            }
        );
    }

    // A comma would make two of it.
    private static string CheckedId(string id) =>
        id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? id
            : throw new QueueException($"'{AgentText.Line(id, 64)}' is no task's id");
}
