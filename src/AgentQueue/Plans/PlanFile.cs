using AgentQueue.Config;

namespace AgentQueue.Plans;

/// <summary>Plans as files.</summary>
internal static class PlanFile
{
    /// <summary>The plan, unless a problem is an error.</summary>
    /// <param name="shownAs">How messages name the file: as it was typed.</param>
    /// <exception cref="QueueException">There is no such file, or it cannot be read.</exception>
    public static (Plan? Plan, IReadOnlyList<ConfigProblem> Problems) Load(
        string path,
        string shownAs,
        IReadOnlyDictionary<string, string> given
    )
    {
        var bytes =
            ConfigReader.ReadBytes(path, shownAs)
            ?? throw QueueException.Usage(
                $"There is no plan {shownAs}",
                "A plan is a YAML or JSON file with tasks; its keys are in docs/plans.md"
            );
        return PlanReader.Read(shownAs, bytes, given);
    }

    /// <summary>As above, for who can only go on with a whole plan.</summary>
    /// <exception cref="QueueException">It has an error; the first is named.</exception>
    public static Plan LoadOrThrow(
        string path,
        string shownAs,
        IReadOnlyDictionary<string, string> given
    )
    {
        var (plan, problems) = Load(path, shownAs, given);
        if (plan is not null)
        {
            return plan;
        }

        var first = problems.First(static p => p.IsError);
        var others = problems.Count(static p => p.IsError) - 1;
        throw QueueException.Usage(
            others > 0 ? $"{first} (and {others} more)" : first.ToString(),
            $"See all that is wrong: agentq plan validate {shownAs}"
        );
    }
}
