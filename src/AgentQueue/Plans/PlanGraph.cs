using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>
/// What holds between the tasks of a plan: every name is that of a task, none waits for itself, and what is
/// asked of another task makes it a dependency. The cost grows with tasks and dependencies, not their product.
/// </summary>
internal static class PlanGraph
{
    /// <summary>In a whole plan: two matrices of some hundred tasks each, of which one waits for the other, have as many.</summary>
    public const int MostDependencies = 1_000_000;

    public static ImmutableArray<PlanTask> Link(
        IReadOnlyList<(PlanTask Task, SourceValue Source)> tasks,
        ConfigReader reader
    )
    {
        var known = Known(tasks, reader);
        var linked = ImmutableArray.CreateBuilder<PlanTask>(tasks.Count);
        var room = MostDependencies;
        foreach (var (task, source) in tasks)
        {
            if (Resolve(task, source, known, room, reader) is not { } dependsOn)
            {
                reader.Error(
                    source.At,
                    $"tasks.{task.MatrixOf ?? task.Id}",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"has more dependencies than are left of the {MostDependencies} that a whole plan may have"
                    )
                );
                return [];
            }

            room -= dependsOn.Length;
            linked.Add(task with { DependsOn = dependsOn });
            if (reader.IsFull)
            {
                return [];
            }
        }

        var result = linked.ToImmutable();
        foreach (var ring in FindRings(result))
        {
            reader.Error(
                tasks[ring[0]].Source.At,
                $"tasks.{result[ring[0]].Id}",
                $"waits for itself: {string.Join(" -> ", ring.Append(ring[0]).Select(i => result[i].Id))}"
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

    // Null as soon as there are more than room for them.
    private static ImmutableArray<PlanDependency>? Resolve(
        PlanTask task,
        SourceValue source,
        Dictionary<string, ImmutableArray<string>> known,
        int room,
        ConfigReader reader
    )
    {
        var key = $"tasks.{task.MatrixOf ?? task.Id}";
        var resolved = ImmutableArray.CreateBuilder<PlanDependency>();
        var seen = new Dictionary<string, DependencyKind>(StringComparer.Ordinal);
        foreach (var dependency in task.DependsOn)
        {
            if (reader.IsFull)
            {
                break;
            }

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

                if (resolved.Count == room)
                {
                    return null;
                }

                resolved.Add(new PlanDependency(id, dependency.Kind));
            }
        }

        foreach (var (id, what) in Asked(task, key, source, reader))
        {
            if (reader.IsFull)
            {
                break;
            }

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
                if (resolved.Count == room)
                {
                    return null;
                }

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

    /// <summary>
    /// A ring of each group of tasks that wait for each other, as places in the plan: each before the one that
    /// it waits for, the first of the file in front.
    /// </summary>
    private static IEnumerable<IReadOnlyList<int>> FindRings(ImmutableArray<PlanTask> tasks)
    {
        var index = IndexOf(tasks);
        var group = Groups(tasks, index);
        var done = new HashSet<int>();
        for (var i = 0; i < tasks.Length; i++)
        {
            // Of those in no ring each is a group of its own.
            if (!done.Add(group[i]) || Within(i) < 0)
            {
                continue;
            }

            // Each of a group waits for another one of it, so following that must come back.
            var path = new List<int>();
            var at = new Dictionary<int, int>();
            var task = i;
            while (at.TryAdd(task, path.Count))
            {
                path.Add(task);
                task = Within(task);
            }

            var ring = path[at[task]..];
            var first = ring.IndexOf(ring.Min());
            yield return [.. ring[first..], .. ring[..first]];
        }

        int Within(int task)
        {
            foreach (var dependency in tasks[task].DependsOn)
            {
                if (index[dependency.Id] is var other && group[other] == group[task])
                {
                    return other;
                }
            }

            return -1;
        }
    }

    // For each task the number of the group in which all wait for each other, over any number of steps
    // (https://doi.org/10.1137/0201010), with a stack of our own: chains may be longer than the thread's.
    private static int[] Groups(ImmutableArray<PlanTask> tasks, Dictionary<string, int> index)
    {
        const int NotSeen = -1;
        const int NotKnown = -1;
        var group = new int[tasks.Length];
        var seen = new int[tasks.Length];
        var lowest = new int[tasks.Length];
        var next = new int[tasks.Length];
        Array.Fill(group, NotKnown);
        Array.Fill(seen, NotSeen);
        var count = 0;
        var groups = 0;
        var open = new Stack<int>();
        var path = new Stack<int>();
        for (var start = 0; start < tasks.Length; start++)
        {
            if (seen[start] == NotSeen)
            {
                Enter(start);
            }

            while (path.TryPeek(out var task))
            {
                if (next[task] < tasks[task].DependsOn.Length)
                {
                    var other = index[tasks[task].DependsOn[next[task]++].Id];
                    if (seen[other] == NotSeen)
                    {
                        Enter(other);
                    }
                    else if (group[other] == NotKnown)
                    {
                        lowest[task] = Math.Min(lowest[task], seen[other]);
                    }

                    continue;
                }

                path.Pop();
                if (path.TryPeek(out var before))
                {
                    lowest[before] = Math.Min(lowest[before], lowest[task]);
                }

                if (lowest[task] == seen[task])
                {
                    int member;
                    do
                    {
                        member = open.Pop();
                        group[member] = groups;
                    } while (member != task);

                    groups++;
                }
            }
        }

        return group;

        void Enter(int task)
        {
            seen[task] = lowest[task] = count++;
            open.Push(task);
            path.Push(task);
        }
    }
}
