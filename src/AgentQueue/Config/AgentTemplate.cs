using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// Fills an agent's template with a task. Every argument of the template becomes exactly one argument of
/// the process, whatever the prompt contains; no shell ever reads it.
/// </summary>
internal static class AgentTemplate
{
    /// <summary>The longest prompt that is handed over as an argument: 96 KiB.</summary>
    public const int LongestPromptArgument = 96 * 1024;

    /// <summary>The kernel's limit for one argument, and for one environment variable with its name.</summary>
    public const int LongestArgument = 131_071;

    /// <param name="settings">Where neither the task nor the agent says anything.</param>
    /// <param name="runnerEnvironment">The environment of whoever runs the task: a value, or null.</param>
    /// <param name="ofProject">Variables of all templates; null for none.</param>
    /// <exception cref="QueueException">The agent cannot be started like this; the message says why.</exception>
    public static LaunchPlan Resolve(
        AgentDefinition agent,
        AgentTask task,
        TaskPaths paths,
        Settings settings,
        Func<string, string?> runnerEnvironment,
        ImmutableSortedDictionary<string, string>? ofProject = null
    )
    {
        ofProject ??= AgentDefinition.NoVariables;
        var variables = new Variables(ofProject, agent, task.Cause, runnerEnvironment);
        var prompt = ResolvePrompt(agent, task, paths);
        var template =
            prompt.StartsWith('-') && agent.ArgsForLeadingDash is { } args ? args : agent.Args;
        var environment = ResolveEnvironment(agent, task, runnerEnvironment, variables);
        var executable = ResolveExecutable(agent, paths.Root, environment, runnerEnvironment);
        var arguments = Arguments(variables);
        return new LaunchPlan
        {
            Executable = executable,
            Arguments = arguments,
            ShownArguments = variables.UsedEnvironment
                ? Arguments(new Variables(ofProject, agent, task.Cause, ShownEnvironment))
                : arguments,
            PromptText = prompt,
            PromptVia = agent.PromptVia,
            NeedsPromptFile =
                agent.PromptVia != PromptVia.Arg
                || template.Any(a => Placeholders.InArgument(a, Placeholders.PromptFile)),
            Environment = environment,
            WorkingFolder = ResolveWorkingFolder(agent, task, paths.Root, variables),
            Timeout = task.Timeout ?? agent.Timeout ?? settings.Timeout,
            IdleTimeout = task.IdleTimeout ?? agent.IdleTimeout ?? settings.IdleTimeout,
            ExitGrace = agent.ExitGrace,
            Completion = agent.Completion,
            KeepChildren = agent.KeepChildren,
        };

        ImmutableArray<string> Arguments(Variables from) =>
            ResolveArguments(agent, executable, template, prompt, task, paths, from);
    }

    /// <summary>As <see cref="Resolve"/>, for a task of a plan that is a command: no word of it is looked into.</summary>
    /// <exception cref="QueueException">It cannot be started like this; the message says why.</exception>
    public static LaunchPlan ResolveCommand(
        AgentTask task,
        string projectRoot,
        Settings settings,
        Func<string, string?> runnerEnvironment
    )
    {
        var agent = new AgentDefinition { Name = task.Agent, Command = task.Step!.Command[0] };
        var none = new Variables(AgentDefinition.NoVariables, agent, null, runnerEnvironment);
        var plan = new LaunchPlan
        {
            Executable = "",
            Arguments = task.Step.Command[1..],
            ShownArguments = task.Step.Command[1..],
            PromptText = "",
            PromptVia = PromptVia.Arg,
            NeedsPromptFile = false,
            Environment = ResolveEnvironment(agent, task, runnerEnvironment, none),
            WorkingFolder = ResolveWorkingFolder(agent, task, projectRoot, none),
            Timeout = task.Timeout ?? settings.Timeout,
            IdleTimeout = task.IdleTimeout ?? settings.IdleTimeout,
            ExitGrace = agent.ExitGrace,
            Completion = agent.Completion,
            KeepChildren = agent.KeepChildren,
        };
        return plan with
        {
            Executable =
                FindProgram(agent.Command, plan, runnerEnvironment)
                ?? throw new QueueException(
                    agent.Command.Contains('/', StringComparison.Ordinal)
                        ? $"{agent.Command} is not an executable file in {plan.WorkingFolder}"
                        : $"'{agent.Command}' is not on PATH",
                    "Install it, or correct cmd in the plan"
                ),
        };
    }

    /// <summary>The program that a command of a plan means, with the PATH and the folder that it will have.</summary>
    public static string? FindProgram(
        string command,
        LaunchPlan plan,
        Func<string, string?> runnerEnvironment
    ) =>
        ExecutableLookup.Find(
            command,
            plan.Environment.TryGetValue("PATH", out var own) ? own : runnerEnvironment("PATH"),
            plan.WorkingFolder
        );

    private static string ResolvePrompt(AgentDefinition agent, AgentTask task, TaskPaths paths)
    {
        var prompt = PromptText.Write(PromptText.TemplateOf(agent, paths.Root), task, paths);
        if (prompt.Contains('\0', StringComparison.Ordinal))
        {
            throw new QueueException($"The prompt of {task.Id} contains a NUL character");
        }

        var size = Encoding.UTF8.GetByteCount(prompt);
        return agent.PromptVia == PromptVia.Arg && size > LongestPromptArgument
            ? throw new QueueException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The prompt of {task.Id} has {size:N0} bytes, and agent '{agent.Name}' takes it as an argument, where {LongestPromptArgument:N0} (96 KiB) is the limit"
                ),
                $"Set promptVia to stdin or file for '{agent.Name}' in {AgentConfig.FileName}: then it may be longer"
            )
            : prompt;
    }

    /// <summary>In the place of a value of the environment where it must not be seen.</summary>
    public static string ShownEnvironment(string name) => $"{{{{ env.{name} }}}}";

    /// <summary>The arguments with everything in its place; each element of the template stays one.</summary>
    /// <param name="executable">What is run, as far as it is known.</param>
    /// <param name="prompt">The complete prompt.</param>
    /// <exception cref="QueueException">A variable cannot be filled in, or an argument is too long for the system.</exception>
    public static ImmutableArray<string> ResolveArguments(
        AgentDefinition agent,
        string? executable,
        ImmutableArray<string> template,
        string prompt,
        AgentTask task,
        TaskPaths paths,
        Variables variables
    )
    {
        var hasVariables = template.Any(static a => VariableText.Uses(a).Any());
        var layout = hasVariables ? ShellQuoting.LayoutOf(agent.Command, template) : default;
        var arguments = ImmutableArray.CreateBuilder<string>(template.Length);
        for (var i = 0; i < template.Length; i++)
        {
            var expanded = variables.Fill(
                template[i],
                $"agents.{agent.Name}.args[{i}]",
                text =>
                    Placeholders.Expand(
                        text,
                        name => name == Placeholders.Prompt ? prompt : paths.ValueOf(name, task)
                    ),
                hasVariables ? ScriptOf(executable, layout, i) : null
            );
            if (Encoding.UTF8.GetByteCount(expanded) > LongestArgument)
            {
                throw new QueueException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Argument {i + 1} of agent '{agent.Name}' for {task.Id} is longer than {LongestArgument:N0} bytes, the system's limit"
                    ),
                    $"Set promptVia to stdin or file for '{agent.Name}' in {AgentConfig.FileName}"
                );
            }

            arguments.Add(expanded);
        }

        var filled = arguments.MoveToImmutable();
        return hasVariables && !layout.IsStillOf(ShellQuoting.LayoutOf(agent.Command, filled))
            ? throw new QueueException(
                $"Agent '{agent.Name}' cannot be started for {task.Id}: what its arguments are filled with would change which of them the shell takes for its script",
                $"Put \"--\" before what may begin with a dash, in args of '{agent.Name}'"
            )
            : filled;
    }

    // cmd reads all that a batch file is started with.
    private static ScriptText? ScriptOf(
        string? executable,
        ShellQuoting.Layout layout,
        int argument
    ) =>
        OperatingSystem.IsWindows()
        && executable is not null
        && ExecutableLookup.IsBatchFile(executable)
            ? new CmdScript()
            : ShellQuoting.ScriptOf(layout, argument);

    private static ImmutableSortedDictionary<string, string?> ResolveEnvironment(
        AgentDefinition agent,
        AgentTask task,
        Func<string, string?> runnerEnvironment,
        Variables variables
    )
    {
        var environment = AgentEnvironment.NoOverrides.ToBuilder();
        foreach (var (name, value) in agent.Environment)
        {
            if (value is null)
            {
                environment[name] = null;
                continue;
            }

            environment[name] = variables.Fill(
                value,
                $"agents.{agent.Name}.env.{name}",
                text =>
                    AgentEnvironment.Expand(text, runnerEnvironment, out var missing)
                    ?? throw new QueueException(
                        $"Agent '{agent.Name}' needs the environment variable {missing} for its {name}, and it is not set",
                        $"Set {missing} where you type 'agentq run'"
                    )
            );
        }

        foreach (var (name, value) in task.Environment)
        {
            environment[name] =
                value is null ? runnerEnvironment(name)
                : task.Step is null ? value
                : AgentEnvironment.Expand(value, runnerEnvironment, out var missing)
                    ?? throw new QueueException(
                        $"The plan takes {name} of {task.Step.Node} from the environment variable {missing}, and it is not set",
                        $"Set {missing} where you type 'agentq plan run'"
                    );
        }

        foreach (var (name, value) in environment)
        {
            if (
                value is not null
                && Encoding.UTF8.GetByteCount(name) + 1 + Encoding.UTF8.GetByteCount(value)
                    > LongestArgument
            )
            {
                throw new QueueException(
                    $"The environment variable {name} for {task.Id} is longer than the system's limit of 128 KiB"
                );
            }
        }

        return environment.ToImmutable();
    }

    private static string ResolveExecutable(
        AgentDefinition agent,
        string projectRoot,
        ImmutableSortedDictionary<string, string?> environment,
        Func<string, string?> runnerEnvironment
    )
    {
        // The PATH that the agent will have, as a shell does with PATH=… command.
        var path = environment.TryGetValue("PATH", out var own) ? own : runnerEnvironment("PATH");
        var executable =
            ExecutableLookup.Find(agent.Command, path, projectRoot)
            ?? throw new QueueException(
                agent.Command.Contains('/', StringComparison.Ordinal)
                    ? $"Agent '{agent.Name}' cannot be started: {agent.Command} is not an executable file"
                    : $"Agent '{agent.Name}' cannot be started: '{agent.Command}' is not on PATH",
                $"Install it, or correct command in {AgentConfig.FileName}"
            );
        return
            OperatingSystem.IsWindows()
            && agent.PromptVia == PromptVia.Arg
            && ExecutableLookup.IsBatchFile(executable)
            ? throw new QueueException(
                $"Agent '{agent.Name}' cannot be started: {executable} is a batch file, where cmd.exe would execute what stands in the prompt",
                $"Set promptVia to stdin or file for '{agent.Name}' in {AgentConfig.FileName}, or name the program behind it"
            )
            : executable;
    }

    private static string ResolveWorkingFolder(
        AgentDefinition agent,
        AgentTask task,
        string projectRoot,
        Variables variables
    )
    {
        var configured = agent.Cwd is { } cwd
            ? variables.Fill(cwd, $"agents.{agent.Name}.cwd")
            : null;
        var folder =
            task.WorkingFolder
            ?? (configured is null ? projectRoot : Path.GetFullPath(configured, projectRoot));
        if (Directory.Exists(folder))
        {
            return folder;
        }

        // The message is stored, and values of the environment are not.
        var shown =
            task.WorkingFolder is null && variables.UsedEnvironment ? agent.Cwd ?? folder : folder;
        throw new QueueException($"The working folder of {task.Id}, {shown}, does not exist");
    }
}
