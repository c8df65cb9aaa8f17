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
    ) => PlanReader.Read(shownAs, ReadOrThrow(path, shownAs), given);

    /// <summary>The file's bytes.</summary>
    /// <exception cref="QueueException">There is no such file, or it cannot be read.</exception>
    public static byte[] ReadOrThrow(string path, string shownAs) =>
        ConfigReader.ReadBytes(path, shownAs)
        ?? throw QueueException.Usage(
            $"There is no plan {shownAs}",
            "A plan is a YAML or JSON file with tasks; its keys are in docs/plans.md"
        );

    /// <summary>As <see cref="Load"/>, for who can only go on with a whole plan.</summary>
    /// <exception cref="QueueException">It has an error; the first is named.</exception>
    public static Plan LoadOrThrow(
        string path,
        string shownAs,
        IReadOnlyDictionary<string, string> given
    ) => OrThrow(Load(path, shownAs, given), shownAs);

    /// <exception cref="QueueException">It has an error; the first is named.</exception>
    public static Plan OrThrow(
        (Plan? Plan, IReadOnlyList<ConfigProblem> Problems) read,
        string shownAs
    )
    {
        var (plan, problems) = read;
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
