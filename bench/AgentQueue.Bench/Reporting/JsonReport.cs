using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AgentQueue.Bench;

/// <summary>The results for programs, as one JSON document.</summary>
internal static class JsonReport
{
    public static string Write(Findings findings)
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
            findings.Figures.ForEach(f => Write(json, f));
            json.WriteEndArray();
            json.WriteStartArray("points");
            foreach (var point in findings.Points)
            {
                json.WriteStartObject();
                json.WriteString("line", point.Line);
                json.WriteNumber("queueSize", point.QueueSize);
                json.WriteNumber("milliseconds", Math.Round(point.Milliseconds, 3));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("peers");
            foreach (var work in findings.Peers.Works)
            {
                json.WriteStartObject(work);
                foreach (var tool in findings.Peers.Tools)
                {
                    json.WriteString(tool, findings.Peers[work, tool]);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteStartArray("gaps");
            foreach (var gap in findings.Gaps)
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

    private static void Write(Utf8JsonWriter json, Figure figure)
    {
        var (low, high) = figure.Samples.Spread;
        json.WriteStartObject();
        json.WriteString("section", figure.Section);
        json.WriteString("name", figure.Name);
        json.WriteString("unit", figure.Unit);
        json.WriteNumber("median", Math.Round(figure.Samples.Median, 3));
        json.WriteNumber("low", Math.Round(low, 3));
        json.WriteNumber("high", Math.Round(high, 3));
        json.WriteNumber("runs", figure.Samples.Count);
        if (figure.Ratio is { } ratio)
        {
            json.WriteNumber("ratio", Math.Round(ratio.Median, 4));
        }

        if (figure.Target is { } target)
        {
            json.WriteNumber("target", Math.Round(target.Bound, 3));
            json.WriteBoolean("met", figure.IsMet);
        }

        json.WriteEndObject();
    }
}
