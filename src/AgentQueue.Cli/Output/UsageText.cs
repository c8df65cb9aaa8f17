using System.Globalization;
using AgentQueue.Agents;

namespace AgentQueue.Cli.Output;

/// <summary>Tokens and dollars as people read them.</summary>
internal static class UsageText
{
    /// <summary>What stands for a number that is not known.</summary>
    public const string Unknown = "-";

    /// <summary><c>1,200 in, 300 out, 5,000 from the cache</c>; null if nothing is known.</summary>
    public static string? Tokens(Usage usage)
    {
        List<string> parts = [];
        Add(usage.Input, "in");
        Add(usage.Output, "out");
        Add(usage.CacheRead, "from the cache");
        Add(usage.CacheWrite, "into the cache");
        return parts.Count == 0 ? null : string.Join(", ", parts);

        void Add(long? number, string what)
        {
            if (number is { } known && (known > 0 || what is "in" or "out"))
            {
                parts.Add($"{Exact(known)} {what}");
            }
        }
    }

    /// <summary><c>1.5k tokens, $0.02</c>: what goes beside something else; empty if nothing is known, or nothing was used.</summary>
    public static string Short(Usage usage) =>
        string.Join(
            ", ",
            new[]
            {
                usage.Tokens is { } tokens and > 0
                    ? $"{Rounded(tokens)} {(tokens == 1 ? "token" : "tokens")}"
                    : null,
                usage.Cost is { } cost and > 0 ? Dollars(cost) : null,
            }.OfType<string>()
        );

    /// <summary><c>$12.30</c>; small amounts with as many places as tell them from nothing.</summary>
    public static string Dollars(decimal cost) =>
        cost.ToString(
            cost is 0 or >= 0.1m ? "$0.00"
                : cost >= 0.0001m ? "$0.00##"
                : "$0.00######",
            CultureInfo.InvariantCulture
        );

    /// <summary><c>12,345</c>.</summary>
    public static string Exact(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    // Rounded down: a limit is never shown as reached before it is.
    private static string Rounded(long number) =>
        number switch
        {
            < 1000 => number.ToString(CultureInfo.InvariantCulture),
            < 1_000_000 => Tenths(number, 1000) + "k",
            _ => Tenths(number, 1_000_000) + "M",
        };

    private static string Tenths(long number, long unit) =>
        (number * 10 / unit / 10m).ToString("0.#", CultureInfo.InvariantCulture);
}
