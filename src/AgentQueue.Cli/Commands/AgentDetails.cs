using System.Collections.Immutable;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>Everything about one agent, for people. Names of environment variables, never their values.</summary>
internal static class AgentDetails
{
    private const int LabelWidth = 16;

    public static void Print(Screen screen, AgentView view)
    {
        var agent = view.Agent;
        screen.Line(view.ShownName);
        Row(screen, "description", agent.Description);
        Row(screen, "command", agent.Command);
        Row(screen, "found", view.Found ?? "not found", view.Found is null ? Tone.Bad : Tone.Plain);
        PrintAdapter(screen, view);
        Row(screen, "promptVia", AgentView.WordFor(agent.PromptVia));
        Row(screen, "prompt template", TemplateOf(agent));
        Row(screen, "env", string.Join(", ", agent.Environment.Keys));
        Row(screen, "cwd", agent.Cwd ?? "the project folder");
        Row(screen, "timeout", Time(agent.Timeout));
        Row(screen, "idleTimeout", Time(agent.IdleTimeout));
        Row(screen, "completion", AgentView.WordFor(agent.Completion));
        Row(screen, "exitGrace", Time(agent.ExitGrace));
        Row(screen, "maxParallel", agent.MaxParallel?.ToString() ?? "no limit of its own");
        Row(screen, "keepChildren", agent.KeepChildren ? "yes" : "no");
        PrintWorktree(screen, agent.Worktree);
        PrintVariables(screen, agent);
        PrintEvents(screen, agent);
        PrintSample(screen, view);
    }

    private static void PrintAdapter(Screen screen, AgentView view)
    {
        if (view.Adapter is not { } adapter)
        {
            return;
        }

        var work = view.Agent.Work;
        Row(screen, "adapter", $"{adapter.Name}, for {adapter.Title}");
        if (adapter.Version is { } version)
        {
            Row(
                screen,
                "version",
                view.Version is { } found ? $"{found}, {version.Describe(view.Standing)}"
                    : view.Found is null ? null
                    : "it does not tell",
                view.Standing == VersionStanding.Unsupported ? Tone.Bad : Tone.Plain
            );
        }

        Row(screen, "permission", view.Permission?.Word());
        Row(screen, "model", work.Model ?? (adapter.Model is null ? null : "its own choice"));
        Row(screen, "account", work.Account);
        Row(
            screen,
            "session",
            adapter.Resume is null ? "cannot be gone on with" : "can be gone on with"
        );
        Row(screen, "result", adapter.Stream is null ? "text only" : "read from its stream");
    }

    private static void PrintWorktree(Screen screen, WorktreeRule? rule)
    {
        if (rule is null)
        {
            return;
        }

        Row(screen, "worktree", "one for each of its tasks");
        Row(screen, "root", rule.Root);
        PrintCommands(screen, "setup", rule.Setup);
        Row(screen, "setupTimeout", rule.SetupTimeout is { } s ? Duration.Format(s) : null);
        PrintCommands(screen, "teardown", rule.Teardown);
        Row(screen, "teardownTimeout", rule.TeardownTimeout is { } t ? Duration.Format(t) : null);
    }

    // None at all is a setting too: it takes the place of the project's.
    private static void PrintCommands(
        Screen screen,
        string label,
        ImmutableArray<ImmutableArray<string>>? commands
    )
    {
        foreach (var command in commands ?? [])
        {
            Row(screen, label, ShellWords.Join(command));
        }

        if (commands is { IsEmpty: true })
        {
            Row(screen, label, "none");
        }
    }

    private static void PrintVariables(Screen screen, AgentDefinition agent)
    {
        foreach (var (name, value) in agent.Variables)
        {
            Row(screen, "vars", $"{name} = {value}");
        }
    }

    private static void PrintEvents(Screen screen, AgentDefinition agent)
    {
        var rule = agent.Events;
        Row(screen, "prompt", agent.Prompt);
        Row(screen, "triggers", string.Join(", ", rule.Triggers));
        Row(screen, "allOf", string.Join(", ", rule.AllOf));
        Row(screen, "cancelOn", string.Join(", ", rule.CancelOn));
        if (rule.Listens)
        {
            Row(screen, "maxConcurrent", rule.MaxConcurrent?.ToString() ?? "any number");
            Row(screen, "onRetrigger", AgentView.WordFor(rule.OnRetrigger));
            Row(screen, "keepHistory", KeptOf(rule.KeepHistory));
            Row(screen, "loopDetection", rule.LoopDetection ? "yes" : "no");
        }

        if (rule.Debounce > TimeSpan.Zero)
        {
            Row(
                screen,
                "debounce",
                $"{(long)rule.Debounce.TotalMilliseconds} ms, {AgentView.WordFor(rule.DebounceMode)}"
            );
        }

        Row(screen, "outputExtension", rule.OutputExtension);
    }

    private static string KeptOf(int? keepHistory) =>
        keepHistory switch
        {
            null => "as for all agents",
            -1 => "all",
            { } number => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };

    private static void PrintSample(Screen screen, AgentView view)
    {
        screen.Line();
        if (view.Plan is not { } plan)
        {
            screen.Line($"It cannot be started: {view.Problem}", Tone.Bad);
            return;
        }

        screen.Line($"For the prompt \"{AgentView.SamplePrompt}\" it is started as");
        foreach (
            var (argument, i) in plan
                .ShownArguments.Prepend(plan.Executable)
                .Select((a, i) => (a, i))
        )
        {
            Block(screen, $"  {i}  ", argument);
        }

        if (plan.PromptVia != PromptVia.Arg)
        {
            screen.Line();
            screen.Line(
                plan.PromptVia == PromptVia.Stdin
                    ? "and finds on its standard input"
                    : "and finds in its prompt file"
            );
            Block(screen, "     ", plan.PromptText);
        }
    }

    // Each argument stays recognisable as one, however many lines it has.
    private static void Block(Screen screen, string lead, string text)
    {
        var indent = new string(' ', lead.Length);
        var first = true;
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            screen.Line((first ? lead : indent) + line);
            first = false;
        }
    }

    private static void Row(Screen screen, string label, string? value, Tone tone = Tone.Plain)
    {
        if (!string.IsNullOrEmpty(value))
        {
            screen.Line($"  {label.PadRight(LabelWidth)}{value}", tone);
        }
    }

    private static string Time(TimeSpan? time) => time is { } t ? Duration.Format(t) : "by setting";

    private static string TemplateOf(AgentDefinition agent) =>
        agent.PromptTemplateFile is { } file ? $"from {file}"
        : agent.PromptTemplate == PromptText.Bare || agent.Name == AgentDefinition.Shell
            ? "the prompt as it is"
        : agent.PromptTemplate is not null ? "its own"
        : "the default one, which says how to report the end";
}
