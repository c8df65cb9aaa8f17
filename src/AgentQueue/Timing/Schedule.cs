using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Timing;

/// <summary>A rule as it stands.</summary>
/// <param name="IsInstalled">The system's scheduler calls for it, just as it is now.</param>
/// <param name="Next">When it is due next, by our own count; null if never.</param>
/// <param name="Memory">Null if it was never installed here.</param>
/// <param name="Missed">Due times that have passed unheeded since it was installed.</param>
internal sealed record ScheduledRule(
    ScheduleRule Rule,
    bool IsInstalled,
    DateTimeOffset? Next,
    ScheduleMemory? Memory,
    int Missed
);

/// <summary>
/// The rules of a project in the system's own scheduler: put there, taken out, looked at. Both are safe to
/// repeat; a call that dies half-way is finished by the next one.
/// </summary>
/// <param name="schedulers">Those there may be on this system, the preferred one first.</param>
/// <param name="self">How agentq is started: the program, absolute, and what must follow it.</param>
internal sealed class Schedule(
    QueueFolder queue,
    TimeProvider clock,
    IReadOnlyList<IScheduler> schedulers,
    IReadOnlyList<string> self
)
{
    private readonly ScheduleLog _log = new(queue);

    public static Schedule Of(QueueFolder queue, TimeProvider clock) =>
        new(
            queue,
            clock,
            SystemPrograms.Schedulers(queue, clock.LocalTimeZone),
            SystemPrograms.Self()
        );

    /// <summary>Makes the scheduler call for exactly these rules from now on.</summary>
    /// <returns>Where they are, and whether anything changed.</returns>
    /// <exception cref="QueueException">There is no scheduler, or it refused.</exception>
    public (IScheduler Where, bool Changed) Install(IReadOnlyList<ScheduleRule> rules)
    {
        var where =
            schedulers.FirstOrDefault(static s => s.IsAvailable) ?? throw NoScheduler(rules);
        using var turn = _log.Lock();
        rules = [.. rules.DistinctBy(static r => r.Key)];
        var memories = _log.Know(rules, clock.GetUtcNow());
        var changed = where.Install(Calls(rules, memories));
        // Only now: what could not be installed has missed nothing.
        _log.Keep(memories);
        // Two that call would not fire twice, but each would be called for nothing.
        foreach (var other in schedulers.Where(s => s != where && s.HasAny))
        {
            changed |= other.Remove();
        }

        return (where, changed);
    }

    /// <summary>Takes all of this project out of whatever scheduler it is in; false if it was in none.</summary>
    public bool Remove()
    {
        if (!queue.Exists)
        {
            return TakeOut();
        }

        using var turn = _log.Lock();
        var changed = TakeOut();
        _log.Keep([]);
        return changed;
    }

    private bool TakeOut()
    {
        var changed = false;
        foreach (var scheduler in schedulers.Where(static s => s.HasAny))
        {
            changed |= scheduler.Remove();
        }

        return changed;
    }

    /// <summary>How the rules stand; nothing is changed.</summary>
    public IReadOnlyList<ScheduledRule> List(IReadOnlyList<ScheduleRule> rules)
    {
        rules = [.. rules.DistinctBy(static r => r.Key)];
        var (now, zone) = (clock.GetUtcNow(), clock.LocalTimeZone);
        var memories = _log.Read().ToDictionary(static m => m.Key);
        var known = rules.Where(r => memories.ContainsKey(r.Key)).ToList();
        var calls = Calls(known, [.. known.Select(r => memories[r.Key])]);
        var installed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var scheduler in schedulers.Where(static s => s.HasAny))
        {
            installed.UnionWith(
                scheduler
                    .Look(calls)
                    .Zip(known)
                    .Where(static p => p.First)
                    .Select(p => p.Second.Key)
            );
        }

        return
        [
            .. rules.Select(rule =>
            {
                var memory = memories.GetValueOrDefault(rule.Key);
                var isInstalled = installed.Contains(rule.Key);
                return new ScheduledRule(
                    rule,
                    isInstalled,
                    memory is not null ? rule.Next(now, memory.Since, zone)
                        : rule.Cron is null ? null
                        : rule.Next(now, now, zone),
                    memory,
                    memory is null
                        ? 0
                        : memory.Missed + FireDecision.MissedBy(rule, memory, now, zone)
                );
            }),
        ];
    }

    /// <summary>The rule that a scheduler calls for; null if it is no longer among them.</summary>
    public static ScheduleRule? Find(IReadOnlyList<ScheduleRule> rules, string key) =>
        rules.FirstOrDefault(r => r.Key == key);

    private List<ScheduledCall> Calls(
        IReadOnlyList<ScheduleRule> rules,
        IReadOnlyList<ScheduleMemory> memories
    ) =>
        [
            .. rules.Zip(
                memories,
                (rule, memory) => ScheduledCall.Of(rule, memory.Since, self, queue.ProjectRoot)
            ),
        ];

    private static QueueException NoScheduler(IReadOnlyList<ScheduleRule> rules)
    {
        var what =
            OperatingSystem.IsWindows() ? "agentq does not know the Task Scheduler of Windows"
            : OperatingSystem.IsMacOS() ? "agentq does not know the launchd of macOS"
            : "Here is neither a systemd that answers the user (systemctl --user) nor a crontab";
        return new QueueException(
            what,
            rules is [var first, ..]
                ? $"Have whatever does call things by the clock here call: agentq trigger '{first.Event}'"
                : null
        );
    }
}
