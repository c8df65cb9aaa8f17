using System.Text;
using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Keeping;

/// <summary>
/// Makes agents with triggers in <c>agent-config.json</c> of the commands of the older tool, and takes over
/// its variables. What stands there already stays as it is, so a second import changes nothing; what is not
/// known is told of, and nothing is guessed.
/// </summary>
internal sealed class ImportEvents(QueueFolder queue, bool onWindows)
{
    private const string VariablesKey = "variables";
    private const string KeepHistoryKey = "keepHistory";

    /// <exception cref="QueueException">A file is refused, or the disk did; nothing was imported.</exception>
    public void Import(IReadOnlyList<EventFile> files, ImportReport report, bool dryRun)
    {
        var events = new ForeignEvents(files, queue.ProjectRoot, report);
        var project = new ProjectAgents(queue);
        var names = new ForeignNames([.. events.Commands.Select(static c => c.Name)]);
        var variables = TranslateVariables(events);
        var there = project.Names;
        var agents = new List<CommandTranslation>();
        foreach (var command in events.Commands)
        {
            var agent = new CommandTranslation(
                command,
                names,
                variables,
                queue.ProjectRoot,
                onWindows
            );
            agent.Translate(events.OutputExtension);
            if (there.Contains(agent.Agent))
            {
                report.Skip($"agent {agent.Agent}", $"{AgentConfig.FileName} has one of that name");
            }
            else if (string.Join("; ", agent.Errors) is { Length: > 0 } errors)
            {
                report.Skip($"command {command.Name}", errors);
            }
            else if (string.Join("; ", Refusals(agent, variables)) is { Length: > 0 } refusals)
            {
                // With it the whole configuration would be refused, and every verb with that.
                report.Skip($"command {command.Name}", refusals);
            }
            else
            {
                agents.Add(agent);
                report.Agents.Add(agent.Agent);
                report.AgentChanges.AddRange(agent.Changes.Select(c => $"{agent.Agent}: {c}"));
            }
        }

        TellOfFolders(events, report);
        var values = NewValues(project, variables, events, report).ToList();
        if (!dryRun && agents.Count + values.Count > 0)
        {
            Write(project, agents, values);
        }
    }

    private IEnumerable<string> Refusals(
        CommandTranslation agent,
        Dictionary<string, string> variables
    )
    {
        var known = string.Join(
            ", ",
            variables.Select(static v => $"{ConfigText.Quote(v.Key)}: {ConfigText.Quote(v.Value)}")
        );
        var reader = new AgentConfigReader(AgentConfig.FileName, onWindows);
        reader.ReadText(
            Encoding.UTF8.GetBytes(
                $"{{ \"variables\": {{ {known} }}, \"agents\": {{ {ConfigText.Quote(agent.Agent)}: {agent.Json} }} }}"
            )
        );
        reader.CheckTogether();
        return reader
            .Problems.Where(static p => p.IsError)
            .Select(static p => $"{p.Key} {p.Message}");
    }

    // In a variable a name may come from any command's own.
    private static Dictionary<string, string> TranslateVariables(ForeignEvents events)
    {
        var known = events
            .Variables.Select(static v => v.Key)
            .Concat(events.Commands.SelectMany(static c => c.VariableNames))
            .ToHashSet(StringComparer.Ordinal);
        return events.Variables.ToDictionary(
            static v => v.Key,
            v => new ForeignTemplate(known.Contains).Text(v.Value),
            StringComparer.Ordinal
        );
    }

    private void TellOfFolders(ForeignEvents events, ImportReport report)
    {
        foreach (
            var file in events
                .Commands.Where(c => c.RunsAnywhere && c.File.Folder != queue.ProjectRoot)
                .Select(static c => c.File)
                .Distinct()
        )
        {
            report.Skip(
                $"the folder of {file.ShownAs}",
                $"commands without cwd run in {queue.ProjectRoot} here"
            );
        }
    }

    // The values beside the agents that are not there yet.
    private static IEnumerable<(string[] Path, string Json)> NewValues(
        ProjectAgents project,
        Dictionary<string, string> variables,
        ForeignEvents events,
        ImportReport report
    )
    {
        var there = project.Find(VariablesKey)?.Members ?? [];
        foreach (var (name, text) in variables)
        {
            if (there.FirstOrDefault(m => m.Name == name) is not { } member)
            {
                report.Variables.Add(name);
                yield return ([VariablesKey, name], ConfigText.Quote(text));
            }
            else if (member.Value.Text != text)
            {
                report.Skip(
                    $"variable {name}",
                    $"{AgentConfig.FileName} has one of that name, with another value"
                );
            }
        }

        if (events.KeepHistory is { } keep)
        {
            if (project.Find(KeepHistoryKey) is not { } own)
            {
                yield return ([KeepHistoryKey], keep);
            }
            else if (own.Text != keep)
            {
                report.Skip(
                    "output_storage.keep_history",
                    $"{AgentConfig.FileName} says {KeepHistoryKey} {own.Text ?? own.KindInWords}"
                );
            }
        }
    }

    private void Write(
        ProjectAgents project,
        IReadOnlyCollection<CommandTranslation> agents,
        IEnumerable<(string[] Path, string Json)> values
    )
    {
        queue.Create();
        // A new file begins with as much of them as a fresh one has; their entries are whole below.
        var text = project.TextWith([
            .. agents.Select(static a => new AgentDefinition { Name = a.Agent, Command = "" }),
        ]);
        foreach (
            var (path, json) in values.Concat(
                agents.Select(static a => ((string[])["agents", a.Agent], a.Json))
            )
        )
        {
            text = JsonEdit.Set(text, path, json, AgentConfig.FileName);
        }

        project.Write(text);
    }
}
