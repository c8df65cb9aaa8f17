using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Tasks of a scope of which only so many run at once, besides what the scope as a whole may.</summary>
internal static class SlotGroups
{
    /// <summary>The place of a task's group, and how many more of that may run; null if no scope has groups.</summary>
    public static Func<TaskId, (int Group, int Free)?>? Of(
        QueueScope scope,
        DrainRules? rules,
        QueueSurvey survey,
        IAgentPlanner planner
    ) =>
        scope == QueueScope.Events ? OfAgents(survey, planner)
        : rules is { Groups.IsEmpty: false } ? OfNodes(rules, survey)
        : null;

    private static Func<TaskId, (int Group, int Free)?> OfNodes(
        DrainRules rules,
        QueueSurvey survey
    )
    {
        var running = survey.Running.CountBy(rules.GroupOf).ToDictionary();
        return id =>
            rules.GroupOf(id) is >= 0 and var group
                ? (group, rules.Groups[group].Most - running.GetValueOrDefault(group))
                : null;
    }

    private static Func<TaskId, (int Group, int Free)?> OfAgents(
        QueueSurvey survey,
        IAgentPlanner planner
    )
    {
        var agents = survey.Ready.ToDictionary(static t => t.Id, static t => t.Agent);
        var groups = agents.Values.Distinct(StringComparer.Ordinal).ToList();
        return id =>
            planner.MaxConcurrent(agents[id]) is { } most
                ? (
                    groups.IndexOf(agents[id]),
                    most - survey.RunningAgents.GetValueOrDefault(agents[id])
                )
                : null;
    }
}
