using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// An event that happens by the clock: by a cron line, or each time that so much time has passed since it
/// was installed. Exactly one of the two is set.
/// </summary>
/// <param name="Event">Any text without control characters.</param>
/// <param name="Every">Whole minutes.</param>
internal sealed record ScheduleRule(string Event, CronLine? Cron, TimeSpan? Every)
{
    /// <summary>Reads <c>event</c> and one of <c>cron</c> and <c>every</c> of a rule.</summary>
    /// <param name="problem">What is wrong, to stand behind "the rule"; null if nothing is.</param>
    public static bool TryMake(
        string name,
        string? cron,
        string? every,
        [NotNullWhen(true)] out ScheduleRule? rule,
        [NotNullWhen(false)] out string? problem
    )
    {
        rule = null;
        if (string.IsNullOrWhiteSpace(name) || name.Any(char.IsControl))
        {
            problem = "must name an event: a text without control characters";
        }
        else if (cron is null == every is null)
        {
            problem = "must have either \"cron\" or \"every\"";
        }
        else if (cron is not null)
        {
            if (CronLine.TryParse(cron, out var line, out var wrong))
            {
                (rule, problem) = (new ScheduleRule(name, line, null), null);
                return true;
            }

            problem = $"has a cron line that cannot be used: '{cron}', {wrong}";
        }
        else if (
            Duration.TryParse(every, out var time)
            && time > TimeSpan.Zero
            && time.Ticks % TimeSpan.TicksPerMinute == 0
        )
        {
            (rule, problem) = (new ScheduleRule(name, null, time), null);
            return true;
        }
        else
        {
            problem =
                $"has an \"every\" that is no whole number of minutes such as 15m or 2h: '{every}'";
        }

        return false;
    }

    /// <summary>What the rule is known by: the same as long as event and times are, wherever it stands in the file.</summary>
    public string Key =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    Cron is { } cron
                        ? $"cron {cron.Plain}\n{Event}"
                        : string.Create(
                            CultureInfo.InvariantCulture,
                            $"every {Every!.Value.TotalMinutes}\n{Event}"
                        )
                )
            )
        )[..12];

    /// <summary>For people.</summary>
    public string When => Cron?.Text ?? "every " + Duration.Format(Every!.Value);

    /// <summary>The first due time after a moment.</summary>
    /// <param name="since">When it was installed.</param>
    public DateTimeOffset? Next(DateTimeOffset after, DateTimeOffset since, TimeZoneInfo zone) =>
        Cron is { } cron ? cron.Next(after > since ? after : since, zone)
        : after < since ? since + Every!.Value
        : since + ((after - since).Ticks / Every!.Value.Ticks + 1) * Every.Value;

    /// <summary>The last due time that has come by a moment; null if none has since it was installed.</summary>
    public DateTimeOffset? Last(DateTimeOffset by, DateTimeOffset since, TimeZoneInfo zone)
    {
        var last =
            Cron is { } cron ? cron.Last(by, zone)
            : by < since ? since
            : since + (by - since).Ticks / Every!.Value.Ticks * Every.Value;
        return last > since ? last : null;
    }

    /// <summary>How many due times lie between two moments, both left out; counted up to a limit.</summary>
    public int CountBetween(
        DateTimeOffset after,
        DateTimeOffset before,
        DateTimeOffset since,
        TimeZoneInfo zone,
        int most
    )
    {
        var count = 0;
        while (count < most && Next(after, since, zone) is { } due && due < before)
        {
            count++;
            after = due;
        }

        return count;
    }
}
