using System.Globalization;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Keeping;

internal enum Health
{
    Ok,

    /// <summary>Worth knowing; the queue works.</summary>
    Warning,

    /// <summary>Something is wrong and stays so until somebody acts.</summary>
    Problem,
}

/// <summary>What a check came to.</summary>
/// <param name="Check">A short name for scripts: <c>locks</c>, <c>leftovers</c>.</param>
/// <param name="Advice">What to do about it.</param>
internal sealed record Finding(string Check, Health Health, string Message, string? Advice = null);

/// <param name="Fixed">What <c>--fix</c> did, in words.</param>
internal sealed record Diagnosis(IReadOnlyList<Finding> Findings, IReadOnlyList<string> Fixed)
{
    public bool HasProblems => Findings.Any(static f => f.Health == Health.Problem);
}

/// <summary>
/// Looks at everything that a queue rests on and says what to do about what is wrong. Looking changes
/// nothing but a few files of its own in <c>run/</c>, which it takes away again.
/// </summary>
internal sealed class Doctor(ProjectQueue project, Func<string, string?> environment)
{
    private static readonly TimeSpan s_jump = TimeSpan.FromSeconds(1);

    private readonly OrphanedProcesses _orphans = new(project);
    private readonly WorktreeSweep _worktrees = new(project);
    private readonly Leftovers _leftovers = new(project.Queue, project.Clock);

    public Diagnosis Examine(bool fix)
    {
        if (project.Queue.Doubt is { } doubt)
        {
            // Nothing else is looked at: what lies there may be made to mislead.
            return new Diagnosis(
                [new Finding("access", Health.Problem, doubt.Message, doubt.Hint)],
                []
            );
        }

        IReadOnlyList<string> done = fix && project.Queue.Exists ? Fix() : [];
        var clock = project.Clock;
        var (wall, steady) = (clock.GetUtcNow(), clock.GetTimestamp());
        var findings = new List<Finding>();
        var setup = new SetupChecks(project, environment);
        setup.Check(findings);
        if (project.Queue.Exists)
        {
            new FolderChecks(project.Queue, clock).Check(findings);
            CheckQueue(findings);
        }
        else
        {
            findings.Insert(
                0,
                new Finding(
                    "folder",
                    Health.Warning,
                    $"There is no queue in {project.Root} yet",
                    "Make one: agentq init"
                )
            );
        }

        setup.CheckSystem(findings);
        CheckJump(findings, clock.GetUtcNow() - wall, clock.GetElapsedTime(steady));
        return new Diagnosis(findings, done);
    }

    /// <summary>Settles tasks, ends what nobody looks after, removes what nobody needs.</summary>
    private List<string> Fix()
    {
        project.Queue.RequireTrust();
        var done = new List<string>();
        Tell(
            done,
            project.Reconciler.Reconcile(autoRetry: false).Changed,
            "task settled",
            "tasks settled"
        );
        Tell(done, _orphans.End(), "orphaned process ended", "orphaned processes ended");
        Tell(done, _leftovers.Remove(), "leftover removed", "leftovers removed");
        Tell(done, _worktrees.Fix(), "worktree removed", "worktrees removed");
        project.Queue.Disk.Delete(Path.Join(project.Queue.Run, TaskIndex.Name));
        _ = QueueSnapshot.Take(project.Queue);
        done.Add("the index of tasks made anew");
        project.ContinueDrains();
        return done;
    }

    private void CheckQueue(List<Finding> findings)
    {
        var snapshot = QueueSnapshot.Take(project.Queue);
        new TaskChecks(project.Queue, project.Clock).Check(snapshot, findings);
        _orphans.Check(findings);
        _leftovers.Check(findings);
        _worktrees.Check(findings);
    }

    private static void CheckJump(List<Finding> findings, TimeSpan wall, TimeSpan steady)
    {
        var jump = wall - steady;
        if (jump.Duration() > s_jump)
        {
            findings.Add(
                new Finding(
                    "clock",
                    Health.Warning,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"The clock was set by {jump.TotalSeconds:0} s while this was running"
                    ),
                    "Retries and ages go by this clock; time limits do not"
                )
            );
        }
    }

    private static void Tell(List<string> done, int count, string one, string many)
    {
        if (count > 0)
        {
            done.Add(
                string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}")
            );
        }
    }
}
