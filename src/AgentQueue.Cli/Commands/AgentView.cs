using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>An agent as <c>agents</c> shows it.</summary>
/// <param name="Found">The program that its command is, or null.</param>
/// <param name="Plan">What it would be started with for <see cref="SamplePrompt"/>.</param>
/// <param name="Problem">Why it cannot be started.</param>
internal sealed record AgentView(
    AgentDefinition Agent,
    bool IsBuiltIn,
    string? Found,
    LaunchPlan? Plan,
    string? Problem
)
{
    public const string SamplePrompt = "Say hello";

    /// <param name="settings">For the sample; null for none.</param>
    public static AgentView Of(
        AgentDefinition agent,
        bool isBuiltIn,
        QueueFolder queue,
        Func<Settings>? settings,
        AgentConfig config
    )
    {
        var found = ExecutableLookup.Find(
            agent.Command,
            Environment.GetEnvironmentVariable("PATH"),
            queue.ProjectRoot
        );
        if (settings is null)
        {
            return new AgentView(agent, isBuiltIn, found, null, null);
        }

        var sample = new AgentTask
        {
            Id = TaskId.Parse("task_00000000000000"),
            Agent = agent.Name,
            Prompt = SamplePrompt,
            CreatedAt = DateTimeOffset.UnixEpoch,
            State = new TaskState.Pending(),
        };
        try
        {
            var plan = AgentTemplate.Resolve(
                agent,
                sample,
                ConfigPlanner.PathsOf(queue, sample.Id),
                settings(),
                Environment.GetEnvironmentVariable,
                config.Variables
            );
            return new AgentView(agent, isBuiltIn, plan.Executable, plan, null);
        }
        catch (QueueException e)
        {
            return new AgentView(agent, isBuiltIn, found, null, e.Message);
        }
    }

    public static string WordFor(PromptVia via) =>
        via switch
        {
            PromptVia.Arg => "arg",
            PromptVia.Stdin => "stdin",
            PromptVia.File => "file",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    public static string WordFor(OnRetrigger choice) =>
        Array.Find(EventRuleReader.OnRetriggers, c => c.Choice == choice).Word;

    public static string WordFor(DebounceMode mode) =>
        Array.Find(EventRuleReader.DebounceModes, c => c.Choice == mode).Word;

    public static string WordFor(Completion completion) =>
        completion switch
        {
            Completion.Auto => "auto",
            Completion.Exit => "exit",
            Completion.Sentinel => "sentinel",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
