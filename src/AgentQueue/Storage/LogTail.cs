using System.Text;

namespace AgentQueue.Storage;

/// <summary>The end of a log, without reading the rest of it.</summary>
internal static class LogTail
{
    /// <summary>
    /// The last <paramref name="lines"/> lines that are not blank, at most <paramref name="longest"/>
    /// characters of them; empty if there is no log. For a message, not for showing a log.
    /// </summary>
    /// <param name="from">The byte of the log before which nothing is read.</param>
    public static string Lines(string path, int lines, int longest, long from = 0)
    {
        try
        {
            using var file = new FileStream(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete
            );
            file.Seek(Math.Max(from, file.Length - (4L * longest)), SeekOrigin.Begin);
            using var reader = new StreamReader(file, Encoding.UTF8);
            var last = reader
                .ReadToEnd()
                .Split(
                    '\n',
                    StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
                );
            var text = string.Join('\n', last[Math.Max(0, last.Length - lines)..]);
            return text.Length <= longest
                ? text
                : string.Concat(
                    "…",
                    text.AsSpan(
                        text.Length - longest + (char.IsLowSurrogate(text[^longest]) ? 1 : 0)
                    )
                );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The exit code is the fact; the tail only helps to read it.
            return "";
        }
    }
}
