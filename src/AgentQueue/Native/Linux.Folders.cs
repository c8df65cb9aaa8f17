using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace AgentQueue.Native;

/// <summary>
/// Files by their name in an open folder: what is swapped on the way to it meanwhile changes nothing. Names
/// are bytes and end with a zero.
/// </summary>
internal static unsafe partial class Linux
{
    /// <summary>The folder itself, which needs only the right to pass through it.</summary>
    public const int O_PATH = 0x20_0000;

    /// <summary>What getdents64(2) says of a name; 0 where the file system does not tell.</summary>
    public const byte DT_DIR = 4;
    public const byte DT_REG = 8;
    public const byte DT_LNK = 10;

    /// <returns>False to stop.</returns>
    public delegate bool EntryVisitor(ReadOnlySpan<byte> name, byte type);

    /// <summary>Every name of an open folder but itself and its parent; false with errno set if it cannot be read.</summary>
    /// <param name="buffer">To be used again and again by who visits many; at least a few KiB.</param>
    public static bool VisitFolder(int fd, EntryVisitor visitor, byte[]? buffer = null)
    {
        // struct linux_dirent64: inode (8), position (8), length (2), type (1), name.
        const int LengthAt = 16;
        const int TypeAt = 18;
        const int NameAt = 19;
        buffer ??= new byte[32 << 10];
        fixed (byte* start = buffer)
        {
            while (true)
            {
                // SAFETY: the buffer is pinned, and the kernel fills no more than its length.
                var filled = ListFolder(fd, start, buffer.Length);
                if (filled <= 0)
                {
                    return filled == 0;
                }

                for (var at = 0; at < filled; )
                {
                    var entry = buffer.AsSpan(at, (int)filled - at);
                    var length = BinaryPrimitives.ReadUInt16LittleEndian(entry[LengthAt..]);
                    var name = entry[NameAt..length];
                    name = name[..name.IndexOf((byte)0)];
                    if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    {
                        if (!visitor(name, entry[TypeAt]))
                        {
                            return true;
                        }
                    }

                    at += length;
                }
            }
        }
    }

    /// <summary>openat(2), tried again after a signal; −1 and errno on failure. Always close-on-exec.</summary>
    public static int OpenIn(int folder, ReadOnlySpan<byte> name, int flags, int mode = 0)
    {
        // SAFETY: the name is pinned for the call and ends with a zero.
        fixed (byte* start = name)
        {
            while (true)
            {
                var fd = OpenAt(folder, start, flags | Libc.O_CLOEXEC, mode);
                if (fd >= 0 || Marshal.GetLastPInvokeError() != Libc.EINTR)
                {
                    return fd;
                }
            }
        }
    }

    public static int MakeFolderIn(int folder, ReadOnlySpan<byte> name, int mode)
    {
        fixed (byte* start = name)
        {
            return MakeFolderAt(folder, start, mode);
        }
    }

    public static int UnlinkIn(int folder, ReadOnlySpan<byte> name)
    {
        fixed (byte* start = name)
        {
            return UnlinkAt(folder, start, 0);
        }
    }

    public static int RenameIn(
        int fromFolder,
        ReadOnlySpan<byte> from,
        int toFolder,
        ReadOnlySpan<byte> to
    )
    {
        fixed (byte* start = from)
        fixed (byte* target = to)
        {
            return RenameAt(fromFolder, start, toFolder, target);
        }
    }

    /// <summary>
    /// Copies inside the kernel, sharing blocks where the file system can; the bytes copied, or −1 and errno.
    /// </summary>
    public static nint CopyRange(int from, long at, int to, long count)
    {
        try
        {
            return CopyFileRange(from, &at, to, null, (nuint)count, 0);
        }
        catch (EntryPointNotFoundException)
        {
            // A C library older than the call; the caller copies by itself.
            Marshal.SetLastPInvokeError(Libc.ENOSYS);
            return -1;
        }
    }

    /// <summary>Sets the times of an open file.</summary>
    public static bool SetTime(int fd, long ns)
    {
        const long Second = 1_000_000_000;
        var rest = ((ns % Second) + Second) % Second;
        var seconds = (ns - rest) / Second;
        // SAFETY: two timespecs of two 64-bit words each, which is what every 64-bit Linux has.
        var times = stackalloc long[] { seconds, rest, seconds, rest };
        return FUTimeNs(fd, times) == 0;
    }

    [LibraryImport(Library, EntryPoint = "openat", SetLastError = true)]
    private static partial int OpenAt(int folder, byte* name, int flags, int mode);

    [LibraryImport(Library, EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int MakeFolderAt(int folder, byte* name, int mode);

    [LibraryImport(Library, EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int UnlinkAt(int folder, byte* name, int flags);

    [LibraryImport(Library, EntryPoint = "renameat", SetLastError = true)]
    private static partial int RenameAt(int fromFolder, byte* from, int toFolder, byte* to);

    [LibraryImport(Library, EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint CopyFileRange(
        int from,
        long* fromAt,
        int to,
        long* toAt,
        nuint count,
        uint flags
    );

    [LibraryImport(Library, EntryPoint = "futimens", SetLastError = true)]
    private static partial int FUTimeNs(int fd, long* times);
}
