using System.Text;

namespace AgentQueue.Cli.Output;

/// <summary>A column of a <see cref="Table"/>.</summary>
internal sealed record Column(string Header)
{
    /// <summary>May be narrowed to <see cref="Narrowest"/> where the terminal is too small.</summary>
    public bool Flexible { get; init; }

    public int Narrowest { get; init; } = 10;

    /// <summary>Longer cells are cut, on every terminal.</summary>
    public int Widest { get; init; } = int.MaxValue;

    /// <summary>Longer cells are cut in Markdown.</summary>
    public int WidestInMarkdown { get; init; } = int.MaxValue;

    /// <summary>The highest rank is left out first where the terminal is too small; 0 never.</summary>
    public int Rank { get; init; }

    public bool AlignRight { get; init; }
}

/// <summary>What stands in one field: data, not yet safe; the table cleans it.</summary>
internal readonly record struct Cell(string Text, Tone Tone = Tone.Plain)
{
    public static implicit operator Cell(string text) => new(text);
}

/// <summary>
/// Rows under headers, for a terminal (fitted to its width) or as Markdown (complete, without colour).
/// Every cell is cleaned and takes one line, so any data may be put in.
/// </summary>
internal sealed class Table(params Column[] columns)
{
    private const int Gap = 2;

    private readonly List<Cell[]> _rows = [];

    public int Count => _rows.Count;

    public void Add(params ReadOnlySpan<Cell> cells)
    {
        var row = new Cell[columns.Length];
        for (var i = 0; i < row.Length; i++)
        {
            row[i] = cells[i] with { Text = Terminal.OneLine(cells[i].Text) };
        }

        _rows.Add(row);
    }

    /// <summary>The header and a line for each row, none wider than the terminal.</summary>
    public IReadOnlyList<string> ToTerminal(TextStyle style)
    {
        var widths = Fit(style.Width);
        var headers = columns.Select(column => new Cell(column.Header, Tone.Dim)).ToArray();
        return [Layout(headers, widths, style), .. _rows.Select(row => Layout(row, widths, style))];
    }

    /// <summary>A Markdown table, the same on every machine.</summary>
    public IReadOnlyList<string> ToMarkdown()
    {
        var headers = columns.Select(column => new Cell(column.Header)).ToArray();
        var rules = columns.Select(column => column.AlignRight ? "---:" : "---");
        return
        [
            MarkdownRow(headers),
            $"| {string.Join(" | ", rules)} |",
            .. _rows.Select(MarkdownRow),
        ];
    }

    // Flexible columns shrink first, the widest of them most; then whole columns go, the least worthy
    // first; what is still too wide is cut from the right. 0 means: left out.
    private int[] Fit(int available)
    {
        var natural = new int[columns.Length];
        for (var i = 0; i < natural.Length; i++)
        {
            var longest = _rows.Select(row => Terminal.Width(row[i].Text)).DefaultIfEmpty().Max();
            natural[i] = Math.Min(
                Math.Max(longest, Terminal.Width(columns[i].Header)),
                columns[i].Widest
            );
        }

        while (true)
        {
            var widths = Shrink(natural, available);
            if (Total(widths) <= available)
            {
                return widths;
            }

            var least = LeastWorthy(natural);
            if (least < 0)
            {
                return CutFromTheRight(widths, available);
            }

            natural[least] = 0;
        }
    }

    private int[] Shrink(int[] natural, int available)
    {
        var widths = (int[])natural.Clone();
        for (var excess = Total(widths) - available; excess > 0; excess--)
        {
            var widest = -1;
            for (var i = 0; i < widths.Length; i++)
            {
                if (
                    columns[i].Flexible
                    && widths[i] > columns[i].Narrowest
                    && (widest < 0 || widths[i] > widths[widest])
                )
                {
                    widest = i;
                }
            }

            if (widest < 0)
            {
                break;
            }

            widths[widest]--;
        }

        return widths;
    }

    private int LeastWorthy(int[] widths)
    {
        var least = -1;
        for (var i = 0; i < widths.Length; i++)
        {
            if (widths[i] > 0 && columns[i].Rank > (least < 0 ? 0 : columns[least].Rank))
            {
                least = i;
            }
        }

        return least;
    }

    private static int[] CutFromTheRight(int[] widths, int available)
    {
        for (var i = widths.Length - 1; i >= 0 && Total(widths) > available; i--)
        {
            widths[i] = Math.Max(0, widths[i] - (Total(widths) - available));
        }

        return widths;
    }

    private static int Total(int[] widths)
    {
        var shown = widths.Where(width => width > 0).ToArray();
        return shown.Sum() + Gap * Math.Max(0, shown.Length - 1);
    }

    private string Layout(Cell[] cells, int[] widths, TextStyle style)
    {
        var line = new StringBuilder();
        var blanks = 0;
        for (var i = 0; i < cells.Length; i++)
        {
            if (widths[i] == 0)
            {
                continue;
            }

            var text = Terminal.Truncate(cells[i].Text, widths[i], style.Ellipsis);
            var padding = widths[i] - Terminal.Width(text);
            var (before, after) = columns[i].AlignRight ? (padding, 0) : (0, padding);
            if (text.Length > 0)
            {
                line.Append(' ', blanks + before).Append(style.Paint(cells[i].Tone, text));
                blanks = 0;
            }
            else
            {
                blanks += before;
            }

            blanks += after + Gap;
        }

        return line.ToString();
    }

    private string MarkdownRow(Cell[] cells)
    {
        var texts = cells.Select(
            (cell, i) => Escape(Terminal.Truncate(cell.Text, columns[i].WidestInMarkdown))
        );
        return $"| {string.Join(" | ", texts)} |";
    }

    // A pipe ends a cell, even one after a backslash of the data's own.
    private static string Escape(string text)
    {
        if (!text.Contains('|', StringComparison.Ordinal) && !text.EndsWith('\\'))
        {
            return text;
        }

        var escaped = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '|' || (text[i] == '\\' && IsBeforePipeOrEnd(text, i)))
            {
                escaped.Append('\\');
            }

            escaped.Append(text[i]);
        }

        return escaped.ToString();
    }

    private static bool IsBeforePipeOrEnd(string text, int i)
    {
        var next = text.AsSpan(i).IndexOfAnyExcept('\\');
        return next < 0 || text[i + next] == '|';
    }
}
