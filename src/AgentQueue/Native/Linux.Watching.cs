using System.Runtime.InteropServices;

namespace AgentQueue.Native;

/// <summary>inotify(7) for many folders at once, each change told by itself.</summary>
internal static unsafe partial class Linux
{
    public const uint IN_MOVED_FROM = 0x40;
    public const uint IN_DELETE_SELF = 0x400;
    public const uint IN_MOVE_SELF = 0x800;
    public const uint IN_Q_OVERFLOW = 0x4000;
    public const uint IN_IGNORED = 0x8000;
    public const uint IN_ONLYDIR = 0x100_0000;
    public const uint IN_DONT_FOLLOW = 0x200_0000;
    public const uint IN_ISDIR = 0x4000_0000;

    /// <summary>One notification; the name is of what it is about in the watched folder, and may be empty.</summary>
    public delegate void ChangeVisitor(int watch, uint what, ReadOnlySpan<byte> name);

    /// <summary>
    /// The number of the watch, of which a folder has one however often it is asked for; −1 and errno.
    /// </summary>
    public static int WatchFolder(int fd, string path, uint mask) =>
        InotifyAddWatch(fd, path, mask | IN_ONLYDIR | IN_DONT_FOLLOW);

    /// <summary>Ends a watch; nothing if the kernel has done so already.</summary>
    public static void EndWatch(int fd, int watch) => _ = InotifyRemoveWatch(fd, watch);

    /// <summary>Hands out what has come, at most a buffer full; false if there was nothing.</summary>
    public static bool ReadChanges(int fd, byte[] buffer, ChangeVisitor visitor)
    {
        // struct inotify_event: watch (4), mask (4), cookie (4), length of the name with its zeros (4), name.
        const int NameAt = 16;
        fixed (byte* start = buffer)
        {
            // SAFETY: the buffer is pinned, and the kernel fills it with whole events up to its length.
            var filled = Libc.Read(fd, start, buffer.Length);
            for (nint at = 0; at < filled; )
            {
                var change = start + at;
                var length = *(int*)(change + 12);
                var name = new ReadOnlySpan<byte>(change + NameAt, length);
                var end = name.IndexOf((byte)0);
                visitor(*(int*)change, *(uint*)(change + 4), end < 0 ? name : name[..end]);
                at += NameAt + length;
            }

            return filled > 0;
        }
    }

    [LibraryImport(Library, EntryPoint = "inotify_rm_watch", SetLastError = true)]
    private static partial int InotifyRemoveWatch(int fd, int watch);
}
