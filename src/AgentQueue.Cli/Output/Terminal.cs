using System.Text;
using AgentQueue.Tasks;

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
    public static string Clean(string text, bool multiline = false) =>
        SafeText.Clean(text, multiline);

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
    public static bool IsUnsafe(Rune rune) => SafeText.IsUnsafe(rune);

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
}
