using System.Buffers;
using System.Globalization;
using System.Text;

namespace AgentQueue.Tasks;

/// <summary>Makes data safe to show, to a person's terminal or to a model.</summary>
internal static class SafeText
{
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

    /// <summary>True for what must never be shown as it is.</summary>
    public static bool IsUnsafe(Rune rune) =>
        rune.Value is < 0x20 or (>= 0x7F and < 0xA0) or 0x2028 or 0x2029
        || (!rune.IsAscii && Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format);

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
