using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>Values as they are written into a configuration file.</summary>
internal static class ConfigText
{
    /// <summary>A JSON string, with only the escapes that JSON demands.</summary>
    public static string Quote(string text) =>
        $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>The shortest spelling that <see cref="Tasks.Duration"/> reads back as the same length: <c>90s</c>, <c>5m</c>, <c>30d</c>.</summary>
    public static string Length(TimeSpan length)
    {
        var seconds = (long)length.TotalSeconds;
        var (count, unit) = seconds switch
        {
            0 => (0, "s"),
            _ when seconds % 86400 == 0 => (seconds / 86400, "d"),
            _ when seconds % 3600 == 0 => (seconds / 3600, "h"),
            _ when seconds % 60 == 0 => (seconds / 60, "m"),
            _ => (seconds, "s"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
    }

    public static string Whole(int number) => number.ToString(CultureInfo.InvariantCulture);

    public static string Flag(bool flag) => flag ? "true" : "false";
}
