using System.Runtime.InteropServices;
using System.Text;

namespace AgentQueue.Native;

/// <summary>
/// posix_spawn into a session of its own. Unlike children of <c>Process.Start</c>, the new program begins
/// with default signal actions (SIGPIPE among them), with exactly the signals blocked that are asked for,
/// and with no descriptor but the listed ones.
/// </summary>
internal static unsafe partial class Spawn
{
    private const string Library = "libc";
    private const short SETSIGDEF = 0x04;
    private const short SETSIGMASK = 0x08;

    // SETSID, and on macOS CLOEXEC_DEFAULT: the child keeps only the descriptors that are listed.
    private static short SystemFlags => OperatingSystem.IsMacOS() ? (short)0x4400 : (short)0x80;

    // glibc: 336 and 80 bytes; musl: 336 and 80; macOS: one pointer each.
    private const int OpaqueSize = 1024;

    /// <param name="executable">Absolute path; it is not searched for.</param>
    /// <param name="arguments">All of argv, the program's name first.</param>
    /// <param name="environment">Entries <c>KEY=VALUE</c>.</param>
    /// <param name="descriptors">Ours at index i becomes the child's descriptor i.</param>
    /// <param name="blockEndSignals">Start with HUP, INT, QUIT, TERM and PIPE blocked, for a program that reads them.</param>
    /// <returns>The child's pid, or the negative errno.</returns>
    public static int Start(
        string executable,
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment,
        string? workingFolder,
        ReadOnlySpan<int> descriptors,
        bool blockEndSignals
    )
    {
        SealDescriptors();
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        NativeMemory.Clear(actions, OpaqueSize);
        NativeMemory.Clear(attributes, OpaqueSize);
        _ = ActionsInit(actions);
        _ = AttributesInit(attributes);
        var moved = new int[descriptors.Length];
        try
        {
            // Moved out of the way first, so that filling slot i cannot overwrite the source of slot j.
            for (var i = 0; i < descriptors.Length; i++)
            {
                moved[i] = DuplicateAbove(descriptors[i], descriptors.Length + 16);
                if (moved[i] < 0)
                {
                    return -Marshal.GetLastPInvokeError();
                }

                _ = ActionsDuplicate(actions, moved[i], i);
            }

            if (workingFolder is not null && ActionsChangeFolder(actions, workingFolder) != 0)
            {
                return -Libc.EINVAL;
            }

            SetAttributes(attributes, blockEndSignals);
            using var argv = new StringArray(arguments);
            using var envp = new StringArray(environment);
            using var limit = CoreDumps.AsBefore();
            int pid;
            var error = PosixSpawn(&pid, executable, actions, attributes, argv.Start, envp.Start);
            return error == 0 ? pid : -error;
        }
        finally
        {
            foreach (var fd in moved)
            {
                if (fd > 0)
                {
                    _ = Libc.Close(fd);
                }
            }

            _ = ActionsDestroy(actions);
            _ = AttributesDestroy(attributes);
        }
    }

    // Whoever called us may have left descriptors open: a pipe of theirs inherited by an agent would keep
    // them waiting for its end. macOS has an attribute for it.
    private static void SealDescriptors()
    {
        if (OperatingSystem.IsMacOS() || (OperatingSystem.IsLinux() && Linux.SealDescriptors(3)))
        {
            return;
        }

        const int F_SETFD = 2;
        const int FD_CLOEXEC = 1;
        for (var fd = 3; fd < 1024; fd++)
        {
            _ = Libc.Fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
    }

    private static int DuplicateAbove(int fd, int lowest)
    {
        var command = OperatingSystem.IsMacOS() ? 67 : 1030; // F_DUPFD_CLOEXEC
        return Libc.Fcntl(fd, command, lowest);
    }

    private static void SetAttributes(byte* attributes, bool blockEndSignals)
    {
        var set = stackalloc byte[128];
        _ = SigFillSet(set);
        _ = AttributesSetDefault(attributes, set);
        _ = SigEmptySet(set);
        if (blockEndSignals)
        {
            _ = SigAddSet(set, Posix.SIGHUP);
            _ = SigAddSet(set, Posix.SIGINT);
            _ = SigAddSet(set, Posix.SIGQUIT);
            _ = SigAddSet(set, Posix.SIGTERM);
            // A report written to a caller who has gone is an error to pass over, not a reason to die.
            _ = SigAddSet(set, Posix.SIGPIPE);
        }

        _ = AttributesSetMask(attributes, set);
        _ = AttributesSetFlags(attributes, (short)(SETSIGDEF | SETSIGMASK | SystemFlags));
    }

    [LibraryImport(Library, EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PosixSpawn(
        int* pid,
        string path,
        void* actions,
        void* attributes,
        byte** argv,
        byte** envp
    );

    /// <summary>
    /// Becomes another program, with this one's environment, standard streams and process number. Returns only if
    /// that is not possible.
    /// </summary>
    /// <param name="executable">A path; it is not searched for.</param>
    /// <param name="arguments">All of argv, the program's name first.</param>
    /// <returns>errno.</returns>
    public static int Become(string executable, IReadOnlyList<string> arguments)
    {
        SealDescriptors();
        using var argv = new StringArray(arguments);
        using var limit = CoreDumps.AsBefore();
        _ = Execute(executable, argv.Start);
        return Marshal.GetLastPInvokeError();
    }

    [LibraryImport(
        Library,
        EntryPoint = "execv",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int Execute(string path, byte** argv);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int ActionsInit(void* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int ActionsDestroy(void* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static partial int ActionsDuplicate(void* actions, int from, int to);

    [LibraryImport(
        Library,
        EntryPoint = "posix_spawn_file_actions_addchdir_np",
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int ActionsChangeFolder(void* actions, string path);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_init")]
    private static partial int AttributesInit(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_destroy")]
    private static partial int AttributesDestroy(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setflags")]
    private static partial int AttributesSetFlags(void* attributes, short flags);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigdefault")]
    private static partial int AttributesSetDefault(void* attributes, void* set);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigmask")]
    private static partial int AttributesSetMask(void* attributes, void* set);

    [LibraryImport(Library, EntryPoint = "sigfillset")]
    private static partial int SigFillSet(void* set);

    [LibraryImport(Library, EntryPoint = "sigemptyset")]
    private static partial int SigEmptySet(void* set);

    [LibraryImport(Library, EntryPoint = "sigaddset")]
    private static partial int SigAddSet(void* set, int signal);

    /// <summary>A NULL-terminated array of C strings.</summary>
    private readonly ref struct StringArray : IDisposable
    {
        private readonly int _count;

        public StringArray(IReadOnlyList<string> items)
        {
            _count = items.Count;
            Start = (byte**)NativeMemory.Alloc((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (var i = 0; i < _count; i++)
            {
                var length = Encoding.UTF8.GetByteCount(items[i]);
                var text = (byte*)NativeMemory.Alloc((nuint)length + 1);
                Encoding.UTF8.GetBytes(items[i], new Span<byte>(text, length));
                text[length] = 0;
                Start[i] = text;
            }

            Start[_count] = null;
        }

        public byte** Start { get; }

        public void Dispose()
        {
            for (var i = 0; i < _count; i++)
            {
                NativeMemory.Free(Start[i]);
            }

            NativeMemory.Free(Start);
        }
    }
}
