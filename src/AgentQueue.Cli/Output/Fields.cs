namespace AgentQueue.Cli.Output;

/// <summary>
/// Names and values under headings, the values in one column and their further lines below it. Values are
/// data: they are cleaned, and cut where they are longer than anybody reads.
/// </summary>
internal sealed class Fields
{
    private const int MostLines = 20;
    private const int LongestValue = 2000;
    private const int NameWidth = 12;

    private readonly List<(string Text, Tone Tone)> _lines = [];

    public void Heading(string text)
    {
        _lines.Add(("", Tone.Plain));
        _lines.Add((text, Tone.Dim));
    }

    /// <summary>A line as it is, made safe.</summary>
    public void Line(string text, Tone tone = Tone.Plain) =>
        _lines.Add((Terminal.Clean(text), tone));

    /// <summary>Left out if there is no value.</summary>
    public void Add(string name, string? value, Tone tone = Tone.Plain)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }

        var indent = new string(' ', NameWidth);
        var lines = Cut(value);
        for (var i = 0; i < lines.Count; i++)
        {
            var before = i == 0 ? name.PadRight(NameWidth) : indent;
            _lines.Add(((before + lines[i]).TrimEnd(), tone));
        }
    }

    public IEnumerable<string> ToLines(TextStyle style) =>
        _lines.Select(line => style.Paint(line.Tone, line.Text));

    private static List<string> Cut(string value)
    {
        var text = value.Length > LongestValue ? value[..LongestValue] : value;
        var lines = Terminal.Clean(text, multiline: true).TrimEnd('\n').Split('\n').ToList();
        if (lines.Count > MostLines)
        {
            lines.RemoveRange(MostLines, lines.Count - MostLines);
            text = "";
        }

        if (text.Length < value.Length)
        {
            lines.Add($"{Terminal.Ellipsis} ({value.Length} characters in all)");
        }

        return lines;
    }
}
