using System.Text;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// A queue that is filled without end: it takes no more than its settings allow, and what has ended can be
/// cleared away to the last file.
/// </summary>
public sealed class GrowthTests
{
    [Fact]
    [Trait("Fault", "S18")]
    public void A_queue_takes_no_more_tasks_than_it_is_set_to() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false, \"queue\": { \"maxTasks\": 20 }");
                box.RunWith(Batch(15), "start", "--batch", "-").Gives(0);

                fault.Injected();
                BadInputTests.SaysOneSentence(
                    box.RunWith(Batch(6), "start", "--batch", "-").Gives(1)
                );
                Assert.Equal(15, box.Ids.Count);
                for (var i = 0; i < 5; i++)
                {
                    box.Enqueue("true");
                }

                for (var i = 0; i < 10; i++)
                {
                    fault.Injected();
                    var refused = box.Run("start", "shell", "true").Gives(1);
                    Assert.Contains("queue.maxTasks", refused.Err, StringComparison.Ordinal);
                }

                // A task that queues more of its own kind is bounded by the same.
                box.Run("run", "--drain", "--wait").Gives(0);
                box.Run("clean", "completed", "-y").Gives(0);
                box.Enqueue(
                    "for i in 1 2 3 4 5 6 7 8 9 10; do agentq start shell 'agentq start shell true; agentq start shell true' -q; done; true"
                );
                box.Sh("agentq run --drain --parallel 2 --wait", seconds: 60);
                Assert.InRange(box.Ids.Count, 10, 20);
            }
        );

    [Fact]
    [Trait("Fault", "S18")]
    public void Many_who_race_for_the_last_room_get_no_more_than_there_is() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                for (var round = 0; round < 3; round++)
                {
                    using var box = new Sandbox();
                    box.Settings("\"fsync\": false, \"queue\": { \"maxTasks\": 10 }");
                    box.Sh(
                        "for i in $(seq 30); do agentq start shell true -q 2>/dev/null & done; wait",
                        seconds: 60
                    );
                    fault.Injected(30);
                    Assert.Equal(10, box.Ids.Count);
                }
            }
        );

    [Fact]
    [Trait("Fault", "S18")]
    public void What_has_ended_is_cleared_away_to_the_last_file() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                var bare = 0;
                for (var round = 0; round < 3; round++)
                {
                    box.RunWith(Batch(100), "start", "--batch", "-").Gives(0);
                    fault.Injected(100);
                    box.Sh("agentq run --drain --parallel 4 --wait", seconds: 60).Gives(0);
                    Assert.All(box.Tasks, static t => Assert.Equal("complete", t.Status));
                    box.AllHaveLeft();
                    box.Run("clean", "all", "-y").Gives(0);
                    Assert.Empty(box.Ids);
                    // The same after each round: nothing is left that grows.
                    var left = Directory
                        .GetFiles(box.Queue, "*", SearchOption.AllDirectories)
                        .Length;
                    bare = round == 0 ? left : bare;
                    Assert.Equal(bare, left);
                }

                Assert.InRange(bare, 0, 10);
            }
        );

    [Fact]
    [Trait("Fault", "S18")]
    public void What_is_old_goes_to_the_archive_and_from_there() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                box.RunWith(Batch(50), "start", "--batch", "-").Gives(0);
                fault.Injected(50);
                box.Sh("agentq run --drain --parallel 4 --wait", seconds: 60).Gives(0);
                box.AllHaveLeft();
                box.Sh(
                        "sed -i 's/\"completedAt\": \"20../\"completedAt\": \"200/' .agents/tasks/task_*.json"
                    )
                    .Gives(0);

                box.Run("archive", "-y").Gives(0);

                Assert.Empty(box.Ids);
                Assert.Empty(Directory.GetFiles(Path.Join(box.Queue, "logs")));
                Assert.Equal(
                    50,
                    Directory.GetFiles(Path.Join(box.Queue, "archive"), "*.json").Length
                );
                Assert.InRange(Directory.GetFiles(Path.Join(box.Queue, "run")).Length, 0, 5);
            }
        );

    private static byte[] Batch(int count) =>
        Encoding.UTF8.GetBytes(
            string.Concat(
                Enumerable.Repeat("{\"agent\": \"shell\", \"prompt\": \"echo x\"}\n", count)
            )
        );
}
