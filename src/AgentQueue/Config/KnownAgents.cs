using System.Collections.Immutable;
using System.Diagnostics;

namespace AgentQueue.Config;

/// <summary>
/// The agent CLIs that <c>init</c> looks for, from known-agents.json: how each is run without a person,
/// with the prompt where no prompt can be taken for an option, and with the least permission that still
/// lets it edit files.
/// </summary>
internal static class KnownAgents
{
    private const string ResourceName = "known-agents.json";

    public static ImmutableArray<AgentDefinition> All
    {
        get
        {
            var reader = new AgentConfigReader(ResourceName, onWindows: false);
            reader.ReadText(EmbeddedText.Read(ResourceName));
            return reader.Problems.FirstOrDefault() is { } problem
                ? throw new UnreachableException(problem.ToString())
                : [.. reader.Agents.Values];
        }
    }

    /// <summary>Those whose command is on <paramref name="searchPath"/>.</summary>
    public static ImmutableArray<AgentDefinition> Installed(
        string? searchPath,
        string projectRoot
    ) =>
        [
            .. All.Where(agent =>
                ExecutableLookup.Find(agent.Command, searchPath, projectRoot) is not null
            ),
        ];
}
