using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Keeping;

/// <summary>
/// Adds the agents of the older tool to <c>agent-config.json</c>. An agent that stands there already stays
/// as it is, and so does all else in the file.
/// </summary>
internal sealed class ImportAgents(QueueFolder queue)
{
    private const int LongestTemplate = 1 << 20;

    public void Import(IReadOnlyList<ImportSource> sources, ImportReport report, bool dryRun)
    {
        var project = new ProjectAgents(queue);
        var there = project.Names;
        var agents = new List<(AgentDefinition Agent, string? Template)>();
        foreach (
            var (source, path) in sources
                .SelectMany(static s => s.Configs.Select(c => (s, c)))
                .DistinctBy(static p => p.c)
        )
        {
            foreach (var (name, value) in Read(path, report))
            {
                if (there.Contains(name))
                {
                    report.Skip($"agent {name}", $"{AgentConfig.FileName} has one of that name");
                }
                else if (Translate(name, value, source, report) is { } agent)
                {
                    there.Add(name);
                    agents.Add(agent);
                    report.Agents.Add(name);
                }
            }
        }

        if (agents.Count > 0 && !dryRun)
        {
            Write(project, agents, report);
        }
    }

    private static IEnumerable<(string Name, SourceValue Value)> Read(
        string path,
        ImportReport report
    )
    {
        byte[]? bytes = null;
        try
        {
            bytes = ConfigReader.ReadBytes(path, path);
        }
        catch (QueueException e)
        {
            report.Skip(path, e.Message);
        }

        if (bytes is null)
        {
            yield break;
        }

        var root = SourceValue.Parse(bytes, out var problem);
        var agents = root?.Members.LastOrDefault(static m => m.Name == "agents")?.Value;
        if (agents is not { Kind: JsonValueKind.Object })
        {
            report.Skip(
                path,
                root is null ? $"it is not JSON: {problem.Reason}" : "it has no agents"
            );
            yield break;
        }

        foreach (var agent in agents.Members.GroupBy(static m => m.Name))
        {
            yield return (agent.Key, agent.Last().Value);
        }
    }

    // The second value is the text of a template file that has to be made.
    private (AgentDefinition, string?)? Translate(
        string name,
        SourceValue value,
        ImportSource source,
        ImportReport report
    )
    {
        if (!AgentConfig.IsName(name))
        {
            report.Skip($"agent {name}", "that is not a name for an agent here");
            return null;
        }

        if (
            Member(value, "command") is not { Kind: JsonValueKind.String, Text.Length: > 0 } command
        )
        {
            report.Skip($"agent {name}", "it has no command");
            return null;
        }

        var agent = new AgentDefinition
        {
            Name = name,
            Command = command.Text,
            Args = Args(name, value, report),
            Description = Member(value, "description")?.Text,
        };
        foreach (var member in value.Members.Where(static m => !s_known.Contains(m.Name)))
        {
            report.AgentChanges.Add($"{name}: {member.Name} is not known here and was left out");
        }

        return WithTemplate(agent, value, source, report);
    }

    private static readonly string[] s_known =
    [
        "command",
        "args",
        "description",
        "promptTemplate",
        "promptTemplateFile",
    ];

    private static ImmutableArray<string> Args(string name, SourceValue value, ImportReport report)
    {
        if (Member(value, "args") is not { Kind: JsonValueKind.Array } args)
        {
            report.AgentChanges.Add(
                $"{name}: it has no args, with which it could never start; it gets the prompt as its one argument"
            );
            return ["{prompt}"];
        }

        var texts = args
            .Items.Where(static i => i.Kind == JsonValueKind.String)
            .Select(static i => i.Text!)
            .ToImmutableArray();
        if (texts.Length < args.Items.Length)
        {
            report.AgentChanges.Add($"{name}: args that are not text were left out");
        }

        string[] same = [Placeholders.Prompt, Placeholders.TaskId, Placeholders.Agent];
        foreach (
            var other in Placeholders
                .InArgs.Except(same)
                .Where(p => texts.Any(t => Placeholders.Contains(t, p)))
        )
        {
            report.AgentChanges.Add(
                $"{name}: {{{other}}} in its args was plain text and is replaced here"
            );
        }

        return texts;
    }

    private (AgentDefinition, string?) WithTemplate(
        AgentDefinition agent,
        SourceValue value,
        ImportSource source,
        ImportReport report
    )
    {
        if (Member(value, "promptTemplateFile") is { Kind: JsonValueKind.String } file)
        {
            return ReadTemplate(file.Text!, source) is not { } text
                    ? WithoutTemplate(
                        $"its template {file.Text} cannot be read inside that project"
                    )
                : FormatText.Translate(text, out var doubt) is var translated
                && translated == text
                && source.Project == queue.ProjectRoot
                    ? (Note(agent with { PromptTemplateFile = file.Text }, doubt), null)
                : (
                    Note(
                        agent with
                        {
                            PromptTemplateFile =
                                $"{QueueFolder.FolderName}/prompts/{agent.Name}.md",
                        },
                        doubt
                    ),
                    translated
                );
        }

        return Member(value, "promptTemplate") is { Kind: JsonValueKind.String, Text: { } inline }
            ? (
                Note(
                    agent with
                    {
                        PromptTemplate = FormatText.Translate(inline, out var problem),
                    },
                    problem
                ),
                null
            )
            : (agent, null);

        (AgentDefinition, string?) WithoutTemplate(string why)
        {
            report.AgentChanges.Add($"{agent.Name}: {why}; it has the usual prompt");
            return (agent, null);
        }

        AgentDefinition Note(AgentDefinition noted, string? what)
        {
            if (what is not null)
            {
                report.AgentChanges.Add($"{agent.Name}: {what}");
            }

            return noted;
        }
    }

    private string? ReadTemplate(string path, ImportSource source)
    {
        var full = Path.GetFullPath(path, source.Project);
        if (
            Path.IsPathRooted(path)
            || !full.StartsWith(
                source.Project + Path.DirectorySeparatorChar,
                StringComparison.Ordinal
            )
        )
        {
            return null;
        }

        for (
            var folder = Path.GetDirectoryName(full);
            folder is not null && folder != source.Project;
            folder = Path.GetDirectoryName(folder)
        )
        {
            if (new DirectoryInfo(folder).LinkTarget is not null)
            {
                return null;
            }
        }

        var read = queue.Disk.Read(full, LongestTemplate);
        return read.Status == ReadStatus.Ok && System.Text.Unicode.Utf8.IsValid(read.Content)
            ? Encoding.UTF8.GetString(SourceValue.WithoutMark(read.Content))
            : null;
    }

    private void Write(
        ProjectAgents project,
        List<(AgentDefinition Agent, string? Template)> agents,
        ImportReport report
    )
    {
        queue.Create();
        var written = agents.Select(a => WriteTemplate(a.Agent, a.Template, report)).ToList();
        var text = project.TextWith(written);
        foreach (var agent in written)
        {
            if (project.Exists || agent.Name == AgentDefinition.Shell)
            {
                var entry = ConfigTemplate.Entry(agent, "    ");
                text = JsonEdit.Set(
                    text,
                    ["agents", agent.Name],
                    entry[(ConfigText.Quote(agent.Name).Length + 2)..],
                    AgentConfig.FileName
                );
            }
        }

        project.Write(text);
    }

    private AgentDefinition WriteTemplate(
        AgentDefinition agent,
        string? template,
        ImportReport report
    )
    {
        if (template is null)
        {
            return agent;
        }

        var path = Path.Join(queue.ProjectRoot, agent.PromptTemplateFile);
        var content = Encoding.UTF8.GetBytes(template);
        queue.Disk.CreateFolder(Path.GetDirectoryName(path)!);
        if (
            queue.Durable.TryCreate(path, content)
            || queue.Disk.Read(path, LongestTemplate).Content.AsSpan().SequenceEqual(content)
        )
        {
            report.AgentChanges.Add(
                $"{agent.Name}: its template is {agent.PromptTemplateFile} here"
            );
            return agent;
        }

        report.AgentChanges.Add(
            $"{agent.Name}: {agent.PromptTemplateFile} exists, so its template is in {AgentConfig.FileName}"
        );
        return agent with { PromptTemplateFile = null, PromptTemplate = template };
    }

    private static SourceValue? Member(SourceValue value, string name) =>
        value.Members.LastOrDefault(m => m.Name == name)?.Value;
}
