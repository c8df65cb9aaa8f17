using System.CommandLine.Completions;
using AgentQueue.Config;
using AgentQueue.Plans;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli;

/// <summary>What a shell may offer for an argument: ids and agents of the project that the line is about.</summary>
internal static class Completions
{
    // Beyond this nobody reads the list; the newest are those that are talked about.
    private const int MostIds = 100;

    public static IEnumerable<CompletionItem> Ids(CompletionContext context) =>
        From(
            context,
            root =>
            {
                var queue = new QueueFolder(root, ProjectQueue.RealDisk);
                var part = LastOf(context.WordToComplete);
                return new TaskLookup(queue)
                    .All()
                    .Where(id => id.Value.Contains(part, StringComparison.OrdinalIgnoreCase))
                    .OrderDescending()
                    .Take(MostIds)
                    .Select(id => new CompletionItem(id.Value, detail: Describe(queue, id)));
            }
        );

    public static IEnumerable<CompletionItem> Runs(CompletionContext context) =>
        From(
            context,
            static root =>
                new PlanRuns(new ProjectQueue(root, TimeProvider.System))
                    .All()
                    .Take(MostIds)
                    .Select(static run => new CompletionItem(run.Value))
                    .Prepend(new CompletionItem("last"))
        );

    public static IEnumerable<CompletionItem> Agents(CompletionContext context) =>
        From(
            context,
            static root =>
                AgentConfig
                    .Load(root)
                    .Agents.Values.Select(static agent => new CompletionItem(
                        agent.Name,
                        detail: agent.Description
                    ))
        );

    /// <summary>The events that somebody listens to, those without a wildcard.</summary>
    public static IEnumerable<CompletionItem> Events(CompletionContext context) =>
        From(
            context,
            static root =>
                AgentConfig
                    .Load(root)
                    .Agents.Values.SelectMany(static agent =>
                        agent
                            .Events.Triggers.Concat(agent.Events.AllOf)
                            .Concat(agent.Events.CancelOn)
                            .Select(name => (Name: name, Agent: agent.Name))
                    )
                    .Where(static e => !e.Name.Contains('*', StringComparison.Ordinal))
                    .GroupBy(static e => e.Name, StringComparer.Ordinal)
                    .Select(static e => new CompletionItem(
                        e.Key,
                        detail: string.Join(", ", e.Select(static r => r.Agent).Distinct())
                    ))
        );

    public static IEnumerable<CompletionItem> Templates(CompletionContext context) =>
        From(
            context,
            static root =>
                new PlanTemplates(new QueueFolder(root, ProjectQueue.RealDisk))
                    .All(static _ => { })
                    .Select(static t => new CompletionItem(t.Name, detail: t.Description))
        );

    private static string? Describe(QueueFolder queue, TaskId id) =>
        queue.Read(id) is TaskRead.Found(var task, _)
            ? $"{TaskJson.NameOf(task.Status)}, {task.Agent}: {task.Name ?? task.Prompt}"
            : null;

    // A list of ids is typed with commas; --option=value may be one word.
    private static string LastOf(string word) => word[(word.LastIndexOfAny([',', '=']) + 1)..];

    private static List<CompletionItem> From(
        CompletionContext context,
        Func<string, IEnumerable<CompletionItem>> items
    )
    {
        try
        {
            var (root, _) = QueueLocator.Locate(
                context.ParseResult.GetValue(CommonOptions.Root),
                Environment.CurrentDirectory
            );
            return [.. items(root)];
        }
        catch (Exception e) when (e is QueueException or IOException)
        {
            // A shell asks at every TAB; what is wrong is said when the line is run.
            return [];
        }
    }
}
