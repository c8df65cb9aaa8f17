using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace AgentQueue.Config;

/// <summary>What is known of an installed tool's version.</summary>
internal enum VersionStanding
{
    /// <summary>It does not say, or was not asked.</summary>
    Unknown,

    /// <summary>The adapter was written from documents, and never tried with any.</summary>
    Untried,
    Tested,
    Newer,
    Older,

    /// <summary>Known not to work.</summary>
    Unsupported,
}

/// <summary>How to ask the tool which one it is, and what is known of the answer.</summary>
/// <param name="Args">It must answer by itself, without a network.</param>
/// <param name="Tested">The version that the adapter was tried with; null if it never was.</param>
/// <param name="Oldest">Older ones are not driven by it; null if that is not known.</param>
internal sealed partial record AdapterVersion(
    ImmutableArray<string> Args,
    string? Tested,
    string? Oldest
)
{
    private const int LongestAnswer = 2000;
    private const int MatchMilliseconds = 500;

    /// <summary>The version in what a tool answers: <c>codex-cli 0.169.0</c>; null if there is none.</summary>
    public static string? Find(string answer)
    {
        try
        {
            return
                Number().Match(answer[..Math.Min(answer.Length, LongestAnswer)])
                    is { Success: true } found
                ? found.Value
                : null;
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    /// <param name="version">What <see cref="Find"/> has found.</param>
    public VersionStanding Judge(string? version) =>
        version is null ? VersionStanding.Unknown
        : Oldest is not null && Compare(version, Oldest) < 0 ? VersionStanding.Unsupported
        : Tested is null ? VersionStanding.Untried
        : Compare(version, Tested) switch
        {
            0 => VersionStanding.Tested,
            > 0 => VersionStanding.Newer,
            < 0 => VersionStanding.Older,
        };

    /// <summary>For people; "-" where nothing is known.</summary>
    public string Describe(VersionStanding standing) =>
        standing switch
        {
            VersionStanding.Unknown => "-",
            VersionStanding.Untried => "never tried",
            VersionStanding.Tested => "as tested",
            VersionStanding.Newer => $"newer than tested ({Tested})",
            VersionStanding.Older => $"older than tested ({Tested})",
            VersionStanding.Unsupported => $"older than {Oldest}: not supported",
        };

    // By their numbers, one after the other: a missing one is 0, and what is no number does not count.
    private static int Compare(string a, string b)
    {
        var (left, right) = (NumbersOf(a), NumbersOf(b));
        for (var i = 0; i < Math.Max(left.Length, right.Length); i++)
        {
            var order = left.ElementAtOrDefault(i).CompareTo(right.ElementAtOrDefault(i));
            if (order != 0)
            {
                return order;
            }
        }

        return 0;
    }

    private static long[] NumbersOf(string version) =>
        [
            .. version
                .Split('-', '+')[0]
                .Split('.')
                .Select(static n =>
                    long.TryParse(
                        n,
                        NumberStyles.None,
                        CultureInfo.InvariantCulture,
                        out var number
                    )
                        ? number
                        : 0
                ),
        ];

    [GeneratedRegex(
        @"(?<![\w.])\d+(\.\d+)+([-+][0-9A-Za-z]+(\.?[0-9A-Za-z]+)*)?",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex Number();
}
