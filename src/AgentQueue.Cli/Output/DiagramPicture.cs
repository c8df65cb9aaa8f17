using System.Security;

namespace AgentQueue.Cli.Output;

/// <summary>
/// A diagram as an SVG picture, without another program: columns from left to right, each box in the column
/// after the last of those it waits for; within a column ordered by what it is joined to, so that few
/// arrows cross (Sugiyama, Tagawa, Toda 1981: layers, then barycentres). An arrow over several columns
/// keeps a place of its own in each.
/// </summary>
internal static class DiagramPicture
{
    private const int BoxWidth = 176;
    private const int LineHeight = 15;
    private const int Padding = 10;
    private const int ColumnGap = 56;
    private const int RowGap = 16;
    private const int Margin = 12;
    private const int LongestLine = 24;
    private const int Sweeps = 8;

    // Beyond this an arrow goes straight: the places of long arrows would outnumber the boxes by far.
    private const int MostPlaces = 20_000;

    public static IEnumerable<string> Svg(IReadOnlyList<Box> boxes)
    {
        var rows =
            boxes.Select(static b => b.Lines.Count(static l => l.Length > 0)).Append(0).Max() + 1;
        var boxHeight = (rows * LineHeight) + Padding;
        var layout = Layout.Of(boxes);
        var tallest = layout.Columns.Select(static c => c.Count).Append(1).Max();
        var width =
            (2 * Margin) + (Math.Max(layout.Columns.Count, 1) * (BoxWidth + ColumnGap)) - ColumnGap;
        var height = (2 * Margin) + (tallest * (boxHeight + RowGap)) - RowGap;
        yield return Text(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">"
        );
        yield return "<defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#64748b\"/></marker></defs>";

        (double X, double Y) PlaceOf(Place place)
        {
            var column = layout.Columns[place.Column];
            var free = height - (2 * Margin) - (column.Count * (boxHeight + RowGap)) + RowGap;
            return (
                Margin + (place.Column * (BoxWidth + ColumnGap)),
                Margin + (free / 2.0) + (place.Row * (boxHeight + RowGap))
            );
        }

        foreach (var (path, word) in layout.Arrows)
        {
            yield return Arrow([.. path.Select(PlaceOf)], boxHeight, word);
        }

        foreach (var box in boxes)
        {
            var (x, y) = PlaceOf(layout.PlaceOf[box.Key]);
            var (fill, stroke) = Diagram.ColoursOf(box.State);
            yield return Text(
                $"<g transform=\"translate({x:0.#} {y:0.#})\" class=\"{Diagram.ClassOf(box.State)}\"><title>{string.Join('\n', box.Lines.Prepend(box.Key).Select(Escape))}</title><rect width=\"{BoxWidth}\" height=\"{boxHeight}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
            );
            var line = 0;
            foreach (var text in box.Lines.Prepend(box.Key).Where(static l => l.Length > 0))
            {
                var weight = line == 0 ? " font-weight=\"600\"" : "";
                yield return Text(
                    $"<text x=\"{Padding}\" y=\"{(Padding / 2) + (++line * LineHeight) - 3}\" fill=\"#222222\"{weight}>{Escape(Cut(text))}</text>"
                );
            }

            yield return "</g>";
        }

        yield return "</svg>";
    }

    // From the right side of one to the left side of the next, through the middle of what lies between.
    private static string Arrow(
        IReadOnlyList<(double X, double Y)> path,
        int boxHeight,
        string word
    )
    {
        var half = boxHeight / 2.0;
        var data = Text($"M{path[0].X + BoxWidth:0.#} {path[0].Y + half:0.#}");
        for (var i = 1; i < path.Count; i++)
        {
            var from = (X: path[i - 1].X + BoxWidth, Y: path[i - 1].Y + half);
            var to = (path[i].X, Y: path[i].Y + half);
            var bend = ColumnGap / 2.0;
            data += Text(
                $"C{from.X + bend:0.#} {from.Y:0.#} {to.X - bend:0.#} {to.Y:0.#} {to.X:0.#} {to.Y:0.#}"
            );
            if (i < path.Count - 1)
            {
                data += Text($"h{BoxWidth}");
            }
        }

        var dash = word.Length == 0 ? "" : " stroke-dasharray=\"5 3\"";
        var title = word.Length == 0 ? "" : $"<title>{Escape(word)}</title>";
        return $"<path d=\"{data}\" fill=\"none\" stroke=\"#64748b\" marker-end=\"url(#end)\"{dash}>{title}</path>";
    }

    private static string Cut(string text)
    {
        var line = Terminal.OneLine(text);
        return Terminal.Truncate(line, LongestLine, "…");
    }

    private static string Escape(string text) => SecurityElement.Escape(Terminal.Clean(text));

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>Where something stands; rows count from the top of their column.</summary>
    private sealed class Place(int column)
    {
        public int Column { get; } = column;
        public int Row { get; set; }
        public double Wish { get; set; }
        public List<Place> Before { get; } = [];
        public List<Place> After { get; } = [];
    }

    private sealed class Layout
    {
        public List<List<Place>> Columns { get; } = [];
        public Dictionary<string, Place> PlaceOf { get; } = new(StringComparer.Ordinal);
        public List<(IReadOnlyList<Place> Path, string Word)> Arrows { get; } = [];

        public static Layout Of(IReadOnlyList<Box> boxes)
        {
            var layout = new Layout();
            var column = ColumnsOf(boxes);
            foreach (var box in boxes)
            {
                layout.PlaceOf[box.Key] = layout.Put(column[box.Key]);
            }

            var places = 0;
            foreach (var (from, to, word) in Diagram.Arrows(boxes))
            {
                var path = new List<Place> { layout.PlaceOf[from] };
                var end = layout.PlaceOf[to];
                for (var c = path[0].Column + 1; c < end.Column && places < MostPlaces; c++)
                {
                    path.Add(layout.Put(c));
                    places++;
                }

                path.Add(end);
                for (var i = 1; i < path.Count; i++)
                {
                    path[i - 1].After.Add(path[i]);
                    path[i].Before.Add(path[i - 1]);
                }

                layout.Arrows.Add((path, word));
            }

            for (var sweep = 0; sweep < Sweeps; sweep++)
            {
                layout.Sort(forwards: sweep % 2 == 0);
            }

            return layout;
        }

        // The longest way to each; what waits for itself in a ring stays in the first column.
        private static Dictionary<string, int> ColumnsOf(IReadOnlyList<Box> boxes)
        {
            var column = boxes.ToDictionary(
                static b => b.Key,
                static _ => 0,
                StringComparer.Ordinal
            );
            var arrows = Diagram.Arrows(boxes).ToList();
            var waits = arrows
                .GroupBy(static a => a.To, StringComparer.Ordinal)
                .ToDictionary(static g => g.Key, static g => g.Count(), StringComparer.Ordinal);
            var next = arrows.ToLookup(
                static a => a.From,
                static a => a.To,
                StringComparer.Ordinal
            );
            var ready = new Queue<string>(
                boxes.Select(static b => b.Key).Where(k => !waits.ContainsKey(k))
            );
            while (ready.TryDequeue(out var key))
            {
                foreach (var to in next[key])
                {
                    column[to] = Math.Max(column[to], column[key] + 1);
                    if (--waits[to] == 0)
                    {
                        ready.Enqueue(to);
                    }
                }
            }

            return column;
        }

        private Place Put(int column)
        {
            while (Columns.Count <= column)
            {
                Columns.Add([]);
            }

            var place = new Place(column) { Row = Columns[column].Count };
            Columns[column].Add(place);
            return place;
        }

        private void Sort(bool forwards)
        {
            var columns = forwards ? Columns : Enumerable.Reverse(Columns);
            foreach (var column in columns)
            {
                foreach (var place in column)
                {
                    var joined = forwards ? place.Before : place.After;
                    place.Wish = joined.Count == 0 ? place.Row : joined.Average(static p => p.Row);
                }

                var sorted = column.OrderBy(static p => p.Wish).ToList();
                column.Clear();
                column.AddRange(sorted);
                for (var i = 0; i < column.Count; i++)
                {
                    column[i].Row = i;
                }
            }
        }
    }
}
