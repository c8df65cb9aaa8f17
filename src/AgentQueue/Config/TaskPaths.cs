using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>Where the files of one task are, all absolute. Made by whoever knows the queue folder.</summary>
/// <param name="Root">The project root.</param>
/// <param name="UsageFile">Private to the queue: where an agent tells what it has used, if its adapter wants that.</param>
/// <param name="PromptFile">Private to the queue; it exists only if <see cref="LaunchPlan.NeedsPromptFile"/>.</param>
internal sealed record TaskPaths(
    string Root,
    string PlanFile,
    string LogFile,
    string Workspace,
    string PromptFile,
    string DoneFile,
    string ErrorFile,
    string UsageFile
)
{
    /// <summary>What a placeholder other than the prompts stands for; null if it is not known.</summary>
    public string? ValueOf(string placeholder, AgentTask task) =>
        placeholder switch
        {
            Placeholders.TaskId => task.Id.Value,
            Placeholders.Agent => task.Agent,
            Placeholders.PlanFile => PlanFile,
            Placeholders.LogFile => LogFile,
            Placeholders.Workspace => Workspace,
            Placeholders.PromptFile => PromptFile,
            Placeholders.DoneFile => DoneFile,
            Placeholders.ErrorFile => ErrorFile,
            Placeholders.UsageFile => UsageFile,
            _ => null,
        };
}
