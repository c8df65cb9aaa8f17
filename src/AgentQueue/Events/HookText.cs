using System.Globalization;
using System.Text;

namespace AgentQueue.Events;

/// <summary>Texts that hooks print or show, made safe for a line of the log and for a desktop; pure.</summary>
internal static class HookText
{
    /// <summary>Of one line, in UTF-16 units.</summary>
    public const int Longest = 300;

    /// <summary>One line: control, format and bidi characters are spaces, and what is too long is cut.</summary>
    public static string Plain(string text)
    {
        var plain = new StringBuilder(Math.Min(text.Length, Longest));
        foreach (var rune in text.EnumerateRunes())
        {
            if (plain.Length >= Longest)
            {
                return plain.Append('…').ToString();
            }

            plain.Append(IsUnsafe(rune) ? " " : rune.ToString());
        }

        return plain.ToString();
    }

    /// <summary>The last line that says something; empty if none does.</summary>
    public static string LastLine(string text) =>
        text.Split('\n').Select(static l => Plain(l).Trim()).LastOrDefault(static l => l.Length > 0)
        ?? "";

    /// <summary>What a desktop is shown of an event.</summary>
    public static string Notification(EventRecord record, string name) =>
        Plain(record.Task is { } task ? $"{name}  {task}" : name);

    /// <summary>The same for notify-send, which undoes backslashes, and for a desktop that reads markup.</summary>
    public static string AsMarkup(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);

    private static bool IsUnsafe(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;
}
