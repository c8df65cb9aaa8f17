using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// When something is due, as cron writes it: minute, hour, day of the month, month, day of the week. If
/// both days are restricted (none begins with a star), either is enough. Each time of the wall clock is due
/// once: where clocks are set back the first time only, and what is left out where they are set forward at
/// the end of the gap.
/// </summary>
internal sealed record CronLine
{
    // A 29th of February that must be a certain day of the week comes within 40 years, even over a year like 2100.
    private const int MostYears = 41;

    private static readonly (string Word, string Line)[] s_words =
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
    ];

    private CronLine(string text, ReadOnlySpan<CronField> fields)
    {
        Text = text;
        (Minutes, Hours, Days, Months, Weekdays) = (
            fields[0],
            fields[1],
            fields[2],
            fields[3],
            fields[4]
        );
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }
    public CronField Minutes { get; }
    public CronField Hours { get; }
    public CronField Days { get; }
    public CronField Months { get; }
    public CronField Weekdays { get; }

    /// <summary>The five fields in numbers, which every cron daemon understands; the same for two that mean the same.</summary>
    public string Plain => $"{Minutes.Text} {Hours.Text} {Days.Text} {Months.Text} {Weekdays.Text}";

    /// <summary>Reads five fields, or <c>@hourly @daily @weekly @monthly</c>.</summary>
    /// <param name="problem">What is wrong, with the column from 1; null if nothing is.</param>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out CronLine? line,
        [NotNullWhen(false)] out string? problem
    )
    {
        line = null;
        var trimmed = text.Trim();
        if (trimmed.StartsWith('@'))
        {
            var (_, full) = Array.Find(
                s_words,
                w => w.Word.Equals(trimmed, StringComparison.OrdinalIgnoreCase)
            );
            problem =
                $"column {Column(text.IndexOf('@', StringComparison.Ordinal))}: '{trimmed}' is none of {string.Join(' ', s_words.Select(static w => w.Word))}";
            if (full is null || !TryParse(full, out var meant, out _))
            {
                return false;
            }

            line = new CronLine(
                trimmed,
                [meant.Minutes, meant.Hours, meant.Days, meant.Months, meant.Weekdays]
            );
            problem = null;
            return true;
        }

        ReadOnlySpan<CronField.Kind> kinds =
        [
            CronField.Minutes,
            CronField.Hours,
            CronField.Days,
            CronField.Months,
            CronField.Weekdays,
        ];
        var words = Words(text);
        if (words.Count != kinds.Length)
        {
            var at = words.Count > kinds.Length ? words[kinds.Length].Start : text.Length;
            problem = string.Create(
                CultureInfo.InvariantCulture,
                $"column {Column(at)}: there are {words.Count} fields and not five (minute, hour, day of the month, month, day of the week)"
            );
            return false;
        }

        var fields = new CronField[kinds.Length];
        for (var i = 0; i < kinds.Length; i++)
        {
            fields[i] = kinds[i].Read(words[i].Word, words[i].Start + 1, out var wrong);
            if (wrong.Length > 0)
            {
                problem = wrong;
                return false;
            }
        }

        var read = new CronLine(trimmed, fields);
        if (read.NeverComes)
        {
            problem =
                $"column {Column(words[2].Start)}: none of the months has a day {words[2].Word}";
            return false;
        }

        (line, problem) = (read, null);
        return true;
    }

    /// <summary>The first due time after a moment; null if there is none in the calendar.</summary>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone)
    {
        // In the second of two equal hours the times of the first are past already, so some are passed over.
        var wall = MinuteOf(LocalTime.Wall(after, zone));
        while (NextWall(wall) is { } next)
        {
            if (LocalTime.At(next, zone) is var due && due > after)
            {
                return due;
            }

            wall = next.AddMinutes(1);
        }

        return null;
    }

    /// <summary>The last due time that has come by a moment; null if there is none in the calendar.</summary>
    public DateTimeOffset? Last(DateTimeOffset by, TimeZoneInfo zone)
    {
        // In the second of two equal hours also later times of the first have come: none is longer than a day.
        var wall = MinuteOf(LocalTime.Wall(by, zone));
        if (zone.IsAmbiguousTime(wall))
        {
            wall = wall.AddDays(1);
        }

        while (LastWall(wall) is { } last)
        {
            if (LocalTime.At(last, zone) is var due && due <= by)
            {
                return due;
            }

            wall = last.AddMinutes(-1);
        }

        return null;
    }

    /// <summary>The same for systemd: one or two expressions, any of which is enough.</summary>
    public IReadOnlyList<string> ToCalendar()
    {
        var time = $"{List(Hours, 24)}:{List(Minutes, 60)}:00";
        var day = $"*-{List(Months, 12)}-{List(Days, 31)} {time}";
        var weekdays = string.Join(',', Weekdays.Values.Select(NameOf));
        return IsEither ? [day, $"{weekdays} *-{List(Months, 12)}-* {time}"]
            : Weekdays.Values.Count() == 7 ? [day]
            : [$"{weekdays} {day}"];

        static string List(CronField field, int all) =>
            field.Values.Count() == all
                ? "*"
                : string.Join(
                    ',',
                    field.Values.Select(static v => v.ToString("00", CultureInfo.InvariantCulture))
                );

        static string NameOf(int weekday) =>
            CronField.Weekdays.Names[weekday] is var name
                ? char.ToUpperInvariant(name[0]) + name[1..]
                : "";
    }

    public bool Equals(CronLine? other) => other is not null && Plain == other.Plain;

    public override int GetHashCode() => Plain.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Text;

    private bool IsEither => !Days.IsStar && !Weekdays.IsStar;

    private bool NeverComes =>
        !IsEither && !Months.Values.Any(month => Days.First <= DateTime.DaysInMonth(2028, month));

    private bool IsDay(DateTime date) =>
        Months.Has(date.Month)
        && (
            IsEither
                ? Days.Has(date.Day) || Weekdays.Has((int)date.DayOfWeek)
                : Days.Has(date.Day) && Weekdays.Has((int)date.DayOfWeek)
        );

    private DateTime? NextWall(DateTime from)
    {
        var last =
            from.Year > DateTime.MaxValue.Year - MostYears
                ? DateTime.MaxValue.Date
                : from.Date.AddYears(MostYears);
        for (var (date, time) = (from.Date, from.TimeOfDay); date < last; date = date.AddDays(1))
        {
            if (IsDay(date))
            {
                if (Hours.Has(time.Hours) && Minutes.From(time.Minutes) is { } minute)
                {
                    return date.AddHours(time.Hours).AddMinutes(minute);
                }

                if (Hours.From(time.Hours + (Hours.Has(time.Hours) ? 1 : 0)) is { } hour)
                {
                    return date.AddHours(hour).AddMinutes(Minutes.First!.Value);
                }
            }

            time = TimeSpan.Zero;
        }

        return null;
    }

    private DateTime? LastWall(DateTime from)
    {
        var first = from.Year <= MostYears ? DateTime.MinValue : from.Date.AddYears(-MostYears);
        var time = from.TimeOfDay;
        for (var date = from.Date; date > first; date = date.AddDays(-1))
        {
            if (IsDay(date))
            {
                if (Hours.Has(time.Hours) && Minutes.UpTo(time.Minutes) is { } minute)
                {
                    return date.AddHours(time.Hours).AddMinutes(minute);
                }

                if (Hours.UpTo(time.Hours - (Hours.Has(time.Hours) ? 1 : 0)) is { } hour)
                {
                    return date.AddHours(hour).AddMinutes(Minutes.Last!.Value);
                }
            }

            time = new TimeSpan(23, 59, 0);
        }

        return null;
    }

    private static DateTime MinuteOf(DateTime time) =>
        time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMinute));

    private static List<(string Word, int Start)> Words(string text)
    {
        var words = new List<(string, int)>();
        for (var i = 0; i < text.Length; i++)
        {
            var start = i;
            while (i < text.Length && text[i] is not (' ' or '\t'))
            {
                i++;
            }

            if (i > start)
            {
                words.Add((text[start..i], start));
            }
        }

        return words;
    }

    private static string Column(int index) => (index + 1).ToString(CultureInfo.InvariantCulture);
}
