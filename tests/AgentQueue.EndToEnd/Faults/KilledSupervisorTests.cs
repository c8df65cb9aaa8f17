namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Supervisors killed with -9 at random moments of their lives, many in one queue: the next look ends what
/// they left and settles their tasks, once.
/// </summary>
public sealed class KilledSupervisorTests
{
    private const int AtOnce = 10;

    // What a supervisor may have to look after when it dies.
    private static readonly string[] s_agents =
    [
        "sleep 300",
        "sleep 0.02",
        "setsid sleep 300 & sleep 300",
        "(sleep 300 &) ; sleep 300",
        "touch $AGENTQ_ROOT/.agents/tasks/$AGENTQ_TASK_ID.done; sleep 300",
    ];

    [Fact]
    [Trait("Fault", "F7")]
    public void Killed_at_a_random_moment_a_supervisor_leaves_nothing_to_the_next_look() =>
        Fault.Inject(
            "F7",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                var random = new Random(Fault.Seed);
                var wanted = Fault.Count(200, 2_000);
                for (var killed = 0; killed < wanted; )
                {
                    var now = KillRound(box, random);
                    fault.Injected(now);
                    killed += now;
                }

                box.Run("run", "--drain", "--parallel", $"{AtOnce}");
                box.Run("cancel", "--all").Gives(0, 1);
                box.Run("status").Gives(0);
                Assert.All(box.Tasks, static t => Assert.True(t.IsFinished, t.ToString()));
                box.HoldInJournal(AtOnce);
                box.HoldInFiles();
            },
            seeded: true
        );

    private static int KillRound(Sandbox box, Random random)
    {
        var batch = box.Write(
            "batch.jsonl",
            string.Concat(
                Enumerable
                    .Range(0, AtOnce)
                    .Select(i =>
                        System.Text.Json.JsonSerializer.Serialize(
                            new
                            {
                                agent = "shell",
                                prompt = box.Journal.Noting(s_agents[i % s_agents.Length]),
                            }
                        ) + "\n"
                    )
            )
        );
        var ids = box.Run("start", "--batch", batch).Gives(0).Lines;
        var killed = new HashSet<int>();
        using (var run = box.Begin(["run", .. ids]))
        {
            // Some at birth, some before their agent lives, some long after.
            Eventually.Holds(
                () =>
                {
                    foreach (var pid in box.Supervisors)
                    {
                        if (random.Next(3) == 0 && killed.Add(pid))
                        {
                            Processes.Signal(pid, Processes.Kill);
                        }
                    }

                    Thread.Sleep(random.Next(4));
                    return run.HasEnded && box.Supervisors.Count == 0;
                },
                "none is left"
            );

            run.End().Gives(0, 3);
        }

        Eventually.Holds(() => killed.All(Processes.IsGone), "those that were killed are dead");

        box.Run("status").Gives(0);

        var tasks = ids.Select(box.Task).ToList();
        Assert.All(tasks, static t => Assert.NotEqual("running", t.Status));
        // I7 gives them two seconds from the verdict.
        Eventually.Holds(
            () => box.Mine.Count == 0,
            $"nothing is left: {string.Join(", ", box.Mine.Select(Processes.CommandLine))}",
            2
        );
        foreach (var task in tasks.Where(static t => t.Status == "pending"))
        {
            Assert.Equal(0, box.Journal.StartsOf(task.Id));
        }

        box.HoldInFiles();
        var picture = box.Picture();
        box.Run("status").Gives(0);
        Assert.Equal(picture, box.Picture());
        box.Run(["cancel", .. ids]).Gives(0, 1);
        return killed.Count;
    }
}
