using System.Globalization;
using System.Text;

namespace AgentQueue.Plans;

/// <summary>
/// The section of a README that belongs to one task, between <c>&lt;!-- agentq:task NAME --&gt;</c> and
/// <c>&lt;!-- /agentq:task NAME --&gt;</c>, each on a line of its own. There is never more than one, and every byte
/// around it stays.
/// </summary>
internal static class ReadmeSection
{
    /// <param name="readme">Empty if there is none yet.</param>
    /// <param name="body">Markdown with <c>\n</c>; it gets the line ends of the file.</param>
    /// <param name="shownAs">The file, for messages.</param>
    /// <exception cref="QueueException">The markers do not belong together, or it is not a file of text.</exception>
    public static byte[] Write(ReadOnlySpan<byte> readme, string name, string body, string shownAs)
    {
        if (readme.Contains((byte)0))
        {
            throw new QueueException(
                $"{shownAs} is not text in UTF-8; it was left as it is",
                "Save it as UTF-8, or name another file: --readme FILE"
            );
        }

        var begin = $"<!-- agentq:task {name} -->";
        var end = $"<!-- /agentq:task {name} -->";
        var newLine =
            readme.IndexOf((byte)'\n') is > 0 and var at && readme[at - 1] == '\r' ? "\r\n" : "\n";
        var section = Encoding.UTF8.GetBytes(
            $"{begin}\n{body.TrimEnd('\n')}\n{end}".Replace("\n", newLine, StringComparison.Ordinal)
        );
        var begins = LinesOf(readme, Encoding.ASCII.GetBytes(begin));
        var ends = LinesOf(readme, Encoding.ASCII.GetBytes(end));
        return (begins, ends) switch
        {
            ([], []) =>
            [
                .. readme,
                .. Encoding.ASCII.GetBytes(Separator(readme, newLine)),
                .. section,
                .. Encoding.ASCII.GetBytes(newLine),
            ],
            ([var first], [var last]) when first.Start < last.Start =>
            [
                .. readme[..first.Start],
                .. section,
                .. readme[last.End..],
            ],
            _ => throw new QueueException(
                $"{shownAs} has {Lines(begins, "begins")} and {Lines(ends, "ends")} of the section of {name}; it was left as it is",
                $"Leave one '{begin}' with one '{end}' below it, or remove them all"
            ),
        };
    }

    private static string Lines(List<Marker> markers, string what) =>
        markers.Count == 0
            ? $"no {what}"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{markers.Count} {what} (line {string.Join(", ", markers.Select(static m => m.Line))})"
            );

    // An empty line before the section; what has no last line end gets one.
    private static string Separator(ReadOnlySpan<byte> readme, string newLine) =>
        readme.IsEmpty || readme.SequenceEqual("\uFEFF"u8) ? ""
        : readme[^1] != (byte)'\n' ? newLine + newLine
        : readme.EndsWith("\n\n"u8) || readme.EndsWith("\n\r\n"u8) ? ""
        : newLine;

    private readonly record struct Marker(int Line, int Start, int End);

    // Spaces around it, and the carriage return of its line end, are no part of it.
    private static List<Marker> LinesOf(ReadOnlySpan<byte> text, ReadOnlySpan<byte> marker)
    {
        var found = new List<Marker>();
        // A byte order mark is no part of the first line.
        var start = text.StartsWith("\uFEFF"u8) ? 3 : 0;
        for (var line = 1; start < text.Length; line++)
        {
            var length = text[start..].IndexOf((byte)'\n');
            length = length < 0 ? text.Length - start : length;
            var content = text.Slice(start, length);
            if (content.Trim(" \t\r"u8).SequenceEqual(marker))
            {
                var from = start + content.IndexOf(marker);
                found.Add(new Marker(line, from, from + marker.Length));
            }

            start += length + 1;
        }

        return found;
    }
}
