using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Timing;

/// <summary>What comes of a scheduler's call. Pure: who acts on it first writes what is to be remembered.</summary>
internal abstract record FireDecision
{
    /// <summary>Missed ones are counted up to here.</summary>
    public const int MostCounted = 1000;

    // A timer is some seconds late by nature.
    private static readonly TimeSpan s_punctual = TimeSpan.FromMinutes(2);

    // Whoever believed a time from so far ahead would be silent until then: the clock was set back.
    private static readonly TimeSpan s_farAhead = TimeSpan.FromHours(25);

    private FireDecision() { }

    /// <summary>For people: why not, or what there is to say beside it; empty if nothing.</summary>
    public abstract string Text { get; }

    /// <summary>Let the event happen.</summary>
    /// <param name="Memory">What is to be remembered, before anything happens.</param>
    /// <param name="Late">How long ago it was due.</param>
    /// <param name="Missed">How many due times have passed unheeded since the last one that did not.</param>
    /// <param name="MissedSince">After when.</param>
    internal sealed record Fire(
        ScheduleMemory Memory,
        TimeSpan Late,
        int Missed,
        DateTimeOffset MissedSince
    ) : FireDecision
    {
        public bool IsLate => Late > s_punctual;

        public override string Text =>
            string.Join(
                "; ",
                new[]
                {
                    IsLate ? Duration.Format(Late) + " late" : null,
                    Missed == 0
                        ? null
                        : string.Create(
                            CultureInfo.InvariantCulture,
                            $"{(Missed == MostCounted ? "at least " : "")}{Missed} missed since {MissedSince:yyyy-MM-dd HH:mm}Z (nothing called agentq then: was the machine off?)"
                        ),
                }.OfType<string>()
            );
    }

    /// <summary>Nothing is to happen.</summary>
    internal sealed record Pass(string Why) : FireDecision
    {
        public override string Text => Why;
    }

    /// <summary>
    /// Fires for the last due time that has come, unless it did already: never twice for one, whoever calls
    /// how often, and also in the hour that comes twice when clocks are set back.
    /// </summary>
    /// <param name="memory">Null if nothing is known: the rule was not installed by us, or the file is gone.</param>
    public static FireDecision Decide(
        ScheduleRule rule,
        ScheduleMemory? memory,
        DateTimeOffset now,
        TimeZoneInfo zone
    )
    {
        if (memory is null || memory.Since > now + s_farAhead || memory.Due > now + s_farAhead)
        {
            // The last due time of a cron line, or this very moment, and nothing before it.
            var due = rule.Cron?.Last(now, zone) ?? Minute(now);
            return new Fire(
                ScheduleMemory.Of(rule, due) with
                {
                    Due = due,
                    FiredAt = now,
                },
                now - due,
                0,
                due
            );
        }

        if (rule.Last(now, memory.Since, zone) is not { } last)
        {
            return new Pass("nothing is due yet since it was installed");
        }

        if (memory.Due is { } done && done >= last)
        {
            return new Pass(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"it has fired for {done.UtcDateTime:yyyy-MM-dd HH:mm}Z already"
                )
            );
        }

        var since = memory.Due ?? memory.Since;
        var missed = rule.CountBetween(since, last, memory.Since, zone, MostCounted);
        return new Fire(
            memory with
            {
                Due = last,
                FiredAt = now,
                Missed = (int)Math.Min((long)memory.Missed + missed, int.MaxValue),
            },
            now - last,
            missed,
            since.ToUniversalTime()
        );
    }

    /// <summary>Due times that have passed unheeded by now; a timer is given some seconds to come.</summary>
    public static int MissedBy(
        ScheduleRule rule,
        ScheduleMemory memory,
        DateTimeOffset now,
        TimeZoneInfo zone
    ) =>
        rule.CountBetween(
            memory.Due ?? memory.Since,
            now - s_punctual,
            memory.Since,
            zone,
            MostCounted
        );

    public static DateTimeOffset Minute(DateTimeOffset time) =>
        time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMinute));
}
