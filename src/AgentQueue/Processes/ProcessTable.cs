using System.Buffers;
using System.Globalization;
using System.IO.Enumeration;
using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>One process, as the system lists it.</summary>
internal readonly record struct ProcessEntry(int Pid, int Parent, long StartTicks, bool IsZombie);

/// <summary>Reading the system's list of processes.</summary>
internal static partial class ProcessTable
{
    /// <summary>The entry of one process, or null if there is none or the system does not tell.</summary>
    public static ProcessEntry? Read(int pid) => OperatingSystem.IsLinux() ? ReadLinux(pid) : null;

    /// <summary>Every process that can be seen.</summary>
    public static List<ProcessEntry> All()
    {
        var all = new List<ProcessEntry>(256);
        if (!OperatingSystem.IsLinux())
        {
            return all;
        }

        foreach (var pid in Pids())
        {
            if (ReadLinux(pid) is { } entry)
            {
                all.Add(entry);
            }
        }

        return all;
    }

    /// <summary>True if the process's environment holds this entry (<c>KEY=VALUE</c>); false if it may not be read.</summary>
    public static bool HasEnvironment(int pid, string entry)
    {
        var content = ReadProc(pid, "environ", 1 << 20);
        return content is not null && Contains(content, Encoding.UTF8.GetBytes(entry));
    }

    /// <summary>True if the process has this file open; false if that may not be seen.</summary>
    public static bool HasOpen(int pid, string path)
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

    /// <summary>True if the process runs the same executable as this one.</summary>
    public static bool IsThisProgram(int pid)
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

    /// <summary>The value of a variable in the process's environment; null if it has none or may not be read.</summary>
    public static string? EnvironmentValue(int pid, string name)
    {
        ReadOnlySpan<byte> environment = ReadProc(pid, "environ", 1 << 20);
        var key = Encoding.UTF8.GetBytes(name + "=");
        while (!environment.IsEmpty)
        {
            var end = environment.IndexOf((byte)0);
            var item = end < 0 ? environment : environment[..end];
            if (item.StartsWith(key))
            {
                return Encoding.UTF8.GetString(item[key.Length..]);
            }

            environment = end < 0 ? [] : environment[(end + 1)..];
        }

        return null;
    }

    /// <summary>The process's command line, NUL-separated; empty if it may not be read.</summary>
    public static string CommandLine(int pid) =>
        ReadProc(pid, "cmdline", 4096) is { } content ? Encoding.UTF8.GetString(content) : "";

    private static bool Contains(ReadOnlySpan<byte> environment, ReadOnlySpan<byte> entry)
    {
        while (!environment.IsEmpty)
        {
            var end = environment.IndexOf((byte)0);
            var item = end < 0 ? environment : environment[..end];
            if (item.SequenceEqual(entry))
            {
                return true;
            }

            environment = end < 0 ? [] : environment[(end + 1)..];
        }

        return false;
    }

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
