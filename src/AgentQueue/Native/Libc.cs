using System.Runtime.InteropServices;

namespace AgentQueue.Native;

/// <summary>
/// The C library, as far as .NET does not reach it or hides its errors: .NET 10 swallows every fsync error
/// on Linux and ignores flock errors other than "would block". Every call here reports through errno.
/// </summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    // Linux and macOS number these alike.
    public const int EINTR = 4;
    public const int ENOENT = 2;
    public const int ESRCH = 3;
    public const int EIO = 5;
    public const int EBADF = 9;
    public const int EACCES = 13;
    public const int EEXIST = 17;
    public const int ENOTDIR = 20;
    public const int EISDIR = 21;
    public const int EINVAL = 22;
    public const int EMFILE = 24;
    public const int EFBIG = 27;
    public const int ENOSPC = 28;
    public const int EROFS = 30;
    public const int EPERM = 1;

    public static int EDQUOT => OperatingSystem.IsMacOS() ? 69 : 122;
    public static int EAGAIN => OperatingSystem.IsMacOS() ? 35 : 11;
    public static int ELOOP => OperatingSystem.IsMacOS() ? 62 : 40;
    public static int ENOSYS => OperatingSystem.IsMacOS() ? 78 : 38;
    private static int ENOTSUP => OperatingSystem.IsMacOS() ? 45 : 95;

    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public static int O_CREAT => OperatingSystem.IsMacOS() ? 0x200 : 0x40;
    public static int O_EXCL => OperatingSystem.IsMacOS() ? 0x800 : 0x80;
    public static int O_APPEND => OperatingSystem.IsMacOS() ? 0x8 : 0x400;
    public static int O_NONBLOCK => OperatingSystem.IsMacOS() ? 0x4 : 0x800;
    public static int O_CLOEXEC => OperatingSystem.IsMacOS() ? 0x100_0000 : 0x8_0000;

    // Linux on arm64 kept other values for these two.
    public static int O_NOFOLLOW =>
        OperatingSystem.IsMacOS() ? 0x100
        : IsArm ? 0x8000
        : 0x2_0000;

    public static int O_DIRECTORY =>
        OperatingSystem.IsMacOS() ? 0x10_0000
        : IsArm ? 0x4000
        : 0x1_0000;

    private static bool IsArm =>
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    // open and fcntl take a variable argument list, which Apple's arm64 passes on the stack: padding fills
    // the registers. Everywhere else such arguments travel like all others, and padding would lose them.
    private static bool VariadicOnStack =>
        OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public const int LOCK_SH = 1;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    /// <summary>open(2), tried again after a signal; −1 and errno on failure. Always close-on-exec.</summary>
    public static int Open(string path, int flags, int mode = 0)
    {
        while (true)
        {
            var fd = VariadicOnStack
                ? OpenPadded(path, flags | O_CLOEXEC, 0, 0, 0, 0, 0, 0, mode)
                : OpenPlain(path, flags | O_CLOEXEC, mode);
            if (fd >= 0 || Marshal.GetLastPInvokeError() != EINTR)
            {
                return fd;
            }
        }
    }

    [LibraryImport(
        Library,
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int OpenPlain(string path, int flags, int mode);

    [LibraryImport(
        Library,
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int OpenPadded(
        string path,
        int flags,
        nint p2,
        nint p3,
        nint p4,
        nint p5,
        nint p6,
        nint p7,
        int mode
    );

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fd, byte* buffer, nint count);

    [LibraryImport(
        Library,
        EntryPoint = "symlink",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    public static partial int SymLink(string target, string path);

    [LibraryImport(Library, EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int fd, byte* buffer, nint count, long offset);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, byte* buffer, nint count);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int FSync(int fd);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    public static partial int FLock(int fd, int operation);

    [LibraryImport(
        Library,
        EntryPoint = "rename",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    public static partial int Rename(string from, string to);

    [LibraryImport(
        Library,
        EntryPoint = "link",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    public static partial int Link(string from, string to);

    [LibraryImport(
        Library,
        EntryPoint = "unlink",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    public static partial int Unlink(string path);

    [LibraryImport(
        Library,
        EntryPoint = "mkdir",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    public static partial int MakeFolder(string path, int mode);

    [LibraryImport(Library, EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(int fd, int mode);

    [LibraryImport(Library, EntryPoint = "fchown", SetLastError = true)]
    public static partial int ChangeOwner(int fd, uint owner, uint group);

    [LibraryImport(
        Library,
        EntryPoint = "utimensat",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int UTimeNsAt(int folder, string path, void* times, int flags);

    /// <summary>
    /// Sets a file's times, to now if none is given, which wakes whoever watches its attributes.
    /// </summary>
    public static bool Touch(string path, long? seconds)
    {
        // SAFETY: two timespecs of two 64-bit words each, which is what every 64-bit Unix has.
        var times = stackalloc long[] { seconds ?? 0, 0, seconds ?? 0, 0 };
        return UTimeNsAt(
                OperatingSystem.IsMacOS() ? -2 : -100,
                path,
                seconds is null ? null : times,
                0
            ) == 0;
    }

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FcntlPadded(
        int fd,
        int command,
        nint p2,
        nint p3,
        nint p4,
        nint p5,
        nint p6,
        nint p7,
        nint argument
    );

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FcntlPlain(int fd, int command, nint argument);

    public static int Fcntl(int fd, int command, nint argument) =>
        VariadicOnStack
            ? FcntlPadded(fd, command, 0, 0, 0, 0, 0, 0, argument)
            : FcntlPlain(fd, command, argument);

    /// <summary>Whether a descriptor ends with this program; null if there is no such descriptor.</summary>
    public static bool? IsCloseOnExec(int fd)
    {
        const int F_GETFD = 1;
        const int FD_CLOEXEC = 1;
        var flags = Fcntl(fd, F_GETFD, 0);
        return flags < 0 ? null : (flags & FD_CLOEXEC) != 0;
    }

    /// <summary>Brings a file, or the entries of a folder, to stable storage; 0 or −1 and errno.</summary>
    public static int Sync(int fd)
    {
        // The fsync of macOS leaves the data in the disk's own cache.
        const int F_FULLFSYNC = 51;
        if (OperatingSystem.IsMacOS() && Fcntl(fd, F_FULLFSYNC, 0) == 0)
        {
            return 0;
        }

        // After a failure the kernel may have dropped the dirty pages: a second try would lie. A signal is
        // no failure; nothing was dropped.
        int result;
        do
        {
            result = FSync(fd);
        } while (result != 0 && Marshal.GetLastPInvokeError() == EINTR);

        return result;
    }

    [LibraryImport(Library, EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFs(int fd);

    [LibraryImport(Library, EntryPoint = "sync")]
    private static partial void SyncEverything();

    /// <summary>Brings a whole file system to stable storage. macOS has only a sync that reports nothing.</summary>
    public static int SyncFileSystem(int fd)
    {
        if (OperatingSystem.IsLinux())
        {
            int result;
            do
            {
                result = SyncFs(fd);
            } while (result != 0 && Marshal.GetLastPInvokeError() == EINTR);

            return result;
        }

        SyncEverything();
        return Sync(fd);
    }

    [LibraryImport(
        Library,
        EntryPoint = "renameat2",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int RenameAt2(
        int fromFolder,
        string from,
        int toFolder,
        string to,
        uint flags
    );

    [LibraryImport(
        Library,
        EntryPoint = "renamex_np",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int RenameExclusive(string from, string to, uint flags);

    /// <summary>Renames unless the target exists (EEXIST); <see cref="IsUnsupported"/> where that cannot be asked for.</summary>
    public static int RenameNoReplace(string from, string to)
    {
        const int AT_FDCWD = -100;
        const uint RENAME_NOREPLACE = 1;
        const uint RENAME_EXCL = 4;
        try
        {
            return OperatingSystem.IsMacOS()
                ? RenameExclusive(from, to, RENAME_EXCL)
                : RenameAt2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
        }
        catch (EntryPointNotFoundException)
        {
            // musl before 1.2.6 does not wrap the call.
            Marshal.SetLastPInvokeError(ENOSYS);
            return -1;
        }
    }

    /// <summary>True for what a kernel or file system says that does not know an operation.</summary>
    public static bool IsUnsupported(int errno) =>
        errno == EINVAL || errno == ENOSYS || errno == ENOTSUP;

    [LibraryImport(
        Library,
        EntryPoint = "realpath",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial byte* ResolvePath(string path, byte* buffer);

    /// <summary>The path without links; null if it does not exist.</summary>
    public static string? RealPath(string path)
    {
        var resolved = ResolvePath(path, null);
        var text = Marshal.PtrToStringUTF8((nint)resolved);
        NativeMemory.Free(resolved);
        return text;
    }

    [LibraryImport(Library, EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();
}
