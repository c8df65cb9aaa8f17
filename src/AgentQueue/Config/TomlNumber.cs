using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;

namespace AgentQueue.Config;

/// <summary>The numbers of TOML that are read: decimal ones, in the spelling that JSON has for them.</summary>
internal static partial class TomlNumber
{
    private const int LongestOther = 200;
    private const int MatchMilliseconds = 1000;

    private static readonly SearchValues<char> s_inDigits = SearchValues.Create("0123456789_");

    /// <summary>A value of TOML that <see cref="TryRead"/> refuses: a date, a time, another base, infinity, NaN.</summary>
    public static bool IsOther(string word) =>
        word.Length <= LongestOther && OtherPattern().IsMatch(word);

    [GeneratedRegex(
        """
            ^(?:[+-]?(?:inf|nan)
            |0x[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*|0o[0-7]+(?:_[0-7]+)*|0b[01]+(?:_[01]+)*
            |\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?)?
            |\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\z
            """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant,
        MatchMilliseconds
    )]
    private static partial Regex OtherPattern();

    /// <param name="number">Without underscores and plus sign.</param>
    /// <param name="refusal">Why it is none, as the end of a message.</param>
    public static bool TryRead(string word, out string number, out string refusal)
    {
        (number, refusal) = ("", "");
        var unsigned = word.AsSpan(word is ['+' or '-', ..] ? 1 : 0);
        if (unsigned is "inf" or "nan")
        {
            refusal = $"{word} is not read here; write a number";
        }
        else if (unsigned.Length > 1 && unsigned[0] == '0' && unsigned[1] is 'x' or 'o' or 'b')
        {
            refusal =
                "hexadecimal, octal and binary numbers are not read here; write it as a decimal number";
        }
        else if (IsDate(unsigned))
        {
            refusal = "dates and times are not read here; write it as text, in quotes";
        }
        else if (!IsDecimal(unsigned, out var isWhole))
        {
            refusal =
                unsigned.Length > 0 && char.IsAsciiDigit(unsigned[0])
                    ? $"{Short(word)} is not a number as TOML writes them"
                    : $"{Short(word)} is no value; text stands in quotes";
        }
        else
        {
            number = word.Replace("_", "", StringComparison.Ordinal).TrimStart('+');
            if (
                isWhole
                && !long.TryParse(
                    number,
                    NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture,
                    out _
                )
            )
            {
                refusal = $"{Short(word)} is too large for a whole number";
            }
        }

        return refusal.Length == 0;
    }

    private static bool IsDate(ReadOnlySpan<char> word) =>
        (word.Length > 4 && IsDigits(word[..4]) && word[4] == '-')
        || (word.Length > 2 && IsDigits(word[..2]) && word[2] == ':');

    private static bool IsDigits(ReadOnlySpan<char> word) =>
        !word.ContainsAnyExceptInRange('0', '9');

    private static bool IsDecimal(ReadOnlySpan<char> word, out bool isWhole)
    {
        var rest = word;
        var whole = TakeDigits(ref rest);
        isWhole = rest.IsEmpty;
        if (whole.IsEmpty || (whole.Length > 1 && whole[0] == '0'))
        {
            return false;
        }

        if (rest is ['.', ..])
        {
            rest = rest[1..];
            if (TakeDigits(ref rest).IsEmpty)
            {
                return false;
            }
        }

        if (rest is ['e' or 'E', ..])
        {
            rest = rest[1..];
            rest = rest is ['+' or '-', ..] ? rest[1..] : rest;
            if (TakeDigits(ref rest).IsEmpty)
            {
                return false;
            }
        }

        return rest.IsEmpty;
    }

    // Digits with single underscores between them; nothing if an underscore stands elsewhere.
    private static ReadOnlySpan<char> TakeDigits(ref ReadOnlySpan<char> rest)
    {
        var length = rest.IndexOfAnyExcept(s_inDigits);
        var digits = length < 0 ? rest : rest[..length];
        rest = rest[digits.Length..];
        return digits is ['_', ..] or [.., '_'] || digits.Contains("__", StringComparison.Ordinal)
            ? default
            : digits;
    }

    private static string Short(string word) => word.Length > 40 ? word[..40] + "…" : word;
}
