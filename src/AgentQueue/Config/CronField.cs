using System.Globalization;
using System.Numerics;

namespace AgentQueue.Config;

/// <summary>One of the five fields of a cron line: which values it names.</summary>
/// <param name="Bits">Bit n: the value n. Sunday is 0.</param>
/// <param name="IsStar">It begins with a star; of the two fields of a day such a one restricts nothing by itself.</param>
/// <param name="Text">As every cron daemon reads it: numbers, or the star as it was written.</param>
internal readonly record struct CronField(ulong Bits, bool IsStar, string Text)
{
    public static readonly Kind Minutes = new("minute", 0, 59, []);
    public static readonly Kind Hours = new("hour", 0, 23, []);
    public static readonly Kind Days = new("day of the month", 1, 31, []);
    public static readonly Kind Months = new(
        "month",
        1,
        12,
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    );

    // 7 is Sunday too.
    public static readonly Kind Weekdays = new(
        "day of the week",
        0,
        7,
        ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    );

    public bool Has(int value) => (Bits >> value & 1) != 0;

    /// <summary>The values, in their order.</summary>
    public IEnumerable<int> Values
    {
        get
        {
            for (var bits = Bits; bits != 0; bits &= bits - 1)
            {
                yield return BitOperations.TrailingZeroCount(bits);
            }
        }
    }

    public int? First => Bits == 0 ? null : BitOperations.TrailingZeroCount(Bits);

    public int? Last => Bits == 0 ? null : BitOperations.Log2(Bits);

    /// <summary>The least value that is at least this one.</summary>
    public int? From(int value) =>
        value > 63 ? null : (this with { Bits = Bits >> value << value }).First;

    /// <summary>The greatest value that is at most this one.</summary>
    public int? UpTo(int value) =>
        value < 0 ? null : (this with { Bits = Bits & (ulong.MaxValue >> (63 - value)) }).Last;

    /// <summary>What a field may hold.</summary>
    internal sealed record Kind(string Name, int Least, int Most, string[] Names)
    {
        public bool IsWeekday => this == Weekdays;

        /// <param name="column">Where the field begins in its line, from 1.</param>
        /// <param name="problem">With the place; empty if it could be read.</param>
        public CronField Read(string text, int column, out string problem)
        {
            var bits = 0ul;
            problem = "";
            foreach (var item in text.Split(','))
            {
                if (ReadItem(item) is { } what)
                {
                    problem = $"column {column.ToString(CultureInfo.InvariantCulture)}: {what}";
                    return default;
                }

                column += item.Length + 1;
            }

            var isStar = text[0] == '*';
            return new CronField(bits, isStar, isStar ? text.ToLowerInvariant() : Numbers(bits));

            string? ReadItem(string item)
            {
                var parts = item.Split('/');
                var step = 1;
                if (
                    parts.Length > 2
                    || (
                        parts.Length == 2
                        && (!IsNumber(parts[1], out step) || step < 1 || step > Most - Least + 1)
                    )
                )
                {
                    return $"the step of the {Name} '{item}' must be a whole number from 1 to {Most - Least + 1}";
                }

                int from,
                    to;
                if (parts[0] == "*")
                {
                    (from, to) = (Least, IsWeekday ? Most - 1 : Most);
                }
                else
                {
                    var ends = parts[0].Split('-');
                    if (
                        ends.Length > 2
                        || Value(ends[0]) is not { } first
                        || Value(ends[^1]) is not { } last
                    )
                    {
                        return $"the {Name} '{item}' is not understood; {Allowed}";
                    }

                    if (parts.Length == 2 && ends.Length == 1)
                    {
                        return $"the {Name} '{item}' has a step, which needs a range: */{parts[1]} or {ends[0]}-{Most}/{parts[1]}";
                    }

                    (from, to) = (first, IsWeekday && last == 0 && first > 0 ? 7 : last);
                    if (from > to)
                    {
                        return $"the {Name} '{item}' runs backwards";
                    }
                }

                for (var value = from; value <= to; value += step)
                {
                    bits |= 1ul << (IsWeekday ? value % 7 : value);
                }

                return null;
            }
        }

        private string Allowed =>
            $"it is a number from {Least} to {Most}{(Names.Length > 0 ? $" or one of {string.Join(' ', Names)}" : "")}, a range such as {Least}-{Least + 3}, a list with commas, * or */2";

        private int? Value(string text) =>
            Array.FindIndex(Names, n => n.Equals(text, StringComparison.OrdinalIgnoreCase))
                is >= 0
                    and var index
                ? index + (IsWeekday ? 0 : Least)
            : IsNumber(text, out var number) && number >= Least && number <= Most ? number
            : null;

        private static bool IsNumber(string text, out int number) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && text.Length <= 2;

        // Neighbours as a range: 1,2,3,7 is 1-3,7.
        private static string Numbers(ulong bits)
        {
            var parts = new List<string>();
            for (var value = 0; value < 64; value++)
            {
                if ((bits >> value & 1) == 0)
                {
                    continue;
                }

                var end = value;
                while (end < 63 && (bits >> (end + 1) & 1) != 0)
                {
                    end++;
                }

                parts.Add(
                    end == value
                        ? value.ToString(CultureInfo.InvariantCulture)
                        : string.Create(CultureInfo.InvariantCulture, $"{value}-{end}")
                );
                value = end;
            }

            return string.Join(',', parts);
        }
    }
}
