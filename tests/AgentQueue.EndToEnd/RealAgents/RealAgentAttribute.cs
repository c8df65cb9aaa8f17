using System.Reflection;
using Xunit.Sdk;

namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>A row of a theory: an agent by name. It is skipped, and says why, where that one is not installed.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class RealAgentAttribute : DataAttribute
{
    private readonly string _name;

    public RealAgentAttribute(string name)
    {
        _name = name;
        Skip = Missing(RealAgent.Named(name));
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        [
            [_name],
        ];

    private static string? Missing(RealAgent agent)
    {
        if (!Machine.Has(Machine.Linux))
        {
            return $"{agent.Name} is run on Linux only";
        }

        return File.Exists(agent.Installed) ? null
            : File.Exists(agent.Missing) ? File.ReadAllText(agent.Missing).Trim()
            : $"{agent.Name} is not installed: ./build.sh agents {agent.Name}";
    }
}

/// <summary>
/// Agents of this kind keep both cores busy for seconds: they run one after the other, and not beside tests that
/// measure something.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RealAgentCollection
{
    public const string Name = nameof(RealAgentCollection);
}
