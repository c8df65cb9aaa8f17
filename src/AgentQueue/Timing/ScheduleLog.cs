using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Timing;

/// <summary>
/// Remembers in <c>.agents/schedule.json</c> when each rule fired last. What a rule fires for is written
/// durably before the event happens, under <c>run/schedule.lock</c>: of two timers one fires, and what dies
/// in between is lost and never doubled.
/// </summary>
internal sealed class ScheduleLog(QueueFolder queue)
{
    public const string LockName = "schedule.lock";

    public string FilePath => Path.Join(queue.Folder, ScheduleJson.FileName);

    /// <summary>Decides whether a scheduler's call is to let the rule's event happen, and remembers that it does.</summary>
    /// <exception cref="QueueException">The file cannot be read or written, so nothing is to happen.</exception>
    public FireDecision Fire(ScheduleRule rule, DateTimeOffset now, TimeZoneInfo zone)
    {
        using var turn = Lock();
        var all = Read().ToList();
        var index = all.FindIndex(m => m.Key == rule.Key);
        var decision = FireDecision.Decide(rule, index < 0 ? null : all[index], now, zone);
        if (decision is FireDecision.Fire fire)
        {
            if (index < 0)
            {
                all.Add(fire.Memory);
            }
            else
            {
                all[index] = fire.Memory;
            }

            Write(all);
        }

        return decision;
    }

    /// <summary>All that is remembered; nothing if there is no file.</summary>
    /// <exception cref="QueueException">It cannot be read.</exception>
    public IReadOnlyList<ScheduleMemory> Read()
    {
        // Also asks whether the queue is to be trusted.
        _ = queue.Run;
        var read = queue.Disk.Read(FilePath, ScheduleJson.LongestFile);
        if (read.Status == ReadStatus.Missing)
        {
            return [];
        }

        var reason = read.Problem ?? "it is no file of ours";
        if (read.Status == ReadStatus.Ok)
        {
            try
            {
                return ScheduleJson.Read(read.Content);
            }
            catch (FormatException e)
            {
                reason = e.Message;
            }
        }

        throw new QueueException(
            $"Cannot read {FilePath}: {reason}",
            "Move it away; what was due since it was written will then not be told"
        );
    }

    /// <summary>What is known of each rule, in their order; of a new one, that it is installed now.</summary>
    /// <exception cref="QueueException">The file cannot be read.</exception>
    public IReadOnlyList<ScheduleMemory> Know(IReadOnlyList<ScheduleRule> rules, DateTimeOffset now)
    {
        var before = Read();
        return
        [
            .. rules.Select(rule =>
                before.FirstOrDefault(m => m.Key == rule.Key)
                ?? ScheduleMemory.Of(rule, FireDecision.Minute(now))
            ),
        ];
    }

    /// <summary>Remembers exactly these from now on. The caller holds <see cref="Lock"/>.</summary>
    public void Keep(IReadOnlyList<ScheduleMemory> rules)
    {
        if (rules.Count == 0)
        {
            queue.Disk.Delete(FilePath);
        }
        else if (!rules.SequenceEqual(Read()))
        {
            Write(rules);
        }
    }

    /// <summary>Held while the file or the system's timers of this project are changed.</summary>
    /// <exception cref="QueueException">Another agentq kept it for too long.</exception>
    public HeldLock Lock()
    {
        queue.Create();
        return queue.LockRun(LockName, QueueFolder.LockPatience)
            ?? throw new QueueException(
                "Another agentq is at work on the schedule",
                "Try again in a moment"
            );
    }

    private void Write(IEnumerable<ScheduleMemory> rules) =>
        queue.Durable.Replace(FilePath, ScheduleJson.Write(rules));
}
