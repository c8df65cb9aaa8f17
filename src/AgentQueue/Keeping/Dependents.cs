using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>
/// What the removal of tasks means for those that still wait for them: what had ended as it must is noted as met
/// in the dependent, what was retried is replaced by its retry. It is written, durably, before anything is
/// removed; so a dependent never loses what it waited for.
/// </summary>
internal static class Dependents
{
    /// <summary>How a task reads once <paramref name="going"/> are gone, and which of them it will miss.</summary>
    /// <param name="find">A task by its id, archived ones included; null if there is none.</param>
    public static (AgentTask Task, ImmutableArray<TaskId> Missed) Rewrite(
        AgentTask task,
        IReadOnlySet<TaskId> going,
        Func<TaskId, AgentTask?> find
    )
    {
        var dependsOn = ImmutableArray.CreateBuilder<Dependency>();
        var met = task.DependenciesMet;
        var missed = ImmutableArray.CreateBuilder<TaskId>();
        foreach (var id in task.DependsOn)
        {
            var kind = task.KindOf(id);
            var (end, standsFor) = met.Contains(id) ? default : Follow(id, going, find);
            switch (end?.State)
            {
                // One that failed and stays may yet be retried: that is followed, not taken for the end.
                case TaskState.Finished ended
                    when kind.Judge(ended.Status) == DependencyStanding.Met
                        && (
                            going.Contains(end.Id)
                            || (standsFor is not null && ended is TaskState.Complete)
                        ):
                    met = met.Add(id);
                    dependsOn.Add(new(id, kind));
                    break;
                case TaskState.Finished when going.Contains(end.Id):
                    missed.Add(end.Id);
                    dependsOn.Add(new(id, kind));
                    break;
                default:
                    dependsOn.Add(new(standsFor ?? id, kind));
                    break;
            }
        }

        var changed =
            met.Length != task.DependenciesMet.Length
            || !dependsOn.Select(static d => d.Id).SequenceEqual(task.DependsOn);
        return (
            changed
                ? task with
                {
                    DependsOn = [.. dependsOn.Select(static d => d.Id).Distinct()],
                    AfterAny = Those(DependencyKind.AfterAny),
                    AfterNotOk = Those(DependencyKind.AfterNotOk),
                    DependenciesMet = met,
                }
                : task,
            missed.ToImmutable()
        );

        ImmutableArray<TaskId> Those(DependencyKind kind) =>
            [.. dependsOn.Where(d => d.Kind == kind).Select(static d => d.Id).Distinct()];
    }

    /// <summary>The last task in a dependency's line of retries, and the first that stays behind the last that goes.</summary>
    private static (AgentTask? End, TaskId? StandsFor) Follow(
        TaskId id,
        IReadOnlySet<TaskId> going,
        Func<TaskId, AgentTask?> find
    )
    {
        TaskId? standsFor = null;
        // Lines of retries are short; the bound is for files edited into a ring.
        for (var step = 0; step < 10_000 && find(id) is { } task; step++)
        {
            if (task.State is not TaskState.Unsuccessful { RetriedBy: { } next })
            {
                return (task, standsFor);
            }

            standsFor = going.Contains(id) ? next : standsFor;
            id = next;
        }

        return (null, standsFor);
    }
}
