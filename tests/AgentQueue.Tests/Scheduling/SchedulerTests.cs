using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class SchedulerTests
{
    [Fact]
    public void Priority_comes_before_age_and_age_before_the_id()
    {
        var tasks = new[]
        {
            Task("d", priority: 5, age: 1),
            Task("a", priority: 5, age: 1),
            Task("b", priority: 5, age: 9),
            Task("c", priority: 9, age: 0),
        };
        Assert.Equal(
            ["task_c", "task_b", "task_a", "task_d"],
            Scheduler.InOrder(tasks).Select(static t => t.Id.Value)
        );
    }

    [Fact]
    public void Slots_and_limits_are_used_up_to_the_last_one()
    {
        var ready = Enumerable.Range(0, 9).Select(static i => Task($"{i}", 5, 9 - i)).ToList();
        var none = new Dictionary<string, int>();

        Assert.Equal(ready[..4], Scheduler.Choose(ready, 4, none, static _ => null));
        Assert.Equal(ready[..3], Scheduler.Choose(ready, 4, none, static _ => 3));
        Assert.Equal(
            ready[..2],
            Scheduler.Choose(ready, 4, new Dictionary<string, int> { ["coder"] = 1 }, static _ => 3)
        );
        Assert.Empty(Scheduler.Choose(ready, 0, none, static _ => null));
    }

    [Fact]
    public void Whatever_is_ready_no_limit_is_exceeded_and_no_slot_is_wasted()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            string[] agents = ["a", "b", "c"];
            var ready = Enumerable
                .Range(0, random.Next(12))
                .Select(i =>
                    Task($"{i:d2}", random.Next(1, 11), random.Next(5)) with
                    {
                        Agent = agents[random.Next(3)],
                    }
                )
                .ToList();
            var limits = agents.ToDictionary(
                static a => a,
                _ => random.Next(3) == 0 ? (int?)null : random.Next(4)
            );
            var running = agents.ToDictionary(static a => a, _ => random.Next(3));
            var slots = random.Next(-2, 10);
            var chosen = Scheduler.Choose(ready, slots, running, a => limits[a]);

            Assert.InRange(chosen.Count, 0, Math.Max(0, slots));
            Assert.Equal(chosen.Count, chosen.Distinct().Count());
            Assert.Equal(Scheduler.InOrder(chosen), chosen);
            foreach (var agent in agents)
            {
                var started = chosen.Count(t => t.Agent == agent);
                Assert.True(
                    limits[agent] is not { } limit
                        || started == 0
                        || running[agent] + started <= limit,
                    $"seed {seed}"
                );
            }

            // Who was passed over had no slot, or an agent at its limit with tasks that come first.
            foreach (var task in ready.Except(chosen))
            {
                var ofAgent = chosen.Where(t => t.Agent == task.Agent).ToList();
                var full =
                    limits[task.Agent] is { } limit && running[task.Agent] + ofAgent.Count >= limit;
                Assert.True(full || chosen.Count >= slots, $"seed {seed}: {task.Id} was left out");
                Assert.All(
                    full ? ofAgent : chosen,
                    t => Assert.Equal(t, Scheduler.InOrder([task, t]).First())
                );
            }
        }
    }

    [Fact]
    public void A_group_takes_no_more_than_its_share_and_leaves_the_rest_to_others()
    {
        var ready = Enumerable.Range(1, 6).Select(static i => Task($"{i}", 5, 9 - i)).ToList();
        List<AgentTask> Chosen(int slots, params int[] free) =>
            [
                .. Scheduler
                    .Choose(
                        ready,
                        slots,
                        new Dictionary<string, int>(),
                        static _ => null,
                        id =>
                            (id.Value[^1] - '0') / 2 is > 0 and < 3 and var g
                                ? (g, free[g - 1])
                                : null
                    )
                    .Cast<AgentTask>(),
            ];

        // 2 and 3 are one group, 4 and 5 another, 1 and 6 are in none.
        Assert.Equal([ready[0], ready[1], ready[3], ready[5]], Chosen(9, 1, 1));
        Assert.Equal([ready[0], ready[1], ready[2], ready[5]], Chosen(9, 2, 0));
        Assert.Equal([ready[0], ready[3], ready[4], ready[5]], Chosen(9, -1, 5));
        Assert.Equal([ready[0], ready[3]], Chosen(2, 0, 1));
    }

    [Fact]
    public void Whom_an_agents_limit_keeps_out_takes_no_share_of_its_group()
    {
        var ready = new[]
        {
            Task("a", 5, 3),
            Task("b", 5, 2),
            Task("c", 5, 1) with
            {
                Agent = "other",
            },
        };
        Assert.Equal(
            [ready[0], ready[2]],
            Scheduler.Choose(
                ready,
                9,
                new Dictionary<string, int>(),
                static a => a == "coder" ? 1 : null,
                static _ => (0, 2)
            )
        );
    }

    private static AgentTask Task(string token, int priority, int age) =>
        new()
        {
            Id = TaskId.Parse("task_" + token),
            Agent = "coder",
            Prompt = "do it",
            Priority = priority,
            CreatedAt = FakeTime.Start.AddMinutes(-age),
            State = new TaskState.Pending(),
        };
}
