using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Native;

/// <summary>
/// CreateProcess with exactly the listed handles inherited, and from its first instruction in a job. What
/// a child would inherit beyond that would keep its makers waiting for pipes that never close.
/// </summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class WindowsSpawn
{
    private const string Library = "kernel32";

    public const uint DETACHED_PROCESS = 0x8;
    public const uint CREATE_NEW_PROCESS_GROUP = 0x200;
    public const uint CREATE_BREAKAWAY_FROM_JOB = 0x0100_0000;
    public const uint CREATE_NO_WINDOW = 0x0800_0000;

    private const uint CREATE_UNICODE_ENVIRONMENT = 0x400;
    private const uint EXTENDED_STARTUPINFO_PRESENT = 0x8_0000;

    [StructLayout(LayoutKind.Sequential)]
    private struct StartupInfo
    {
        public uint Size;
        public nint Reserved;
        public nint Desktop;
        public nint Title;
        public uint X;
        public uint Y;
        public uint Width;
        public uint Height;
        public uint Columns;
        public uint Rows;
        public uint Fill;
        public uint Flags;
        public ushort Show;
        public ushort Reserved2Size;
        public nint Reserved2;
        public nint Input;
        public nint Output;
        public nint Error;
        public nint Attributes;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ProcessInformation
    {
        public nint Process;
        public nint Thread;
        public int Pid;
        public int ThreadId;
    }

    [LibraryImport(
        Library,
        EntryPoint = "CreateProcessW",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16
    )]
    private static partial int CreateProcess(
        string executable,
        char* commandLine,
        nint processSecurity,
        nint threadSecurity,
        int inherit,
        uint flags,
        char* environment,
        string? folder,
        StartupInfo* startup,
        ProcessInformation* information
    );

    [LibraryImport(Library, EntryPoint = "InitializeProcThreadAttributeList", SetLastError = true)]
    private static partial int InitializeAttributes(
        void* list,
        uint count,
        uint flags,
        nuint* size
    );

    [LibraryImport(Library, EntryPoint = "UpdateProcThreadAttribute", SetLastError = true)]
    private static partial int UpdateAttribute(
        void* list,
        uint flags,
        nuint attribute,
        void* value,
        nuint size,
        nint previous,
        nint returned
    );

    [LibraryImport(Library, EntryPoint = "DeleteProcThreadAttributeList")]
    private static partial void DeleteAttributes(void* list);

    [LibraryImport(Library, EntryPoint = "SetHandleInformation", SetLastError = true)]
    private static partial int SetHandleInformation(nint handle, uint mask, uint flags);

    [LibraryImport(Library, EntryPoint = "CreatePipe", SetLastError = true)]
    private static partial int CreatePipe(nint* read, nint* write, nint security, uint size);

    [LibraryImport(Library, EntryPoint = "PeekNamedPipe", SetLastError = true)]
    private static partial int PeekNamedPipe(
        SafeFileHandle pipe,
        nint buffer,
        uint size,
        nint read,
        uint* available,
        nint left
    );

    /// <summary>What a new process reads from and writes to.</summary>
    public readonly record struct Streams(nint Input, nint Output, nint Error);

    /// <param name="executable">Absolute path; it is not searched for.</param>
    /// <param name="commandLine">The whole command line, the program's name first.</param>
    /// <param name="environment">A block as CreateProcess takes it.</param>
    /// <param name="inherited">The handles that it gets beside its streams, under the same numbers.</param>
    /// <param name="job">It begins in that job; 0 for none.</param>
    /// <returns>The process and its number, or null and the last error.</returns>
    public static (SafeProcessHandle Process, int Pid)? Start(
        string executable,
        string commandLine,
        string environment,
        string? folder,
        uint flags,
        Streams streams,
        ReadOnlySpan<nint> inherited,
        nint job
    )
    {
        nint[] handles =
        [
            .. new HashSet<nint>([streams.Input, streams.Output, streams.Error, .. inherited]),
        ];
        const uint Attributes = 2;
        nuint size = 0;
        _ = InitializeAttributes(null, Attributes, 0, &size);
        var list = NativeMemory.AllocZeroed(size);
        var initialized = false;
        try
        {
            initialized = InitializeAttributes(list, Attributes, 0, &size) != 0;
            // SAFETY: the list refers to the handles and the job, which stay where they are until it is deleted.
            fixed (nint* handleList = handles)
            {
                if (
                    !initialized
                    || !SetInherit(handles, true)
                    || !Add(list, HandleList, handleList, handles.Length)
                    || (job != 0 && !Add(list, JobList, &job, 1))
                )
                {
                    return null;
                }

                return Create(executable, commandLine, environment, folder, flags, streams, list);
            }
        }
        finally
        {
            // Setting the flag back must not hide why the start failed.
            var error = Marshal.GetLastPInvokeError();
            SetInherit(handles, false);
            if (initialized)
            {
                DeleteAttributes(list);
            }

            NativeMemory.Free(list);
            Marshal.SetLastPInvokeError(error);
        }
    }

    /// <summary>Keeps a handle that this process inherited from being passed on.</summary>
    public static void Keep(nint handle) => SetInherit([handle], false);

    /// <summary>Both ends of a new pipe, neither inherited; null if the system has none left.</summary>
    public static (SafeFileHandle Read, SafeFileHandle Write)? MakePipe()
    {
        nint read;
        nint write;
        return CreatePipe(&read, &write, 0, 0) == 0
            ? null
            : (new SafeFileHandle(read, true), new SafeFileHandle(write, true));
    }

    /// <summary>How much can be read without waiting; −1 once the other end is closed and all is read.</summary>
    public static int Available(SafeFileHandle pipe)
    {
        uint available;
        return PeekNamedPipe(pipe, 0, 0, 0, &available, 0) != 0 ? (int)available : -1;
    }

    private const nuint HandleList = 0x0002_0002;
    private const nuint JobList = 0x0002_000D;

    private static bool Add(void* list, nuint attribute, nint* values, int count) =>
        UpdateAttribute(list, 0, attribute, values, (nuint)(count * sizeof(nint)), 0, 0) != 0;

    private static bool SetInherit(ReadOnlySpan<nint> handles, bool inherit)
    {
        const uint HANDLE_FLAG_INHERIT = 1;
        var done = true;
        foreach (var handle in handles)
        {
            done &= SetHandleInformation(handle, HANDLE_FLAG_INHERIT, inherit ? 1u : 0u) != 0;
        }

        return done;
    }

    private static (SafeProcessHandle, int)? Create(
        string executable,
        string commandLine,
        string environment,
        string? folder,
        uint flags,
        Streams streams,
        void* attributes
    )
    {
        const uint STARTF_USESTDHANDLES = 0x100;
        var startup = new StartupInfo
        {
            Size = (uint)sizeof(StartupInfo),
            Flags = STARTF_USESTDHANDLES,
            Input = streams.Input,
            Output = streams.Output,
            Error = streams.Error,
            Attributes = (nint)attributes,
        };
        // CreateProcess may write into the command line while it works.
        var writable = (commandLine + '\0').ToCharArray();
        ProcessInformation started;
        // SAFETY: both texts are pinned and end in a NUL, the environment in two.
        fixed (char* line = writable)
        fixed (char* block = environment)
        {
            if (
                CreateProcess(
                    executable,
                    line,
                    0,
                    0,
                    1,
                    flags | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
                    block,
                    folder,
                    &startup,
                    &started
                ) == 0
            )
            {
                return null;
            }
        }

        _ = WindowsProcesses.Close(started.Thread);
        return (new SafeProcessHandle(started.Process, true), started.Pid);
    }
}
