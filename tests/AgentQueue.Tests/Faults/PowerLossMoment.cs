using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Simulation;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>A disk at one step of a flow; explores what a loss of power can make of it.</summary>
internal sealed class PowerLossMoment(
    MemoryDisk.DiskMoment disk,
    ImmutableArray<Promise> promises,
    int version
)
{
    public const string TasksFolder = World.Root + "/.agents/tasks";
    public const string ArchiveFolder = World.Root + "/.agents/archive";
    public const string ForeignFile = TasksFolder + "/task_newer.json";
    public const string Foreign =
        """{"version":99,"taskId":"task_newer","status":"dreaming","agent":"a","prompt":"p"}""";

    // One in so many disks is also put to work again, which takes longer than looking at it.
    private const ulong RunOneIn = 32;

    private readonly List<MemoryDisk.Choice> _choices = disk.Choices;

    /// <summary>
    /// Goes through what can be left: all of it if that is at most <paramref name="most"/>, else what
    /// matters (the task files) in every way and the rest by chance, else all by chance.
    /// </summary>
    /// <param name="seen">Disks that were looked at with the same promises.</param>
    /// <returns>How many states were explored.</returns>
    public int Explore(int most, Random random, HashSet<(ulong, int)> seen)
    {
        var matters = _choices.FindAll(static c => Matters(c.Path));
        var ways = Product(_choices, most);
        var waysThatMatter = Product(matters, most);
        var states =
            ways <= most ? ways
            : waysThatMatter <= most ? most / waysThatMatter * waysThatMatter
            : most;
        var choices = new int[_choices.Count];
        for (var state = 0; state < states; state++)
        {
            if (ways <= most)
            {
                Count(state, choices, static _ => true);
            }
            else
            {
                Scatter(state % 4, choices, random);
                if (waysThatMatter <= most)
                {
                    Count(state % waysThatMatter, choices, Matters);
                }
            }

            if (seen.Add((disk.Fingerprint(choices), version)))
            {
                Check(choices);
            }
        }

        return states;
    }

    public static TaskId? IdOf(string name) =>
        name.EndsWith(".json", StringComparison.Ordinal)
        && name != "task_newer.json"
        && TaskId.TryParse(name.AsSpan(0, name.Length - ".json".Length), out var id)
            ? id
            : null;

    // The state's number in a system of numbers whose digits are the decisions.
    private void Count(int state, int[] choices, Func<string, bool> which)
    {
        for (var i = 0; i < choices.Length; i++)
        {
            if (which(_choices[i].Path))
            {
                (state, choices[i]) = Math.DivRem(state, _choices[i].Ways);
            }
        }
    }

    // Everything at random; nearly all kept; nearly all lost; one thing lost.
    private void Scatter(int how, int[] choices, Random random)
    {
        var one = random.Next(choices.Length);
        for (var i = 0; i < choices.Length; i++)
        {
            var isKept = how switch
            {
                0 => random.Next(2) == 0,
                1 => random.Next(8) > 0,
                2 => random.Next(8) == 0,
                _ => i != one,
            };
            choices[i] = isKept ? 0 : random.Next(1, _choices[i].Ways);
        }
    }

    private void Check(int[] choices)
    {
        var left = disk.Thaw(choices, new MemoryDisk(new FakeTime()));
        var hadForeign = left.Has(ForeignFile);
        var world = new World(left);
        var own = world.Open("after");
        own.Reconciler.Reconcile(autoRetry: false);
        var settled = Sum(left);
        own.Reconciler.Reconcile(autoRetry: false);
        if (settled != Sum(left))
        {
            throw new InvariantBroken($"Broken: I5: a second pass changed {Changed(choices)}");
        }

        Holds(
            !hadForeign || left.Text(ForeignFile) == Foreign,
            "I16: a file of a newer version is left untouched"
        );
        var leftover = new Leftover(left, Read(left));
        var retried = new HashSet<TaskId>();
        foreach (var task in leftover.Tasks.Values)
        {
            Holds(task.State is not TaskState.Running, $"I6: {task.Id} has ended with its agent");
            Holds(
                task.RetryHistory is not [.., { RetriedFrom: { } of }] || retried.Add(of),
                $"the failure before {task.Id} is retried once"
            );
            Holds(
                task.State is not TaskState.Failed { RetriedBy: { } by }
                    || leftover.Tasks.ContainsKey(by),
                $"the retry of {task.Id} is there"
            );
        }

        foreach (var promise in promises)
        {
            Holds(Kept(promise, leftover), promise.Text);
        }

        if (disk.Fingerprint(choices) % RunOneIn == 0)
        {
            Work(world, leftover);
        }
    }

    private string Changed(int[] choices)
    {
        var left = disk.Thaw(choices, new MemoryDisk(new FakeTime()));
        var own = new World(left).Open("after");
        own.Reconciler.Reconcile(autoRetry: false);
        var before = left.Dump();
        own.Reconciler.Reconcile(autoRetry: false);
        return string.Join("; ", left.Dump().Split('\n').Except(before.Split('\n')))
            + " from "
            + string.Join("; ", before.Split('\n').Except(left.Dump().Split('\n')));
    }

    // The queue goes on as if nothing had been.
    private static void Work(World world, Leftover before)
    {
        world.Host.Launched = agent =>
            Holds(
                // A retry may have become due meanwhile.
                !before.Tasks.TryGetValue(agent.Task, out var task)
                    || task.State is TaskState.Pending { Held: false },
                $"{agent.Task} was waiting when it was started"
            );
        world.Open("run").Run.BeginDrain(new(3));
        world.Backend.LiveAll();
        foreach (var (id, task) in Read(world.Disk))
        {
            Holds(
                task.State
                    is TaskState.Finished
                        or TaskState.Pending { Held: true }
                        or TaskState.Pending { BlockedBy: not null },
                $"I6: {id} comes to an end"
            );
        }
    }

    private static bool Kept(Promise promise, Leftover leftover)
    {
        try
        {
            return promise.Holds(leftover);
        }
        catch (KeyNotFoundException)
        {
            // The task itself is gone.
            return false;
        }
    }

    private static Dictionary<TaskId, AgentTask> Read(MemoryDisk disk)
    {
        var tasks = new Dictionary<TaskId, AgentTask>();
        foreach (var folder in (string[])[ArchiveFolder, TasksFolder])
        {
            foreach (var (name, content) in disk.FilesIn(folder))
            {
                if (IdOf(name) is { } id)
                {
                    tasks[id] = Parse(id, content);
                }
            }
        }

        return tasks;
    }

    private static AgentTask Parse(TaskId id, byte[] content)
    {
        try
        {
            return TaskJson.Read(content, id);
        }
        catch (FormatException e)
        {
            throw new InvariantBroken($"I4: {id} can be read: {e.Message}, {content.Length} bytes");
        }
    }

    // Changes with every file that is made, removed, moved or replaced, even by its like.
    private static ulong Sum(MemoryDisk disk)
    {
        var sum = 0UL;
        foreach (var (path, content) in disk.Files())
        {
            // A cache whose torn end costs one more look.
            if (path.EndsWith("/run/finished", StringComparison.Ordinal))
            {
                continue;
            }
            unchecked
            {
                sum +=
                    (ulong)(uint)string.GetHashCode(path, StringComparison.Ordinal)
                    * ((uint)RuntimeHelpers.GetHashCode(content) | 1UL);
            }
        }

        return sum;
    }

    private static int Product(List<MemoryDisk.Choice> choices, int most)
    {
        var product = 1L;
        foreach (var choice in choices)
        {
            product = Math.Min(product * choice.Ways, most + 1L);
        }

        return (int)product;
    }

    private static bool Matters(string path) =>
        !path.Contains("/run/", StringComparison.Ordinal)
        && !path.Contains("/plans/", StringComparison.Ordinal)
        && !path.Contains("/logs/", StringComparison.Ordinal)
        && !path.Contains("/workspace/", StringComparison.Ordinal);

    private static void Holds(bool holds, string text)
    {
        if (!holds)
        {
            throw new InvariantBroken("Broken: " + text);
        }
    }
}
