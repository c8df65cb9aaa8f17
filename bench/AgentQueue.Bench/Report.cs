using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AgentQueue.Bench;

/// <summary>The results, for people as Markdown and for programs as JSON.</summary>
internal static class Report
{
    public static string Markdown(IReadOnlyList<Figure> figures, IReadOnlyList<Gap> gaps)
    {
        var text = new StringBuilder();
        text.Append("| Figure | Median | Middle half | Runs | Target | |\n");
        text.Append("|---|---:|---:|---:|---:|---|\n");
        foreach (var f in figures)
        {
            var (low, high) = f.Samples.Spread;
            var target = f.Target is { } t ? $"≤ {Number(t)} {f.Unit}" : "";
            var verdict =
                f.Target is null ? ""
                : f.IsMet ? "met"
                : "**missed**";
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {f.Name} | {Number(f.Samples.Median)} {f.Unit} | {Number(low)} to {Number(high)} "
            );
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {f.Samples.Count} | {target} | {verdict} |\n"
            );
        }

        foreach (var gap in gaps)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {gap.Name} | | | | | not measured: {gap.Reason.ReplaceLineEndings(" ")} |\n"
            );
        }

        return text.ToString();
    }

    public static string Json(IReadOnlyList<Figure> figures, IReadOnlyList<Gap> gaps)
    {
        using var stream = new MemoryStream();
        // The text goes to a terminal or a file, never into a page: signs like × may stay as they are.
        var options = new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using (var json = new Utf8JsonWriter(stream, options))
        {
            json.WriteStartObject();
            json.WriteNumber("version", 1);
            json.WriteStartArray("figures");
            foreach (var f in figures)
            {
                var (low, high) = f.Samples.Spread;
                json.WriteStartObject();
                json.WriteString("name", f.Name);
                json.WriteString("unit", f.Unit);
                json.WriteNumber("median", Math.Round(f.Samples.Median, 3));
                json.WriteNumber("low", Math.Round(low, 3));
                json.WriteNumber("high", Math.Round(high, 3));
                json.WriteNumber("runs", f.Samples.Count);
                if (f.Target is { } target)
                {
                    json.WriteNumber("target", target);
                    json.WriteBoolean("met", f.IsMet);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("gaps");
            foreach (var gap in gaps)
            {
                json.WriteStartObject();
                json.WriteString("name", gap.Name);
                json.WriteString("reason", gap.Reason);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }

    private static string Number(double value) =>
        value.ToString(
            value >= 100 ? "0"
                : value >= 10 ? "0.#"
                : "0.##",
            CultureInfo.InvariantCulture
        );
}
