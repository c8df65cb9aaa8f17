using System.CommandLine.Completions;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Cli;

/// <summary>What a shell may offer for an argument: ids and agents of the project that the line is about.</summary>
internal static class Completions
{
    public static IEnumerable<CompletionItem> Ids(CompletionContext context) =>
        From(
            context,
            root =>
                new TaskLookup(new QueueFolder(root, ProjectQueue.RealDisk))
                    .All()
                    .OrderDescending()
                    .Select(static id => id.Value)
        );

    public static IEnumerable<CompletionItem> Agents(CompletionContext context) =>
        From(context, static root => AgentConfig.Load(root).Agents.Keys);

    private static List<CompletionItem> From(
        CompletionContext context,
        Func<string, IEnumerable<string>> words
    )
    {
        try
        {
            var (root, _) = QueueLocator.Locate(
                context.ParseResult.GetValue(CommonOptions.Root),
                Environment.CurrentDirectory
            );
            return
            [
                .. words(root)
                    .Where(w => w.Contains(context.WordToComplete, StringComparison.Ordinal))
                    .Select(static w => new CompletionItem(w)),
            ];
        }
        catch (Exception e) when (e is QueueException or IOException)
        {
            // A shell asks at every TAB; what is wrong is said when the line is run.
            return [];
        }
    }
}
