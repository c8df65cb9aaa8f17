using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Timing;

/// <summary>What the system's scheduler is to call for one rule.</summary>
/// <param name="Since">When the rule was installed, to the minute.</param>
/// <param name="Words">The program, absolute, and its arguments; without control characters.</param>
internal sealed record ScheduledCall(
    ScheduleRule Rule,
    DateTimeOffset Since,
    ImmutableArray<string> Words
)
{
    private const int MinutesAnHour = 60;

    /// <summary>The hidden option of <c>trigger</c> that tells which rule calls.</summary>
    public const string Option = "--scheduled";

    /// <param name="program">How agentq is started.</param>
    /// <exception cref="QueueException">A path holds a control character, which no scheduler takes.</exception>
    public static ScheduledCall Of(
        ScheduleRule rule,
        DateTimeOffset since,
        IEnumerable<string> program,
        string projectRoot
    )
    {
        ImmutableArray<string> words =
        [
            .. program,
            "--root",
            projectRoot,
            "trigger",
            // An event may begin with a dash.
            Option,
            rule.Key,
            "--",
            rule.Event,
        ];
        return words.FirstOrDefault(static w => w.Any(char.IsControl)) is { } odd
            ? throw new QueueException(
                $"A path with a control character in it cannot be scheduled: {odd}",
                "Rename the folder"
            )
            : new ScheduledCall(rule, since, words);
    }

    /// <summary>
    /// The minutes of the hour at which a rule with a length of time must be called, so that each of its
    /// due times is one; the rule itself knows which calls count.
    /// </summary>
    public IReadOnlyList<int> MinutesOfHour(TimeZoneInfo zone)
    {
        var step = GreatestCommonDivisor((long)Rule.Every!.Value.TotalMinutes, MinutesAnHour);
        var first = LocalTime.Wall(Since, zone).Minute % step;
        return [.. Enumerable.Range(0, MinutesAnHour / step).Select(i => first + i * step)];
    }

    private static int GreatestCommonDivisor(long a, long b) =>
        b == 0 ? (int)a : GreatestCommonDivisor(b, a % b);

    public static string List(IEnumerable<int> numbers) =>
        string.Join(
            ',',
            numbers.Select(static n => n.ToString("00", CultureInfo.InvariantCulture))
        );
}
