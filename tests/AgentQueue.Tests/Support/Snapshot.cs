using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace AgentQueue.Tests.Support;

/// <summary>
/// Compares text with a file beside the test, by the conventions of the Verify library, which can replace
/// this one file: <c>Class.Method.verified.txt</c> is what was accepted; a difference writes
/// <c>Class.Method.received.txt</c> next to it and fails. Accept by renaming the received file.
/// </summary>
internal static partial class Snapshot
{
    /// <param name="parameters">Tells the cases of a theory apart: <c>width=60</c>.</param>
    public static void Verify(
        string text,
        string? parameters = null,
        [CallerFilePath] string file = "",
        [CallerMemberName] string member = ""
    )
    {
        var suffix = parameters is null ? "" : "_" + parameters;
        var name = $"{Path.GetFileNameWithoutExtension(file)}.{member}{suffix}";
        var stem = Path.Join(Path.GetDirectoryName(file), name);
        var (verified, received) = ($"{stem}.verified.txt", $"{stem}.received.txt");
        var actual = Scrub(text);
        var expected = File.Exists(verified) ? Normalize(File.ReadAllText(verified)) : null;
        if (actual == expected)
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, actual);
        Assert.Fail(
            expected is null
                ? $"{name}.verified.txt does not exist. Received:\n{actual}"
                : $"{name}.verified.txt differs from what was received.\nExpected:\n{expected}\nReceived:\n{actual}"
        );
    }

    /// <summary>
    /// Replaces what differs from run to run by a name and a number in order of appearance: new ids (as
    /// long as they were, so that tables stay straight), times, pids, and folders for temporary files.
    /// </summary>
    internal static string Scrub(string text)
    {
        var scrubbed = Normalize(text);
        scrubbed = Number(scrubbed, TemporaryFolder(), n => $"{{TempFolder_{n}}}");
        scrubbed = Number(scrubbed, Id(), n => $"task_{n:d14}");
        scrubbed = Number(scrubbed, Time(), n => $"{{Time_{n}}}");
        return Number(scrubbed, Pid(), n => $"{{Pid_{n}}}");
    }

    private static string Normalize(string text) =>
        text.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n');

    private static string Number(string text, Regex pattern, Func<int, string> name)
    {
        var seen = new List<string>();
        return pattern.Replace(
            text,
            match =>
            {
                if (!seen.Contains(match.Value))
                {
                    seen.Add(match.Value);
                }

                return name(seen.IndexOf(match.Value) + 1);
            }
        );
    }

    private static Regex TemporaryFolder() =>
        new(Regex.Escape(Path.TrimEndingDirectorySeparator(Path.GetTempPath())) + @"[\\/][\w.-]+");

    [GeneratedRegex("task_[0-9a-hjkmnp-tv-z]{14}(?![0-9A-Za-z-])")]
    private static partial Regex Id();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")]
    private static partial Regex Time();

    [GeneratedRegex(@"(?<=\b[Pp](id|ID)""?[ :=]{1,3})\d+")]
    private static partial Regex Pid();
}
