using System.Globalization;
using System.Text;
using AgentQueue.Native;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Storage;

/// <summary>
/// Keeps a log below its limit while the agent goes on writing to it. The newer half is copied over the
/// beginning, behind a line that says what is missing, and the file is cut after it. The agent appends, so
/// it goes on behind the copy, and no further space is needed, also on a disk that is full.
/// </summary>
/// <remarks>
/// What the agent writes between the last look and the cut is dropped too: nothing but stopping it could
/// keep that. A crash in between loses nothing; it leaves the newer half twice, in part.
/// </remarks>
internal static class LogLimit
{
    private const int Piece = 256 * 1024;

    // Below this, what is free may not hold an outcome; a log of less is not worth cutting.
    private const int LittleRoom = 64 * 1024;

    /// <returns>True if the log was cut.</returns>
    public static bool Apply(IDisk disk, string path, long limit)
    {
        if (limit <= 0 || disk.Facts(path) is not { IsRegular: true } facts || facts.Size <= limit)
        {
            return false;
        }

        return TryCut(path, limit, $"the log had reached logLimit, {limit >> 20} MiB");
    }

    /// <summary>Drops the older half of a log from a disk that is full: an outcome is worth more.</summary>
    /// <returns>True if there is room now.</returns>
    public static bool MakeRoom(IDisk disk, string path) =>
        disk.Facts(path) is { IsRegular: true, Size: >= 4 * LittleRoom } log
        && FileSystemFacts.Of(Path.GetDirectoryName(path)!) is { FreeBytes: < LittleRoom }
        && TryCut(path, log.Size, "the disk was full");

    private static bool TryCut(string path, long limit, string reason)
    {
        try
        {
            using var log = Open(path);
            Cut(log, limit, reason);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It stays longer than it should; the task matters more.
            return false;
        }
    }

    private static void Cut(SafeFileHandle log, long limit, string reason)
    {
        var buffer = new byte[Piece];
        var before = LogNote.Read(log);
        var from = RandomAccess.GetLength(log) - limit / 2;
        var first = RandomAccess.Read(log, buffer, from);
        // Half a line is no line, unless it is longer than anybody reads.
        from += buffer.AsSpan(0, first).IndexOf((byte)'\n') + 1;
        var dropped = before.Dropped + from - before.Length;

        long to = LogNote.FixedLength;
        int count;
        // An agent that writes faster than this copies must not keep us for ever.
        while (to < limit && (count = RandomAccess.Read(log, buffer, from)) > 0)
        {
            RandomAccess.Write(log, buffer.AsSpan(0, count), to);
            from += count;
            to += count;
        }

        RandomAccess.Write(log, LogNote.Text(dropped, reason), 0);
        RandomAccess.SetLength(log, to);
    }

    // An agent may have put a link in its log's place: what it leads to is not ours to cut.
    private static SafeFileHandle Open(string path)
    {
        const int ReadAndWrite = 2;
        if (OperatingSystem.IsWindows())
        {
            return File.OpenHandle(
                path,
                FileMode.Open,
                FileAccess.ReadWrite,
                FileShare.ReadWrite | FileShare.Delete
            );
        }

        var log = Libc.Open(path, ReadAndWrite | Libc.O_NOFOLLOW | Libc.O_NONBLOCK);
        return log >= 0
            ? new SafeFileHandle(log, ownsHandle: true)
            : throw new IOException($"Cannot open {path}");
    }
}

/// <summary>The line at the beginning of a log that was cut.</summary>
/// <param name="Dropped">Bytes of output that are missing.</param>
/// <param name="Length">Of the line itself; 0 if there is none.</param>
internal readonly record struct LogNote(long Dropped, int Length)
{
    /// <summary>Always the same, so that a reader who was at a byte finds it again.</summary>
    public const int FixedLength = 120;

    private static ReadOnlySpan<byte> Begin => "[agentq: "u8;

    public static byte[] Text(long dropped, string reason) =>
        Encoding.ASCII.GetBytes(
            string.Create(
                    CultureInfo.InvariantCulture,
                    $"[agentq: {dropped} bytes of older output were dropped here: {reason}]"
                )
                .PadRight(FixedLength - 1) + "\n"
        );

    public static LogNote Read(SafeFileHandle log)
    {
        Span<byte> line = stackalloc byte[FixedLength];
        return
            RandomAccess.Read(log, line, 0) == FixedLength
            && line.StartsWith(Begin)
            && line[^1] == '\n'
            && System.Buffers.Text.Utf8Parser.TryParse(
                line[Begin.Length..],
                out long dropped,
                out _
            )
            ? new LogNote(dropped, FixedLength)
            : default;
    }
}
