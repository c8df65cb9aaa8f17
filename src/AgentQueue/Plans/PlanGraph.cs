using System.Collections.Immutable;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>
/// What holds between the tasks of a plan: every name is that of a task, none waits for itself, and what is
/// asked of another task makes it a dependency. The cost grows with tasks and dependencies, not their product.
/// </summary>
internal static class PlanGraph
{
    public static ImmutableArray<PlanTask> Link(
        IReadOnlyList<(PlanTask Task, SourceValue Source)> tasks,
        ConfigReader reader
    )
    {
        var known = Known(tasks, reader);
        var linked = ImmutableArray.CreateBuilder<PlanTask>(tasks.Count);
        foreach (var (task, source) in tasks)
        {
            linked.Add(task with { DependsOn = Resolve(task, source, known, reader) });
        }

        var result = linked.ToImmutable();
        if (!reader.HasErrors && FindCycle(result) is { } cycle)
        {
            var first = tasks.First(t => t.Task.Id == cycle[0]).Source;
            reader.Error(
                first.At,
                $"tasks.{cycle[0]}",
                $"waits for itself: {string.Join(" -> ", cycle.Append(cycle[0]))}"
            );
        }

        return result;
    }

    /// <summary>The tasks so that each comes after what it waits for; otherwise in the order of the file.</summary>
    public static ImmutableArray<PlanTask> InOrder(ImmutableArray<PlanTask> tasks)
    {
        var index = IndexOf(tasks);
        var waits = tasks.Select(static t => t.DependsOn.Length).ToArray();
        var dependants = Dependants(tasks, index);
        var ready = new PriorityQueue<int, int>();
        for (var i = 0; i < tasks.Length; i++)
        {
            if (waits[i] == 0)
            {
                ready.Enqueue(i, i);
            }
        }

        var order = ImmutableArray.CreateBuilder<PlanTask>(tasks.Length);
        while (ready.TryDequeue(out var next, out _))
        {
            order.Add(tasks[next]);
            foreach (var dependant in dependants[next])
            {
                if (--waits[dependant] == 0)
                {
                    ready.Enqueue(dependant, dependant);
                }
            }
        }

        return order.ToImmutable();
    }

    // The ids of the file, each with the tasks that it stands for: one, or those of its matrix.
    private static Dictionary<string, ImmutableArray<string>> Known(
        IReadOnlyList<(PlanTask Task, SourceValue Source)> tasks,
        ConfigReader reader
    )
    {
        var places = new Dictionary<string, SourceValue>(StringComparer.OrdinalIgnoreCase);
        var known = new Dictionary<string, ImmutableArray<string>>(StringComparer.Ordinal);
        foreach (var (task, source) in tasks)
        {
            if (!places.TryAdd(task.Id, source))
            {
                reader.Error(
                    source.At,
                    $"tasks.{task.Id}",
                    $"has the id of another task, in line {places[task.Id].Line}; upper and lower case are alike"
                );
            }

            known[task.Id] = [task.Id];
        }

        foreach (
            var matrix in tasks
                .Where(static t => t.Task.MatrixOf is not null)
                .GroupBy(static t => t.Task.MatrixOf!, static t => t, StringComparer.Ordinal)
        )
        {
            if (places.TryGetValue(matrix.Key, out var other))
            {
                reader.Error(
                    other.At,
                    $"tasks.{matrix.Key}",
                    "has the id of another task, which has a matrix"
                );
            }

            known[matrix.Key] = [.. matrix.Select(static t => t.Task.Id)];
        }

        return known;
    }

    private static ImmutableArray<PlanDependency> Resolve(
        PlanTask task,
        SourceValue source,
        Dictionary<string, ImmutableArray<string>> known,
        ConfigReader reader
    )
    {
        var key = $"tasks.{task.MatrixOf ?? task.Id}";
        var resolved = ImmutableArray.CreateBuilder<PlanDependency>();
        var seen = new Dictionary<string, DependencyKind>(StringComparer.Ordinal);
        foreach (var dependency in task.DependsOn)
        {
            if (!known.TryGetValue(dependency.Id, out var ids))
            {
                reader.Error(
                    PlaceOf(source, dependency.Id),
                    key,
                    $"depends on '{dependency.Id}', and there is no such task{Nearest.Suggestion(dependency.Id, known.Keys)}"
                );
                continue;
            }

            foreach (var id in ids)
            {
                if (id == task.Id || dependency.Id == task.MatrixOf)
                {
                    reader.Error(PlaceOf(source, dependency.Id), key, "depends on itself");
                    break;
                }

                if (!seen.TryAdd(id, dependency.Kind))
                {
                    reader.Error(
                        PlaceOf(source, dependency.Id),
                        key,
                        $"names '{id}' twice as a dependency"
                    );
                    break;
                }

                resolved.Add(new PlanDependency(id, dependency.Kind));
            }
        }

        foreach (var (id, what) in Asked(task, key, source, reader))
        {
            if (!known.TryGetValue(id, out var ids) || ids.Length != 1)
            {
                reader.Error(
                    source.At,
                    key,
                    ids.IsDefaultOrEmpty
                        ? $"{what} '{id}', and there is no such task{Nearest.Suggestion(id, known.Keys)}"
                        : $"{what} '{id}', which is a matrix; name one of its tasks, such as '{ids[0]}'"
                );
            }
            else if (id == task.Id)
            {
                reader.Error(source.At, key, $"{what} itself");
            }
            else if (seen.TryAdd(id, DependencyKind.AfterAny))
            {
                // Asked about, so it must have ended; how it ended is for the task to judge.
                var kind = task.When?.Task == id ? DependencyKind.AfterAny : DependencyKind.AfterOk;
                resolved.Add(new PlanDependency(id, kind));
            }
        }

        return resolved.ToImmutable();
    }

    // The tasks whose outcome or files it asks about, and in which words.
    private static IEnumerable<(string Id, string What)> Asked(
        PlanTask task,
        string key,
        SourceValue source,
        ConfigReader reader
    )
    {
        if (task.When is { } when)
        {
            yield return (when.Task, "asks when about");
        }

        IEnumerable<string?> texts =
        [
            .. task.Command,
            task.Prompt,
            task.WorkingFolder,
            .. task.Environment.Values,
            .. task.Inputs.Values,
            .. task.Verify.SelectMany(static c => c),
        ];
        foreach (var text in texts)
        {
            foreach (var (_, _, kind, name) in PlanText.References(text ?? ""))
            {
                if (kind == PlanText.Inputs && !task.Inputs.ContainsKey(name))
                {
                    reader.Error(
                        source.At,
                        key,
                        $"names ${{inputs.{name}}}, and has no such input{Nearest.Suggestion(name, task.Inputs.Keys)}"
                    );
                }
                else if (kind == PlanText.Tasks && PlanText.SplitFact(name) is not { })
                {
                    reader.Error(
                        source.At,
                        key,
                        $"names ${{tasks.{name}}}, which must end in one of .{string.Join(", .", PlanText.Facts)}"
                    );
                }
                else if (kind == PlanText.Tasks)
                {
                    yield return (PlanText.SplitFact(name)!.Value.Id, "uses a file of");
                }
            }
        }
    }

    // Where the task's own text names it; the task itself if that cannot be told.
    private static SourcePlace PlaceOf(SourceValue source, string id) =>
        source
            .Members.Where(static m => m.Name is "depends_on" or "after")
            .SelectMany(static m => m.Value.Items.IsEmpty ? [m.Value] : m.Value.Items)
            .FirstOrDefault(v => v.Text == id)
            ?.At
        ?? source.At;

    private static Dictionary<string, int> IndexOf(ImmutableArray<PlanTask> tasks)
    {
        var index = new Dictionary<string, int>(tasks.Length, StringComparer.Ordinal);
        for (var i = 0; i < tasks.Length; i++)
        {
            index[tasks[i].Id] = i;
        }

        return index;
    }

    private static List<int>[] Dependants(
        ImmutableArray<PlanTask> tasks,
        Dictionary<string, int> index
    )
    {
        var dependants = new List<int>[tasks.Length];
        for (var i = 0; i < tasks.Length; i++)
        {
            dependants[i] = [];
        }

        for (var i = 0; i < tasks.Length; i++)
        {
            foreach (var dependency in tasks[i].DependsOn)
            {
                dependants[index[dependency.Id]].Add(i);
            }
        }

        return dependants;
    }

    /// <summary>The ids of one ring of tasks that wait for each other, each before the one it waits for.</summary>
    private static IReadOnlyList<string>? FindCycle(ImmutableArray<PlanTask> tasks)
    {
        var ordered = InOrder(tasks);
        if (ordered.Length == tasks.Length)
        {
            return null;
        }

        // Each of those left waits for another of them, so following that must come back.
        var placed = ordered.Select(static t => t.Id).ToHashSet(StringComparer.Ordinal);
        var left = tasks
            .Where(t => !placed.Contains(t.Id))
            .ToDictionary(static t => t.Id, StringComparer.Ordinal);
        var path = new List<string>();
        var at = new Dictionary<string, int>(StringComparer.Ordinal);
        var id = left.Keys.First();
        while (at.TryAdd(id, path.Count))
        {
            path.Add(id);
            id = left[id].DependsOn.First(d => left.ContainsKey(d.Id)).Id;
        }

        return path[at[id]..];
    }
}
