using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AgentQueue.Bench;

/// <summary>
/// The ratios that were committed, each with the noise of the run that it comes from. The file has a line
/// for each, so that a change of one is a change of one line.
/// </summary>
internal sealed record Baseline(IReadOnlyList<BaselineRatio> Ratios)
{
    public static Baseline Of(IEnumerable<Figure> figures) =>
        new([
            .. from figure in figures
            let ratio = figure.Ratio
            where ratio is not null
            select new BaselineRatio(figure.Name, ratio.Median, ratio.Noise),
        ]);

    /// <exception cref="BenchException">There is none, or it is not understood.</exception>
    public static Baseline Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception e)
            when (e
                    is IOException
                        or JsonException
                        or KeyNotFoundException
                        or InvalidOperationException
            )
        {
            throw new BenchException(
                $"{path} cannot be read ({e.Message}); ./build.sh bench --update-baseline writes it"
            );
        }
    }

    public static Baseline Parse(string text)
    {
        using var json = JsonDocument.Parse(text);
        return new([
            .. json
                .RootElement.GetProperty("ratios")
                .EnumerateArray()
                .Select(r => new BaselineRatio(
                    r.GetProperty("name").GetString()!,
                    r.GetProperty("ratio").GetDouble(),
                    r.GetProperty("noise").GetDouble()
                )),
        ]);
    }

    public override string ToString()
    {
        var text = new StringBuilder("{\n  \"version\": 1,\n  \"ratios\": [\n");
        text.AppendJoin(",\n", Ratios.Select(Line));
        return text.Append("\n  ]\n}\n").ToString();
    }

    private static string Line(BaselineRatio ratio)
    {
        using var stream = new MemoryStream();
        using (
            var json = new Utf8JsonWriter(
                stream,
                new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            )
        )
        {
            json.WriteStartObject();
            json.WriteString("name", ratio.Name);
            json.WriteNumber("ratio", Math.Round(ratio.Ratio, 4));
            json.WriteNumber("noise", Math.Round(ratio.Noise, 4));
            json.WriteEndObject();
        }

        return "    " + Encoding.UTF8.GetString(stream.ToArray());
    }
}

/// <param name="Noise">How far a measurement usually lay from the median, as a part of it.</param>
internal sealed record BaselineRatio(string Name, double Ratio, double Noise);
