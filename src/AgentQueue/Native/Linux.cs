using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace AgentQueue.Native;

/// <summary>What only Linux has.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class Linux
{
    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    private static partial int Prctl(int option, nint a2, nint a3, nint a4, nint a5);

    /// <summary>Orphaned descendants become children of this process instead of init's.</summary>
    public static bool BecomeSubreaper() => Prctl(36, 1, 0, 0, 0) == 0;

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SysCall(nint number, nint a1, nint a2, nint a3, nint a4);

    // The same numbers on every architecture: they are younger than the common table.
    private const int PidfdSendSignal = 424;
    private const int PidfdOpen = 434;

    /// <summary>A descriptor for a process, or −1. It leads to that process and to no later owner of the number.</summary>
    public static int OpenProcess(int pid) => (int)SysCall(PidfdOpen, pid, 0, 0, 0);

    public static bool Signal(int pidfd, int signal) =>
        SysCall(PidfdSendSignal, pidfd, signal, 0, 0) == 0;

    private static nint GetDents64 =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 61 : 217;

    /// <summary>The next entries of an open folder, as getdents64(2) lays them out: the bytes filled, 0 at
    /// the end, negative with errno set.</summary>
    public static nint ListFolder(int fd, byte* buffer, int length) =>
        SysCall(GetDents64, fd, (nint)buffer, length, 0);

    /// <summary>
    /// The first eight digits of the id that the kernel drew when it started (random(4)), as they are; 0 where
    /// /proc does not tell it.
    /// </summary>
    public static ulong Boot()
    {
        var fd = Libc.Open("/proc/sys/kernel/random/boot_id", Libc.O_RDONLY);
        if (fd < 0)
        {
            return 0;
        }

        ulong digits;
        // SAFETY: the kernel fills no more than the length.
        var length = Libc.Read(fd, (byte*)&digits, sizeof(ulong));
        _ = Libc.Close(fd);
        return length == sizeof(ulong) ? digits : 0;
    }

    [LibraryImport(Library, EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int InotifyInit(int flags);

    [LibraryImport(
        Library,
        EntryPoint = "inotify_add_watch",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int InotifyAddWatch(int fd, string path, uint mask);

    public const uint IN_MODIFY = 0x2;
    public const uint IN_ATTRIB = 0x4;
    public const uint IN_CLOSE_WRITE = 0x8;
    public const uint IN_MOVED_TO = 0x80;
    public const uint IN_CREATE = 0x100;
    public const uint IN_DELETE = 0x200;

    /// <summary>A descriptor that becomes readable when something happens to a path that it watches; −1 if
    /// the system has none left, and the caller falls back to looking from time to time.</summary>
    public static int OpenWatch() => InotifyInit(Libc.O_CLOEXEC | Libc.O_NONBLOCK);

    /// <summary>Adds a path to a watching descriptor; false if it cannot be watched.</summary>
    public static bool AlsoWatch(int fd, string path, uint mask) =>
        fd >= 0 && InotifyAddWatch(fd, path, mask) >= 0;

    /// <summary>Reads away whatever a watching or signal descriptor holds.</summary>
    public static void Drain(int fd)
    {
        var buffer = stackalloc byte[4096];
        while (Libc.Read(fd, buffer, 4096) > 0) { }
    }

    [LibraryImport(Library, EntryPoint = "signalfd", SetLastError = true)]
    private static partial int SignalFd(int fd, void* mask, int flags);

    [LibraryImport(Library, EntryPoint = "sigemptyset")]
    private static partial int SigEmptySet(void* set);

    [LibraryImport(Library, EntryPoint = "sigaddset")]
    private static partial int SigAddSet(void* set, int signal);

    /// <summary>
    /// A descriptor on which TERM, INT and QUIT are read. They must be blocked in every thread, which
    /// <see cref="Spawn"/> sees to before this program starts.
    /// </summary>
    public static int OpenEndSignals()
    {
        var set = stackalloc byte[128];
        _ = SigEmptySet(set);
        _ = SigAddSet(set, Posix.SIGTERM);
        _ = SigAddSet(set, Posix.SIGINT);
        _ = SigAddSet(set, Posix.SIGQUIT);
        return SignalFd(-1, set, Libc.O_CLOEXEC | Libc.O_NONBLOCK);
    }

    [LibraryImport(Library, EntryPoint = "close_range", SetLastError = true)]
    private static partial int CloseRange(uint first, uint last, int flags);

    /// <summary>Marks every descriptor from <paramref name="first"/> on close-on-exec.</summary>
    public static bool SealDescriptors(int first)
    {
        const int CLOSE_RANGE_CLOEXEC = 4;
        try
        {
            return CloseRange((uint)first, uint.MaxValue, CLOSE_RANGE_CLOEXEC) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            // A C library older than the call; the caller seals them one by one.
            return false;
        }
    }
}
