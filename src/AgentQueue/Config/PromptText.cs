using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>The complete prompt that an agent receives: its template with the user's prompt in it.</summary>
internal static class PromptText
{
    /// <summary>The prompt as the user wrote it and nothing else.</summary>
    public const string Bare = "{userPrompt}";

    /// <summary>What an agent is told that has no template of its own. Changing it changes what every agent reads.</summary>
    public const string DefaultTemplate = """
        {userPrompt}

        ---
        This is task {taskId}. Nobody is watching while you work and nobody can answer: when something is unclear, choose what is most sensible and state the assumption in your result.

        When you are finished, and as your very last step, report the outcome by creating exactly one of these two files:

        - Everything asked for is done and checked: create the empty file `{doneFile}`
        - You could not do it, or only in part: create `{errorFile}` with this JSON:
          {"error": "<one sentence>", "details": "<what you tried, what is missing>", "timestamp": "<now, ISO 8601, UTC>"}

        Never create `{doneFile}` for work that is unfinished or failing: others rely on it. Whatever is still running in the background after you report is ended.

        - Keep your plan and your progress in `{planFile}` if the work has more than a few steps.
        - Put files for which the task names no place into `{workspace}`.

        """;

    /// <exception cref="QueueException">The template's file is missing, cannot be read or is not text.</exception>
    public static string TemplateOf(AgentDefinition agent, string projectRoot)
    {
        if (agent.PromptTemplateFile is { } file)
        {
            var bytes =
                ConfigReader.ReadBytes(Path.GetFullPath(file, projectRoot), file)
                ?? throw new QueueException(
                    $"The prompt template of agent '{agent.Name}', {file}, does not exist",
                    $"Create it, or correct promptTemplateFile in {AgentConfig.FileName}"
                );
            return Decode(bytes)
                ?? throw new QueueException(
                    $"The prompt template of agent '{agent.Name}', {file}, is not UTF-8 text"
                );
        }

        return agent.PromptTemplate
            ?? (agent.Name == AgentDefinition.Shell ? Bare : DefaultTemplate);
    }

    public static string Write(string template, AgentTask task, TaskPaths paths) =>
        Placeholders.Expand(
            template,
            name =>
                name is Placeholders.UserPrompt or Placeholders.Prompt
                    ? task.Prompt
                    : paths.ValueOf(name, task)
        );

    private static string? Decode(byte[] bytes)
    {
        var text = SourceValue.WithoutMark(bytes);
        return System.Text.Unicode.Utf8.IsValid(text) ? Encoding.UTF8.GetString(text) : null;
    }
}
