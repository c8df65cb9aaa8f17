using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>Whether the task files can be read and say what is so.</summary>
internal sealed class TaskChecks(QueueFolder queue, TimeProvider clock)
{
    private static readonly TimeSpan s_ahead = TimeSpan.FromMinutes(1);

    // Nothing of agentq is older; a machine that says so has lost its clock.
    private const int FirstYear = 2025;

    public void Check(QueueSnapshot snapshot, List<Finding> findings)
    {
        findings.AddRange(
            snapshot.Unreadable.Select(bad => new Finding(
                "tasks",
                Health.Problem,
                $"{queue.TaskFile(bad.Id)} cannot be read: {bad.Reason}",
                "Repair it by hand, or move it away; the other tasks go on"
            ))
        );
        var unsupervised = snapshot
            .Unfinished.Where(t => t.State is TaskState.Running && !queue.IsSupervised(t.Id))
            .ToList();
        findings.AddRange(
            unsupervised.Select(static task => new Finding(
                "tasks",
                Health.Problem,
                $"Task {task.Id} is running without a supervisor",
                "Settle it: agentq doctor --fix"
            ))
        );
        if (snapshot.Journals.Count > 0 && NobodyStores())
        {
            findings.Add(
                new Finding(
                    "tasks",
                    Health.Problem,
                    $"A batch was not stored to its end ({string.Join(", ", snapshot.Journals)})",
                    "Finish it: agentq doctor --fix"
                )
            );
        }

        if (snapshot.Unreadable.Count == 0 && unsupervised.Count == 0)
        {
            findings.Add(
                new Finding(
                    "tasks",
                    Health.Ok,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{snapshot.Unfinished.Count} unfinished, {snapshot.Finished.Count} finished"
                    )
                )
            );
        }

        CheckClock(snapshot, findings);
    }

    private bool NobodyStores()
    {
        using var free = queue.TryLockRun("batch.lock");
        return free is not null;
    }

    private void CheckClock(QueueSnapshot snapshot, List<Finding> findings)
    {
        var now = clock.GetUtcNow();
        var ahead =
            snapshot.Unfinished.Count(t => t.CreatedAt > now + s_ahead)
            + snapshot.Finished.Count(t => t.CompletedAt > now + s_ahead);
        findings.Add(
            now.Year < FirstYear
                ? new Finding(
                    "clock",
                    Health.Problem,
                    string.Create(CultureInfo.InvariantCulture, $"It says the year {now.Year}"),
                    "Set it: retries and ages go by it"
                )
            : ahead > 0
                ? new Finding(
                    "clock",
                    Health.Warning,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{ahead} tasks come from the future, so the clock has been set back"
                    ),
                    "Check it: their ages and retries are reckoned from it"
                )
            : new Finding(
                "clock",
                Health.Ok,
                now.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            )
        );
    }
}
