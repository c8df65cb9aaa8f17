using System.Collections.Immutable;
using System.Text;
using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Scheduling;

/// <summary>A file or folder of a new project.</summary>
/// <param name="Path">Relative to the project root; a folder ends with a slash.</param>
/// <param name="Made">False if it stood there already and was left as it is.</param>
internal sealed record SetupItem(string Path, bool Made);

/// <summary>What <c>init</c> came to.</summary>
/// <param name="Found">The agent CLIs on PATH, whether or not the configuration has them.</param>
internal sealed record SetupResult(
    ImmutableArray<SetupItem> Items,
    ImmutableArray<AgentDefinition> Found
);

/// <summary>
/// Makes what a project needs and does not have yet. Repeatable; nothing that exists is ever changed.
/// </summary>
internal static class ProjectSetup
{
    // A folder that is to be committed needs a file in it: git keeps no empty ones.
    private const string SkillsReadme = """
        # Skills

        What coding assistants shall know how to do in this project: one folder for each skill, with a
        `SKILL.md` that says when it applies and how it goes. Committed, so that everybody has them.

        """;

    private const string PromptsReadme = """
        # Prompts

        Prompt templates, for `promptTemplateFile` in `agent-config.json`. `{userPrompt}` stands for what was
        asked for; without a template an agent is told how to report its end. Committed, so that everybody
        has them.

        """;

    /// <param name="searchPath">Where agent CLIs are looked for: the value of PATH.</param>
    public static SetupResult Create(QueueFolder queue, string? searchPath)
    {
        var found = Adapters.Installed(searchPath, queue.ProjectRoot);
        var folder = QueueFolder.FolderName;
        var items = ImmutableArray.CreateBuilder<SetupItem>();
        var ignored = queue.Disk.Facts(Path.Join(queue.Folder, ".gitignore")) is null;
        items.Add(new SetupItem($"{folder}/", queue.Disk.Facts(queue.Folder) is null));
        queue.Create();
        items.Add(new SetupItem($"{folder}/.gitignore", ignored));
        Add($"{folder}/{ConfigSchema.FileName}", ConfigSchema.Text);
        AddFolder("skills", SkillsReadme);
        AddFolder("prompts", PromptsReadme);
        Add(AgentConfig.FileName, ConfigTemplate.Write(found));
        return new SetupResult(items.ToImmutable(), found);

        void AddFolder(string name, string readme)
        {
            queue.Disk.CreateFolder(Path.Join(queue.Folder, name));
            Add($"{folder}/{name}/README.md", readme);
        }

        void Add(string path, string text) =>
            items.Add(
                new SetupItem(
                    path,
                    queue.Durable.TryCreate(
                        Path.Join(queue.ProjectRoot, path),
                        Encoding.UTF8.GetBytes(text)
                    )
                )
            );
    }
}
