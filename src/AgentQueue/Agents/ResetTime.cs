using System.Globalization;
using System.Text.RegularExpressions;
using AgentQueue.Tasks;

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

    /// <summary>A time in a sentence of an error; null if there is none, or none that can be.</summary>
    public static DateTimeOffset? Find(string text, DateTimeOffset now, TimeZoneInfo zone)
    {
        DateTimeOffset? found;
        try
        {
            found = FindAny(text.Length > LongestText ? text[..LongestText] : text, now, zone);
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }

        return found is { } time && time > now && time - now < s_furthest ? time : null;
    }

    private static DateTimeOffset? FindAny(string text, DateTimeOffset now, TimeZoneInfo zone)
    {
        if (Rfc3339().Match(text) is { Success: true } full)
        {
            return Parse(full.Value);
        }

        if (Epoch().Match(text) is { Success: true } epoch)
        {
            return Parse(epoch.Value);
        }

        if (Lengths().Match(text) is { Success: true } lengths)
        {
            var sum = TimeSpan.Zero;
            foreach (Match part in Length().Matches(lengths.Groups["lengths"].Value))
            {
                sum += OfUnit(
                    double.Parse(part.Groups["n"].Value, CultureInfo.InvariantCulture),
                    part.Groups["unit"].Value
                );
            }

            return now + sum;
        }

        return Clock().Match(text) is { Success: true } clock ? NextAt(clock, now, zone) : null;
    }

    private static TimeSpan OfUnit(double number, string unit) =>
        unit.ToLowerInvariant() switch
        {
            "d" or "day" or "days" => TimeSpan.FromDays(number),
            "h" or "hr" or "hrs" or "hour" or "hours" => TimeSpan.FromHours(number),
            "m" or "min" or "mins" or "minute" or "minutes" => TimeSpan.FromMinutes(number),
            "ms" => TimeSpan.FromMilliseconds(number),
            _ => TimeSpan.FromSeconds(number),
        };

    // The next time that a clock on the wall shows it.
    private static DateTimeOffset? NextAt(Match clock, DateTimeOffset now, TimeZoneInfo zone)
    {
        var hour = int.Parse(clock.Groups["h"].Value, CultureInfo.InvariantCulture);
        var minute = clock.Groups["m"].Success
            ? int.Parse(clock.Groups["m"].Value, CultureInfo.InvariantCulture)
            : 0;
        if (clock.Groups["half"].Value is { Length: > 0 } half)
        {
            hour = hour % 12 + (half.StartsWith("p", StringComparison.OrdinalIgnoreCase) ? 12 : 0);
        }

        return hour < 24 && minute < 60
            ? StartTime.Parse(
                string.Create(CultureInfo.InvariantCulture, $"{hour:00}:{minute:00}"),
                "",
                now,
                zone
            )
            : null;
    }

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
        @"\b(in|after)[: ]+(?<lengths>(\d+(\.\d+)?\s*(days?|d|hours?|hrs?|h|minutes?|mins?|ms|m|seconds?|secs?|s)\b[\s,]*(and\s+)?)+)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Lengths();

    [GeneratedRegex(
        @"(?<n>\d+(\.\d+)?)\s*(?<unit>days?|d|hours?|hrs?|h|minutes?|mins?|ms|m|seconds?|secs?|s)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Length();

    [GeneratedRegex(
        @"\b(resets?|reset at|again at|available at|until)\s+(at\s+)?(?<h>\d{1,2})(:(?<m>\d\d))?\s*(?<half>[ap]\.?m\.?)?(?![\d:])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Clock();
}
