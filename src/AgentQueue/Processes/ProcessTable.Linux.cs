using System.Buffers;
using System.Globalization;
using System.IO.Enumeration;
using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

internal static partial class ProcessTable
{
    [SupportedOSPlatform("linux")]
    private static List<ProcessEntry> AllLinux()
    {
        var all = new List<ProcessEntry>(256);
        foreach (var pid in Pids())
        {
            if (ReadLinux(pid) is { } entry)
            {
                all.Add(entry);
            }
        }

        return all;
    }

    [SupportedOSPlatform("linux")]
    private static FileSystemEnumerable<int> Pids() =>
        new FileSystemEnumerable<int>(
            "/proc",
            static (ref entry) => Number(entry.FileName),
            new EnumerationOptions { AttributesToSkip = 0 }
        )
        {
            ShouldIncludePredicate = static (ref entry) => Number(entry.FileName) > 0,
        };

    private static int Number(ReadOnlySpan<char> name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0;

    // The command in field 2 may itself hold blanks and parentheses: fields count from the last ')'.
    [SupportedOSPlatform("linux")]
    private static ProcessEntry? ReadLinux(int pid)
    {
        var content = ReadProc(pid, "stat", 4096);
        if (content is null)
        {
            return null;
        }

        ReadOnlySpan<byte> text = content;
        var close = text.LastIndexOf((byte)')');
        if (close < 0 || close + 2 >= text.Length)
        {
            return null;
        }

        text = text[(close + 2)..];
        var state = text[0];
        long parent = 0;
        long start = 0;
        for (var field = 3; field <= 22; field++)
        {
            var space = text.IndexOf((byte)' ');
            if (space < 0)
            {
                return null;
            }

            if (field == 4)
            {
                _ = System.Buffers.Text.Utf8Parser.TryParse(text, out parent, out _);
            }
            else if (field == 22)
            {
                _ = System.Buffers.Text.Utf8Parser.TryParse(text, out start, out _);
            }

            text = text[(space + 1)..];
        }

        return new ProcessEntry(pid, (int)parent, start, state is (byte)'Z' or (byte)'X');
    }

    /// <summary>
    /// True if this process has a child beside that one, or if that cannot be told. Supervisors that it has
    /// started do not count: they go on.
    /// </summary>
    [SupportedOSPlatform("linux")]
    public static bool HasOtherChild(int pid)
    {
        try
        {
            var self = Environment.ProcessId;
            var found = false;
            var threads = Directory.EnumerateDirectories(
                string.Create(CultureInfo.InvariantCulture, $"/proc/{self}/task")
            );
            foreach (var thread in threads)
            {
                // Null: a kernel without that list, or a thread that has just ended.
                var children = ReadProc(self, $"task/{Path.GetFileName(thread)}/children", 1 << 20);
                found |= children is null || ListsAnother(children, pid);
            }

            return found;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Our own threads cannot be listed: look at everything.
            return true;
        }
    }

    private static bool ListsAnother(ReadOnlySpan<byte> children, int pid)
    {
        foreach (var range in children.Split((byte)' '))
        {
            var word = children[range];
            if (
                !word.IsEmpty
                && !(
                    System.Buffers.Text.Utf8Parser.TryParse(word, out int child, out _)
                    && (child == pid || DetachedLaunch.StandsApart(child))
                )
            )
            {
                return true;
            }
        }

        return false;
    }

    [SupportedOSPlatform("linux")]
    private static bool HasOpenLinux(int pid, string path)
    {
        try
        {
            foreach (
                var fd in Directory.EnumerateFiles(
                    string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd")
                )
            )
            {
                if (new FileInfo(fd).LinkTarget == path)
                {
                    return true;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone meanwhile, or another user's: then it cannot hold a file of this user's queue.
        }

        return false;
    }

    [SupportedOSPlatform("linux")]
    private static bool IsThisProgramLinux(int pid)
    {
        try
        {
            return new FileInfo(
                    string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/exe")
                ).LinkTarget == new FileInfo("/proc/self/exe").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone, or not to be seen: then it is not known to be ours.
            return false;
        }
    }

    [SupportedOSPlatform("linux")]
    private static unsafe byte[]? ReadProc(int pid, string file, int limit)
    {
        var fd = Libc.Open(
            string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{file}"),
            Libc.O_RDONLY
        );
        if (fd < 0)
        {
            return null;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(limit, 16384));
        try
        {
            var length = 0;
            while (length < limit)
            {
                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 2, limit));
                    buffer.CopyTo(larger, 0);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }

                fixed (byte* start = buffer)
                {
                    var n = Libc.Read(fd, start + length, buffer.Length - length);
                    if (n <= 0)
                    {
                        break;
                    }

                    length += (int)n;
                }
            }

            return buffer[..length];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _ = Libc.Close(fd);
        }
    }
}
