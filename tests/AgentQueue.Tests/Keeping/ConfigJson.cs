using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AgentQueue.Tests.Keeping;

/// <summary>A configuration as JSON, whatever its keys mean.</summary>
internal static class ConfigJson
{
    /// <summary>The value at a path of names, without blanks between its parts.</summary>
    public static string Value(string file, params ReadOnlySpan<string> path)
    {
        using var document = JsonDocument.Parse(
            File.ReadAllBytes(file),
            new JsonDocumentOptions
            {
                AllowTrailingCommas = true,
                CommentHandling = JsonCommentHandling.Skip,
            }
        );
        var value = document.RootElement;
        foreach (var name in path)
        {
            value = value.GetProperty(name);
        }

        using var stream = new MemoryStream();
        using (
            var writer = new Utf8JsonWriter(
                stream,
                new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            )
        )
        {
            value.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
