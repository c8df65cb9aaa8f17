using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace AgentQueue.Native;

/// <summary>What only macOS has: its list of processes, and kqueue for everything that one may wait for.</summary>
[SupportedOSPlatform("macos")]
internal static unsafe partial class MacOs
{
    private const string Library = "libc";

    [LibraryImport("libproc", EntryPoint = "proc_listallpids", SetLastError = true)]
    private static partial int ListAllPids(int* pids, int size);

    [LibraryImport("libproc", EntryPoint = "proc_pidinfo", SetLastError = true)]
    private static partial int PidInfo(int pid, int flavor, ulong argument, void* buffer, int size);

    [LibraryImport(Library, EntryPoint = "sysctl", SetLastError = true)]
    private static partial int SysCtl(
        int* name,
        uint length,
        void* old,
        nuint* oldSize,
        void* value,
        nuint size
    );

    [LibraryImport(
        Library,
        EntryPoint = "sysctlbyname",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int SysCtlByName(
        string name,
        void* old,
        nuint* oldSize,
        void* value,
        nuint size
    );

    /// <summary>The numbers of all processes.</summary>
    public static int[] Pids()
    {
        var pids = new int[1024];
        while (true)
        {
            int count;
            // SAFETY: the size in bytes is that of the pinned array.
            fixed (int* start = pids)
            {
                count = ListAllPids(start, pids.Length * sizeof(int));
            }

            if (count < pids.Length)
            {
                return count <= 0 ? [] : pids[..count];
            }

            pids = new int[pids.Length * 2];
        }
    }

    /// <summary>What stands about a process in <c>proc_bsdinfo</c>; null if there is none or it is hidden.</summary>
    /// <param name="WaitStatus">As from wait(2), once it is a zombie.</param>
    public readonly record struct BsdInfo(
        int Parent,
        long StartMicroseconds,
        bool IsZombie,
        int WaitStatus
    );

    public static BsdInfo? Info(int pid)
    {
        const int PROC_PIDTBSDINFO = 3;
        const int Size = 136;
        const ulong AlsoZombies = 1;
        const int SZOMB = 5;
        var info = stackalloc byte[Size];
        // SAFETY: PROC_PIDTBSDINFO fills one proc_bsdinfo, 136 bytes on both architectures: pbi_status at 4,
        // pbi_xstatus at 8, pbi_ppid at 16, pbi_start_tvsec at 120 and pbi_start_tvusec at 128.
        return PidInfo(pid, PROC_PIDTBSDINFO, AlsoZombies, info, Size) != Size
            ? null
            : new BsdInfo(
                *(int*)(info + 16),
                unchecked((*(long*)(info + 120) * 1_000_000) + *(long*)(info + 128)),
                *(uint*)(info + 4) == SZOMB,
                *(int*)(info + 8)
            );
    }

    /// <summary>
    /// The memory in which a process got its arguments and environment: the number of arguments, the
    /// program's path, padding, the arguments, the environment, each ended by a NUL. Null if it is hidden.
    /// </summary>
    public static byte[]? Arguments(int pid)
    {
        const int CTL_KERN = 1;
        const int KERN_PROCARGS2 = 49;
        const int KERN_ARGMAX = 1 << 20;
        var name = stackalloc int[] { CTL_KERN, KERN_PROCARGS2, pid };
        var buffer = ArrayPool<byte>.Shared.Rent(KERN_ARGMAX);
        try
        {
            var size = (nuint)buffer.Length;
            // SAFETY: the kernel writes at most `size` bytes and says how many there are.
            fixed (byte* start = buffer)
            {
                return SysCtl(name, 3, start, &size, null, 0) == 0 ? buffer[..(int)size] : null;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A text that the kernel keeps under a name; null if it does not.</summary>
    public static string? Text(string name)
    {
        var buffer = stackalloc byte[256];
        nuint size = 255;
        // SAFETY: the kernel writes at most `size` bytes, so the last one stays a NUL.
        buffer[255] = 0;
        return SysCtlByName(name, buffer, &size, null, 0) == 0
            ? Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(buffer))
            : null;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Event
    {
        public nuint Ident;
        public short Filter;
        public ushort Flags;
        public uint FilterFlags;
        public nint Data;
        public nint UserData;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    private const short EVFILT_VNODE = -4;
    private const short EVFILT_PROC = -5;
    private const short EVFILT_SIGNAL = -6;
    private const ushort EV_ADD = 0x1;
    private const ushort EV_ONESHOT = 0x10;
    private const ushort EV_CLEAR = 0x20;
    private const uint NOTE_EXIT = 0x8000_0000;
    private const uint NOTE_ATTRIB = 0x8;

    [LibraryImport(Library, EntryPoint = "kqueue", SetLastError = true)]
    private static partial int KQueue();

    [LibraryImport(Library, EntryPoint = "kevent", SetLastError = true)]
    private static partial int KEvent(
        int queue,
        Event* changes,
        int changeCount,
        Event* events,
        int eventCount,
        TimeSpec* timeout
    );

    [LibraryImport(Library, EntryPoint = "sigpending")]
    private static partial int SigPending(uint* set);

    [Flags]
    public enum Happened
    {
        None = 0,
        ProcessEnded = 1,
        Knocked = 2,
        Signalled = 4,
    }

    /// <summary>A queue of events, close-on-exec; −1 if there is none to be had.</summary>
    public static int OpenEvents()
    {
        const int F_SETFD = 2;
        var queue = KQueue();
        if (queue >= 0)
        {
            _ = Libc.Fcntl(queue, F_SETFD, 1);
        }

        return queue;
    }

    /// <summary>
    /// Also tells of TERM, INT and QUIT. The queue sees them although they are blocked, which
    /// <see cref="Spawn"/> sees to before this program starts.
    /// </summary>
    public static void AddEndSignals(int queue)
    {
        foreach (var signal in (ReadOnlySpan<int>)[Posix.SIGTERM, Posix.SIGINT, Posix.SIGQUIT])
        {
            Add(queue, (nuint)signal, EVFILT_SIGNAL, EV_ADD | EV_CLEAR, 0);
        }
    }

    /// <summary>True if one of those signals came before the queue was there.</summary>
    public static bool IsToldToEnd()
    {
        uint pending = 0;
        // SAFETY: sigset_t is one 32-bit number here.
        _ = SigPending(&pending);
        const uint Mask =
            (1u << (Posix.SIGTERM - 1)) | (1u << (Posix.SIGINT - 1)) | (1u << (Posix.SIGQUIT - 1));
        return (pending & Mask) != 0;
    }

    /// <summary>Also tells of a process's end, once; false if it has ended already.</summary>
    public static bool AddProcess(int queue, int pid) =>
        Add(queue, (nuint)pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT);

    /// <summary>Also tells when the attributes of an open file change, until it is closed.</summary>
    public static bool AddKnock(int queue, int fd) =>
        Add(queue, (nuint)fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_ATTRIB);

    /// <summary>A descriptor for watching a file, which does not keep its disk from being ejected.</summary>
    public static int OpenToWatch(string path)
    {
        const int O_EVTONLY = 0x8000;
        return Libc.Open(path, O_EVTONLY | Libc.O_NOFOLLOW);
    }

    /// <summary>Waits for the next events, at most that long.</summary>
    public static Happened WaitFor(int queue, int milliseconds)
    {
        const int Most = 8;
        var events = stackalloc Event[Most];
        var timeout = new TimeSpec
        {
            Seconds = milliseconds / 1000,
            Nanoseconds = milliseconds % 1000 * 1_000_000L,
        };
        // SAFETY: the kernel fills at most the stated number of events.
        var count = KEvent(queue, null, 0, events, Most, &timeout);
        var happened = Happened.None;
        for (var i = 0; i < count; i++)
        {
            happened |= events[i].Filter switch
            {
                EVFILT_PROC => Happened.ProcessEnded,
                EVFILT_VNODE => Happened.Knocked,
                EVFILT_SIGNAL => Happened.Signalled,
                _ => Happened.None,
            };
        }

        return happened;
    }

    private static bool Add(int queue, nuint ident, short filter, ushort flags, uint filterFlags)
    {
        var change = new Event
        {
            Ident = ident,
            Filter = filter,
            Flags = flags,
            FilterFlags = filterFlags,
        };
        // SAFETY: one change, on this stack, as the count says; no room for events, so errors come by errno.
        return KEvent(queue, &change, 1, null, 0, null) == 0;
    }
}
