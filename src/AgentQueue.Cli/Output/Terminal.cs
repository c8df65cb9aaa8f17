using System.Buffers;
using System.Globalization;
using System.Text;

namespace AgentQueue.Cli.Output;

/// <summary>
/// Makes data safe to show and measures it. Whatever agentq did not write itself (prompts, names, errors,
/// logs) passes through <see cref="Clean"/> before it reaches a terminal or a pipe, so that it can neither
/// steer the terminal nor disguise what it says.
/// </summary>
internal static class Terminal
{
    public const string Ellipsis = "…";

    // Longer than any row, so that a prompt of megabytes is not laid out to show its first words.
    private const int LongestCell = 2000;

    /// <summary>
    /// The text with control, format and bidi characters spelled out (<c>\x1b</c>, <c>\u202e</c>) and lone
    /// surrogates replaced. Line breaks and tabs are kept where <paramref name="multiline"/>.
    /// </summary>
    public static string Clean(string text, bool multiline = false)
    {
        var first = text.AsSpan().IndexOfAnyExceptInRange(' ', '~');
        if (first < 0)
        {
            return text;
        }

        StringBuilder? clean = null;
        for (int i = first, length; i < text.Length; i += length)
        {
            var status = Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out length);
            if (status == OperationStatus.Done && (!IsUnsafe(rune) || IsLayout(rune, multiline)))
            {
                clean?.Append(text, i, length);
                continue;
            }

            clean ??= new StringBuilder(text, 0, i, text.Length + 16);
            if (status != OperationStatus.Done)
            {
                clean.Append('\uFFFD');
            }
            else if (!(multiline && IsReturnBeforeLineBreak(text, i)))
            {
                clean.Append(Spell(rune));
            }
        }

        return clean?.ToString() ?? text;
    }

    /// <summary>As <see cref="Clean"/>, for a table cell: white space of any kind becomes one space.</summary>
    public static string OneLine(string text)
    {
        if (text.Length > LongestCell)
        {
            text = string.Concat(text.AsSpan(0, LongestCell), Ellipsis);
        }

        if (text.AsSpan().IndexOfAny('\t', '\n', '\r') >= 0)
        {
            text = string.Join(' ', text.Split(['\t', '\n', '\r', ' '], Trimmed));
        }

        return Clean(text);
    }

    /// <summary>True for what must never reach a terminal from data.</summary>
    public static bool IsUnsafe(Rune rune) =>
        rune.Value is < 0x20 or (>= 0x7F and < 0xA0) or 0x2028 or 0x2029
        || (!rune.IsAscii && Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format);

    /// <summary>How many columns cleaned text takes: 2 for wide letters and emoji, 0 for combining marks.</summary>
    public static int Width(string text)
    {
        if (IsPlain(text))
        {
            return text.Length;
        }

        var width = 0;
        var previous = default(Rune);
        foreach (var rune in text.EnumerateRunes())
        {
            width += DisplayWidth.Of(rune, previous);
            previous = rune;
        }

        return width;
    }

    /// <summary>The text, cut with an <paramref name="ellipsis"/> so that it takes at most <paramref name="width"/> columns.</summary>
    public static string Truncate(string text, int width, string ellipsis = Ellipsis)
    {
        if (Width(text) <= width)
        {
            return text;
        }

        if (width <= ellipsis.Length)
        {
            return ellipsis[..Math.Max(width, 0)];
        }

        var kept = 0;
        var used = 0;
        var previous = default(Rune);
        foreach (var rune in text.EnumerateRunes())
        {
            used += DisplayWidth.Of(rune, previous);
            if (used > width - ellipsis.Length)
            {
                break;
            }

            previous = rune;
            kept += rune.Utf16SequenceLength;
        }

        return string.Concat(text.AsSpan(0, kept).TrimEnd(), ellipsis);
    }

    private const StringSplitOptions Trimmed =
        StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;

    private static bool IsPlain(string text) => text.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0;

    private static bool IsLayout(Rune rune, bool multiline) =>
        multiline && rune.Value is '\n' or '\t';

    private static bool IsReturnBeforeLineBreak(string text, int i) =>
        text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n';

    private static string Spell(Rune rune) =>
        rune.Value switch
        {
            '\n' => @"\n",
            '\r' => @"\r",
            '\t' => @"\t",
            < 0x100 => string.Create(CultureInfo.InvariantCulture, $@"\x{rune.Value:x2}"),
            < 0x10000 => string.Create(CultureInfo.InvariantCulture, $@"\u{rune.Value:x4}"),
            _ => string.Create(CultureInfo.InvariantCulture, $@"\U{rune.Value:x8}"),
        };
}
