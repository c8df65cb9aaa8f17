using System.Globalization;
using System.Text.RegularExpressions;

namespace AgentQueue.Agents;

/// <summary>When a usage limit is over, in the many ways in which services say it.</summary>
internal static partial class ResetTime
{
    // A limit further away is a misreading.
    private static readonly TimeSpan s_furthest = TimeSpan.FromDays(35);

    // Texts are short; one that is made to take long is as good as none.
    private const int MatchMilliseconds = 500;
    private const int LongestText = 4000;

    /// <summary>A time alone: seconds or milliseconds since 1970, or RFC 3339. Null if it is none.</summary>
    public static DateTimeOffset? Parse(string text)
    {
        if (
            decimal.TryParse(
                text,
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
        )
        {
            return number switch
            {
                > 1_000_000_000 and < 10_000_000_000 => DateTimeOffset.FromUnixTimeSeconds(
                    (long)number
                ),
                > 1_000_000_000_000 and < 10_000_000_000_000 =>
                    DateTimeOffset.FromUnixTimeMilliseconds((long)number),
                _ => null,
            };
        }

        return DateTimeOffset.TryParse(
            text,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? time
            : null;
    }

    /// <summary>Seconds from now; null if it is no such number.</summary>
    public static TimeSpan? ParseSeconds(string text) =>
        double.TryParse(
            text,
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var seconds
        )
        && seconds <= s_furthest.TotalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : null;

    /// <summary>What an agent has told, surest first; null if it has told nothing that can be.</summary>
    /// <param name="noise">The last lines beside the stream.</param>
    /// <param name="now">When it told it.</param>
    /// <param name="zone">Of clock times without a zone of their own.</param>
    public static DateTimeOffset? Of(
        StreamFacts facts,
        string noise,
        DateTimeOffset now,
        TimeZoneInfo zone
    )
    {
        if (facts.ResetsAt is { } at && CanBe(at, now))
        {
            return at;
        }

        if (facts.ResetsIn is { } length)
        {
            return now + length;
        }

        return new[] { facts.Error?.Message, facts.Retried?.Message }
            .Concat(noise.Split('\n').AsEnumerable().Reverse())
            .Select(t => t is null ? null : Find(t, now, zone))
            .FirstOrDefault(static t => t is not null);
    }

    /// <summary>A time in a sentence of an error; null if there is none, or none that can be.</summary>
    public static DateTimeOffset? Find(string text, DateTimeOffset now, TimeZoneInfo zone)
    {
        try
        {
            return All(text.Length > LongestText ? text[..LongestText] : text, now, zone)
                .FirstOrDefault(t => t is { } time && CanBe(time, now));
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    private static bool CanBe(DateTimeOffset time, DateTimeOffset now) =>
        time > now && time - now < s_furthest;

    private static IEnumerable<DateTimeOffset?> All(
        string text,
        DateTimeOffset now,
        TimeZoneInfo zone
    )
    {
        foreach (Match full in Rfc3339().Matches(text))
        {
            yield return Parse(full.Value);
        }

        foreach (Match epoch in Epoch().Matches(text))
        {
            yield return Parse(epoch.Value);
        }

        foreach (Match lengths in Lengths().Matches(text))
        {
            var sum = 0.0;
            foreach (Match part in Length().Matches(lengths.Groups["lengths"].Value))
            {
                sum += Seconds(part);
            }

            yield return After(now, sum);
        }

        foreach (Match field in Field().Matches(text))
        {
            yield return After(now, Seconds(field));
        }

        foreach (Match clock in Clock().Matches(text))
        {
            yield return NextAt(clock, now, zone);
        }
    }

    private static DateTimeOffset? After(DateTimeOffset now, double seconds) =>
        seconds < s_furthest.TotalSeconds ? now.AddSeconds(seconds) : null;

    private static double Seconds(Match part) =>
        double.Parse(part.Groups["n"].Value, CultureInfo.InvariantCulture)
        * part.Groups["unit"].Value.ToLowerInvariant() switch
        {
            "d" or "day" or "days" => 86400,
            "h" or "hr" or "hrs" or "hour" or "hours" => 3600,
            "m" or "min" or "mins" or "minute" or "minutes" => 60,
            "ms" => 0.001,
            _ => 1,
        };

    // The next time that a clock on the wall shows it. Without seconds it may be any moment of that minute, so the
    // end of it is meant.
    private static DateTimeOffset? NextAt(Match clock, DateTimeOffset now, TimeZoneInfo zone)
    {
        int Number(string group) =>
            int.Parse(clock.Groups[group].Value, CultureInfo.InvariantCulture);
        var hasMinutes = clock.Groups["m"].Success;
        var half = clock.Groups["half"].Value;
        if (!hasMinutes && half.Length == 0)
        {
            return null;
        }

        if (
            clock.Groups["zone"] is { Success: true, Value: var name }
            && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var named)
        )
        {
            zone = named;
        }

        var hour = Number("h");
        if (half.Length > 0)
        {
            hour = hour % 12 + (half.StartsWith("p", StringComparison.OrdinalIgnoreCase) ? 12 : 0);
        }

        var minute = hasMinutes ? Number("m") : 0;
        if (hour > 23 || minute > 59)
        {
            return null;
        }

        var local = TimeZoneInfo.ConvertTime(now, zone).Date.AddMinutes(60 * hour + minute);
        if (clock.Groups["month"].Success)
        {
            var month = Array.IndexOf(s_months, clock.Groups["month"].Value.ToLowerInvariant()) + 1;
            var year = clock.Groups["year"].Success ? Number("year") : local.Year;
            var day = Number("day");
            if (day < 1 || day > DateTime.DaysInMonth(year, month))
            {
                return null;
            }

            local = new DateTime(year, month, day, hour, minute, 0, DateTimeKind.Unspecified);
        }

        var wait = hasMinutes ? 1 : 0;
        DateTimeOffset At(DateTime wall) =>
            new DateTimeOffset(
                DateTime.SpecifyKind(wall, DateTimeKind.Unspecified),
                zone.GetUtcOffset(wall)
            ).AddMinutes(wait);
        var at = At(local);
        return at > now || clock.Groups["year"].Success ? at
            : clock.Groups["month"].Success ? At(local.AddYears(1))
            : At(local.AddDays(1));
    }

    private static readonly string[] s_months =
    [
        "jan",
        "feb",
        "mar",
        "apr",
        "may",
        "jun",
        "jul",
        "aug",
        "sep",
        "oct",
        "nov",
        "dec",
    ];

    [GeneratedRegex(
        @"\b20\d\d-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Rfc3339();

    [GeneratedRegex(
        @"(?<![\d.])1[7-9]\d{8}(\d{3})?(?![\d])",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Epoch();

    [GeneratedRegex(
        @"\b(in|after)[: ]+(about\s+)?(?<lengths>(\d+(\.\d+)?\s*(days?|d|hours?|hrs?|h|minutes?|mins?|ms|m|seconds?|secs?|s)(?![a-z])[\s,]*(and\s+)?)+)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Lengths();

    [GeneratedRegex(
        @"(?<n>\d+(\.\d+)?)\s*(?<unit>days?|d|hours?|hrs?|h|minutes?|mins?|ms|m|seconds?|secs?|s)(?![a-z])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Length();

    // A header or a member of JSON: retry-after: 120, "retryDelay": "294s", retryDelayMs: 5000.
    [GeneratedRegex(
        """\bretry[-_]?(after|delay)[-_]?(?<unit>ms)?["']?\s*[:=]\s*["']?(?<n>\d+(\.\d+)?)""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Field();

    [GeneratedRegex(
        @"\b(resets?|reset at|again at|available at|until)\s+((at|on)\s+)?((?<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?<day>\d{1,2})(st|nd|rd|th)?(,?\s+(?<year>20\d\d))?(,|\s+at)?\s+)?(?<h>\d{1,2})(:(?<m>\d\d))?\s*(?<half>[ap]\.?m\b\.?)?(?![\d:])(\s*\((?<zone>[A-Za-z0-9_+/-]+)\))?",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Clock();
}
