using System.Runtime.InteropServices;

namespace AgentQueue.Bench;

/// <summary>The calls of Linux's C library that the bench needs; 64-bit layouts.</summary>
internal static partial class Native
{
    public const int ReadWrite = 2;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const int Create = 0x40;
    public const int Truncate = 0x200;
    public const int WriteOnly = 1;
    public const short PollIn = 1;
    public const int Kill = 9;

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    public static unsafe partial int Spawn(
        out int pid,
        string path,
        byte* fileActions,
        byte* attributes,
        byte** arguments,
        byte** environment
    );

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    public static unsafe partial int InitFileActions(byte* fileActions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    public static unsafe partial int DestroyFileActions(byte* fileActions);

    [LibraryImport(
        "libc",
        EntryPoint = "posix_spawn_file_actions_addopen",
        StringMarshalling = StringMarshalling.Utf8
    )]
    public static unsafe partial int AddOpen(
        byte* fileActions,
        int descriptor,
        string path,
        int flags,
        uint mode
    );

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    public static partial int Wait(int pid, out int status, int options, out Usage usage);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Signal(int pid, int signal);

    [LibraryImport(
        "libc",
        EntryPoint = "mkfifo",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    public static partial int MakeFifo(string path, uint mode);

    [LibraryImport(
        "libc",
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static unsafe partial nint Read(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(ref PollDescriptor descriptor, ulong count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    public static partial int SyncFileSystem(int descriptor);

    [LibraryImport("libc", EntryPoint = "umask")]
    public static partial uint SetUmask(uint mask);

    /// <summary>Makes a file, for nobody else, of a content that is small enough for one write.</summary>
    public static unsafe void WriteNew(string path, ReadOnlySpan<byte> content)
    {
        const int CreateNew = WriteOnly | Create | 0x80;
        var descriptor = OpenNew(path, CreateNew, 0x180);
        nint written = -1;
        if (descriptor >= 0)
        {
            fixed (byte* bytes = content)
            {
                written = content.IsEmpty ? 0 : Write(descriptor, bytes, content.Length);
            }

            _ = Close(descriptor);
        }

        if (written != content.Length)
        {
            throw new BenchException($"write {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    public static unsafe void WriteLine(int descriptor)
    {
        var line = (byte)'\n';
        if (Write(descriptor, &line, 1) != 1)
        {
            throw new BenchException($"write: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint Write(int descriptor, byte* buffer, nint count);

    [LibraryImport(
        "libc",
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int OpenNew(string path, int flags, uint mode);

    /// <summary>PR_SET_CHILD_SUBREAPER: orphaned descendants become children of this process.</summary>
    public static void BecomeSubreaper(bool on) => _ = Control(36, on ? 1UL : 0, 0, 0, 0);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, ulong a, ulong b, ulong c, ulong d);

    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    /// <summary>struct rusage: two struct timeval, then fourteen longs, of which one is read.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 144)]
    public struct Usage
    {
        public long UserSeconds;
        public long UserMicroseconds;
        public long SystemSeconds;
        public long SystemMicroseconds;
        public long MaximumKibibytes;

        public readonly TimeSpan Cpu =>
            TimeSpan.FromSeconds(UserSeconds + SystemSeconds)
            + TimeSpan.FromMicroseconds(UserMicroseconds + SystemMicroseconds);
    }
}
