using System.Collections.Immutable;
using System.CommandLine;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>start</c>: queue a task, or a batch of them.</summary>
internal static class StartCommand
{
    private static readonly Argument<string?> s_agent = new("AGENT")
    {
        HelpName = "AGENT",
        Description = "The agent, by its name in agent-config.json, or shell",
        Arity = ArgumentArity.ZeroOrOne,
        CompletionSources = { Completions.Agents },
    };

    private static readonly Argument<string?> s_prompt = new("PROMPT")
    {
        Description =
            "What it shall do; - reads it from standard input (an agent without {prompt} needs none)",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> s_promptFile = Options.Text(
        "--prompt-file",
        "FILE",
        "Read the prompt from a file"
    );

    private static readonly Option<TimeSpan?> s_timeout = Options.Time(
        "--timeout",
        "End the task after this long"
    );

    private static readonly Option<TimeSpan?> s_warning = Options.Time(
        "--timeout-warning",
        "Count it as near its limit when this much is left (60s)"
    );

    private static readonly Option<TimeSpan?> s_idle = Options.Time(
        "--idle-timeout",
        "End the task when it has printed nothing for this long"
    );

    private static readonly Option<int?> s_priority = Options.Number(
        "--priority",
        "10 is started first, 1 last (5)",
        1,
        10
    );

    private static readonly Option<int?> s_maxRetries = Options.Number(
        "--max-retries",
        "How often it may be retried (3)",
        0,
        Settings.MostRetries
    );

    private static readonly Option<bool> s_autoRetry = Options.Flag(
        "--auto-retry",
        "Retry by itself after a failure, 1, 2, 4 … seconds later"
    );

    private static readonly Option<string[]> s_dependsOn = Options.RepeatedIds(
        "--depends-on",
        "Start only when these are complete (repeatable)"
    );

    private static readonly Option<string[]> s_after = Options.Repeated(
        "--after",
        "KIND:ID[:ID]",
        "Start after another end: afterany (however it ended), afternotok (it failed or was cancelled), afterok (repeatable)"
    );

    private static readonly Option<string[]> s_label = Options.Repeated(
        "--label",
        "KEY=VALUE",
        "A label to select by (repeatable)"
    );

    private static readonly Option<string?> s_name = Options.Text(
        "--name",
        "TEXT",
        "A short title for people"
    );

    private static readonly Option<string?> s_cwd = Options.Text(
        "--cwd",
        "DIR",
        "The agent's working folder (default: its configured one, else the project)"
    );

    private static readonly Option<string[]> s_env = Options.Repeated(
        "--env",
        "KEY[=VALUE]",
        "Set a variable for the agent; without a value, hand on the runner's (repeatable)"
    );

    private static readonly Option<string?> s_at = Options.Text(
        "--at",
        "TIME",
        "Do not start it before this time: 22:00 (the next), 2026-11-22T08:00, with an offset if wanted"
    );

    private static readonly Option<TimeSpan?> s_in = Options.Time(
        "--in",
        "Do not start it before this much time has passed"
    );

    private static readonly Option<bool> s_hold = Options.Flag(
        "--hold",
        "Do not start it before it is released"
    );

    private static readonly RunOptions s_then = new();

    private static readonly Option<string?> s_batch = Options.Text(
        "--batch",
        "FILE",
        "Queue all tasks of a file (- for standard input), one JSON object a line, all or none"
    );

    public static Command Create()
    {
        var command = new Verb(
            "start",
            "Queue a task and print its id",
            "agentq start coder \"Fix the failing test\" --timeout 30m",
            "agentq start shell \"make test\" --run",
            "git diff | agentq start reviewer - --wait",
            "agentq start shell \"make release\" --at 22:00",
            "agentq start shell \"make deploy\" --depends-on 01j9x2,01j9x3 --auto-retry",
            "agentq start --batch tasks.jsonl"
        )
        {
            s_agent,
            s_prompt,
            s_promptFile,
            s_timeout,
            s_warning,
            s_idle,
            s_priority,
            s_maxRetries,
            s_autoRetry,
            s_dependsOn,
            s_after,
            s_label,
            s_name,
            s_cwd,
            WorktreeOptions.Branch,
            WorktreeOptions.Base,
            s_env,
            s_at,
            s_in,
            s_hold,
        };
        s_then.AddTo(command);
        command.Options.Add(s_batch);
        WorkOptions.AddTo(command);
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var batch = parsed.GetValue(s_batch);
        IReadOnlyList<NewTask> requests = batch is null
            ? [ReadRequest(session, parsed)]
            : ReadBatch(session, parsed, batch);
        CheckAgents(session, requests);
        requests = [.. requests.Select(r => WorktreeOptions.Resolve(session, r))];
        var tasks = batch is null
            ? [session.Project.NewTasks.Create(requests[0])]
            : session.Project.NewTasks.CreateAll(requests);
        session.Debug($"stored {tasks.Count} task(s)");
        if (tasks.Count == 0)
        {
            Session.Screen.Talk("The batch is empty; nothing was queued");
        }

        return StartReport.Finish(
            session,
            tasks,
            s_then.Read(parsed) with
            {
                IsBatch = batch is not null,
            }
        );
    }

    private static NewTask ReadRequest(Session session, ParseResult parsed)
    {
        var agent =
            parsed.GetValue(s_agent)
            ?? throw QueueException.Usage(
                "Which agent shall do it?",
                "agentq start AGENT \"PROMPT\"; see the agents: agentq agents"
            );
        var settings = session.Project.Settings;
        return new NewTask(agent, ReadPrompt(session, parsed, agent))
        {
            Name = Blank(parsed.GetValue(s_name)),
            Labels = KeyValues.Labels(parsed.GetValue(s_label) ?? []),
            WorkingFolder = ReadFolder(session, parsed.GetValue(s_cwd)),
            Worktree = WorktreeOptions.Read(parsed),
            Environment = KeyValues.Variables(parsed.GetValue(s_env) ?? []),
            Timeout = parsed.GetValue(s_timeout),
            TimeoutWarning = parsed.GetValue(s_warning),
            IdleTimeout = parsed.GetValue(s_idle),
            Priority = parsed.GetValue(s_priority) ?? AgentTask.DefaultPriority,
            MaxRetries = parsed.GetValue(s_maxRetries) ?? settings.MaxRetries,
            AutoRetry = parsed.GetValue(s_autoRetry) || settings.AutoRetry,
            Hold = parsed.GetValue(s_hold),
            Checks = WorkOptions.Checks(parsed),
            Options = WorkOptions.Options(parsed),
            NotBefore = ReadStart(session, parsed),
            DependsOn = ReadDependencies(session, parsed),
        };
    }

    private static DateTimeOffset? ReadStart(Session session, ParseResult parsed)
    {
        var clock = session.Project.Clock;
        return (parsed.GetValue(s_at), parsed.GetValue(s_in)) switch
        {
            ({ }, { }) => throw QueueException.Usage(
                "--at and --in both say when it may start",
                "Give one of them"
            ),
            ({ } at, _) => StartTime.Parse(at, "--at", clock.GetUtcNow(), clock.LocalTimeZone),
            (_, { } wait) => clock.GetUtcNow() + wait,
            _ => null,
        };
    }

    // An empty variable in a script must not quietly mean that nothing is waited for.
    private static ImmutableArray<Dependency> ReadDependencies(Session session, ParseResult parsed)
    {
        string[] parts =
        [
            .. (parsed.GetValue(s_dependsOn) ?? []).SelectMany(static list =>
                list.Split(
                    ',',
                    StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
                )
            ),
        ];
        if (parts.Length == 0 && parsed.GetResult(s_dependsOn) is { Implicit: false })
        {
            throw QueueException.Usage("--depends-on wants ID[,ID], and was given nothing");
        }

        return NewTask.Unique(
            parts
                .Select(p => new Dependency(session.FindId(p, archived: true)))
                .Concat(
                    (parsed.GetValue(s_after) ?? [])
                        .SelectMany(ReadAfter)
                        .Select(a => new Dependency(session.FindId(a.Part, archived: true), a.Kind))
                )
        );
    }

    private static IEnumerable<(string Part, DependencyKind Kind)> ReadAfter(string text)
    {
        var parts = text.Split(':', StringSplitOptions.TrimEntries);
        var kind =
            DependencyKinds.Find(parts[0])
            ?? throw QueueException.Usage(
                $"--after wants KIND:ID, and '{parts[0]}' is no kind{Nearest.Suggestion(parts[0], DependencyKinds.Words)}",
                $"One of {string.Join(", ", DependencyKinds.Words)}"
            );
        return parts.Length > 1 && parts[1..].All(static p => p.Length > 0)
            ? parts[1..].Select(p => (p, kind))
            : throw QueueException.Usage(
                $"--after wants KIND:ID[:ID], not '{text}'",
                $"Put the ids behind it: --after {parts[0]}:ID"
            );
    }

    private static string ReadPrompt(Session session, ParseResult parsed, string agent)
    {
        var prompt = parsed.GetValue(s_prompt);
        if (parsed.GetValue(s_promptFile) is { } file)
        {
            return prompt is null
                ? InputText.FromFile(Path.GetFullPath(file, session.CurrentFolder))
                : throw QueueException.Usage("There is a prompt and a --prompt-file; give one");
        }

        return prompt switch
        {
            null when JobOf(session, agent) is { } job => job,
            null => throw QueueException.Usage(
                "What shall the agent do? The prompt is missing",
                "agentq start AGENT \"PROMPT\", or - to read it from standard input"
            ),
            "-" => InputText.FromStandardInput(),
            _ => prompt,
        };
    }

    // What people see in place of a prompt, of an agent that takes none; null for one that does.
    private static string? JobOf(Session session, string name) =>
        session.Project.Config.Agents.TryGetValue(name, out var agent) && !agent.TakesPrompt
            ? Blank(agent.Description) ?? agent.Name
            : null;

    private static IReadOnlyList<NewTask> ReadBatch(
        Session session,
        ParseResult parsed,
        string file
    )
    {
        if (parsed.GetValue(s_agent) is not null || parsed.GetValue(s_promptFile) is not null)
        {
            throw QueueException.Usage(
                "With --batch the agents and prompts come from the file alone"
            );
        }

        if (parsed.GetValue(s_at) is not null || parsed.GetValue(s_in) is not null)
        {
            throw QueueException.Usage(
                "With --batch each task has a time of its own",
                "Put \"at\" or \"in\" into its line"
            );
        }

        var text =
            file == "-"
                ? InputText.FromStandardInput()
                : InputText.FromFile(Path.GetFullPath(file, session.CurrentFolder));
        return BatchFile.Read(
            text,
            file == "-" ? "standard input" : file,
            session.Project.Settings,
            part => session.FindId(part, archived: true),
            session.CurrentFolder,
            session.Project.Clock
        );
    }

    private static void CheckAgents(Session session, IReadOnlyList<NewTask> requests)
    {
        foreach (var request in requests)
        {
            NewTasks.CheckPrompt(request.Prompt);
            session.Project.CheckDeliverable(request);
        }
    }

    private static string? ReadFolder(Session session, string? folder)
    {
        if (folder is null)
        {
            return null;
        }

        var path = Path.GetFullPath(folder, session.CurrentFolder);
        return Directory.Exists(path)
            ? path
            : throw new QueueException($"There is no folder {path}", "--cwd is relative to here");
    }

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
