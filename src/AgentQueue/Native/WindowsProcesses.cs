using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Native;

/// <summary>Processes and jobs of 64-bit Windows.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class WindowsProcesses
{
    private const string Library = "kernel32";
    private const uint PROCESS_TERMINATE = 0x1;
    private const uint PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
    private const uint SYNCHRONIZE = 0x10_0000;
    private const uint WAIT_OBJECT_0 = 0;

    /// <summary>The exit code of what was ended here: 128 + KILL, as a shell would report it.</summary>
    public const uint KilledCode = 137;

    [LibraryImport(Library, EntryPoint = "OpenProcess", SetLastError = true)]
    private static partial SafeProcessHandle OpenProcess(uint access, int inherit, int pid);

    [LibraryImport(Library, EntryPoint = "GetProcessTimes", SetLastError = true)]
    private static partial int GetProcessTimes(
        SafeProcessHandle process,
        long* created,
        long* ended,
        long* kernel,
        long* user
    );

    [LibraryImport(Library, EntryPoint = "GetExitCodeProcess", SetLastError = true)]
    private static partial int GetExitCodeProcess(SafeProcessHandle process, uint* code);

    [LibraryImport(Library, EntryPoint = "TerminateProcess", SetLastError = true)]
    private static partial int TerminateProcess(SafeProcessHandle process, uint code);

    [LibraryImport(Library, EntryPoint = "WaitForMultipleObjects", SetLastError = true)]
    private static partial uint WaitForMultipleObjects(
        uint count,
        nint* handles,
        int all,
        uint milliseconds
    );

    /// <summary>
    /// Waits for any of the handles, at most 64, at most that long; the first that is signalled, or −1.
    /// </summary>
    public static int WaitForAny(ReadOnlySpan<nint> handles, int milliseconds)
    {
        // SAFETY: the span is pinned for the call, which reads as many handles as it has.
        fixed (nint* start = handles)
        {
            var result = WaitForMultipleObjects((uint)handles.Length, start, 0, (uint)milliseconds);
            return result - WAIT_OBJECT_0 < (uint)handles.Length ? (int)result : -1;
        }
    }

    [LibraryImport(Library, EntryPoint = "Sleep")]
    private static partial void Sleep(uint milliseconds);

    /// <summary>For what has no event to wait for.</summary>
    public static void Pause(int milliseconds) => Sleep((uint)milliseconds);

    /// <summary>When a process began, in units of 100 ns since 1601; 0 if the system does not tell.</summary>
    public static long StartOf(SafeProcessHandle process)
    {
        long created;
        long ended;
        long kernel;
        long user;
        return GetProcessTimes(process, &created, &ended, &kernel, &user) != 0 ? created : 0;
    }

    /// <summary>Whether a process has ended, and when it began; null if there is none, or it is hidden.</summary>
    public static (long Start, bool HasEnded)? Look(int pid)
    {
        using var process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, 0, pid);
        return process.IsInvalid ? null : (StartOf(process), HasEnded(process));
    }

    public static bool HasEnded(SafeProcessHandle process) =>
        WaitForAny([process.DangerousGetHandle()], 0) == 0;

    /// <summary>The exit code of a process that has ended.</summary>
    public static uint ExitCodeOf(SafeProcessHandle process)
    {
        uint code;
        return GetExitCodeProcess(process, &code) != 0 ? code : KilledCode;
    }

    /// <summary>Ends a process at once, if it is still the one that began then.</summary>
    public static void End(int pid, long start)
    {
        using var process = OpenProcess(
            PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE,
            0,
            pid
        );
        // While the handle is open the number cannot pass to another process.
        if (!process.IsInvalid && start > 0 && StartOf(process) == start)
        {
            _ = TerminateProcess(process, KilledCode);
        }
    }

    /// <summary>Waits until one of the first 64 ends, at most that long.</summary>
    public static void WaitForOne(IEnumerable<int> pids, TimeSpan limit)
    {
        const int Most = 64;
        var processes = pids.Take(Most)
            .Select(static pid => OpenProcess(SYNCHRONIZE, 0, pid))
            .ToList();
        nint[] handles =
        [
            .. processes.Where(static p => !p.IsInvalid).Select(static p => p.DangerousGetHandle()),
        ];
        var milliseconds = (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, 60_000);
        if (handles.Length > 0)
        {
            _ = WaitForAny(handles, milliseconds);
        }
        else
        {
            // They have all ended meanwhile, or cannot be watched: look again soon.
            Pause(Math.Min(milliseconds, 20));
        }

        foreach (var process in processes)
        {
            process.Dispose();
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SnapshotEntry
    {
        public uint Size;
        public uint Usage;
        public int Pid;
        public nuint Heap;
        public uint Module;
        public uint Threads;
        public int Parent;
        public int Priority;
        public uint Flags;
        public fixed char File[260];
    }

    [LibraryImport(Library, EntryPoint = "CreateToolhelp32Snapshot", SetLastError = true)]
    private static partial SafeFileHandle CreateSnapshot(uint flags, uint pid);

    [LibraryImport(Library, EntryPoint = "Process32FirstW", SetLastError = true)]
    private static partial int FirstProcess(SafeFileHandle snapshot, SnapshotEntry* entry);

    [LibraryImport(Library, EntryPoint = "Process32NextW", SetLastError = true)]
    private static partial int NextProcess(SafeFileHandle snapshot, SnapshotEntry* entry);

    /// <summary>All processes, with the number that their parent had, which may be another's by now.</summary>
    public static List<(int Pid, int Parent)> All()
    {
        const uint TH32CS_SNAPPROCESS = 2;
        var all = new List<(int, int)>(256);
        using var snapshot = CreateSnapshot(TH32CS_SNAPPROCESS, 0);
        if (snapshot.IsInvalid)
        {
            return all;
        }

        // SAFETY: the entry says its own size, which is that of PROCESSENTRY32W.
        var entry = new SnapshotEntry { Size = (uint)sizeof(SnapshotEntry) };
        for (
            var more = FirstProcess(snapshot, &entry);
            more != 0;
            more = NextProcess(snapshot, &entry)
        )
        {
            all.Add((entry.Pid, entry.Parent));
        }

        return all;
    }

    [LibraryImport("ntdll", EntryPoint = "NtQueryInformationProcess")]
    private static partial int QueryInformation(
        SafeProcessHandle process,
        int kind,
        void* information,
        uint size,
        uint* needed
    );

    /// <summary>The command line as it was given; empty if it may not be read.</summary>
    public static string CommandLine(int pid)
    {
        const int ProcessCommandLineInformation = 60;
        const int Largest = 16 + (2 * 32768);
        using var process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
        if (process.IsInvalid)
        {
            return "";
        }

        var buffer = new byte[Largest];
        // SAFETY: a UNICODE_STRING is filled in, its length in bytes first and at 8 the address of its text,
        // which stands behind it in the same, pinned, buffer.
        fixed (byte* start = buffer)
        {
            uint needed;
            return
                QueryInformation(process, ProcessCommandLineInformation, start, Largest, &needed)
                < 0
                ? ""
                : new string(*(char**)(start + 8), 0, *(ushort*)start / sizeof(char));
        }
    }

    [LibraryImport(Library, EntryPoint = "CreateJobObjectW", SetLastError = true)]
    private static partial nint CreateJobObject(nint security, nint name);

    [LibraryImport(Library, EntryPoint = "SetInformationJobObject", SetLastError = true)]
    private static partial int SetInformationJob(nint job, int kind, void* information, uint size);

    [LibraryImport(Library, EntryPoint = "QueryInformationJobObject", SetLastError = true)]
    private static partial int QueryInformationJob(
        nint job,
        int kind,
        void* information,
        uint size,
        uint* needed
    );

    [LibraryImport(Library, EntryPoint = "TerminateJobObject", SetLastError = true)]
    private static partial int TerminateJobObject(nint job, uint code);

    [LibraryImport(Library, EntryPoint = "CloseHandle", SetLastError = true)]
    public static partial int Close(nint handle);

    /// <summary>
    /// A job that ends all its processes when its last handle, which no child inherits, is closed. Only who
    /// asks for it breaks away: the supervisors that an agent starts through agentq. 0 if it cannot be made.
    /// </summary>
    public static nint MakeJob()
    {
        var job = CreateJobObject(0, 0);
        if (job != 0 && !Limit(job, endOnClose: true))
        {
            _ = Close(job);
            return 0;
        }

        return job;
    }

    /// <summary>Lets what is in a job outlive it.</summary>
    public static void Release(nint job) => Limit(job, endOnClose: false);

    private static bool Limit(nint job, bool endOnClose)
    {
        const int JobObjectExtendedLimitInformation = 9;
        const int Size = 144;
        const int LimitFlags = 16;
        const uint JOB_OBJECT_LIMIT_BREAKAWAY_OK = 0x800;
        const uint JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000;
        var limits = stackalloc byte[Size];
        NativeMemory.Clear(limits, Size);
        // SAFETY: JOBOBJECT_EXTENDED_LIMIT_INFORMATION is 144 bytes on 64-bit Windows, LimitFlags at 16.
        *(uint*)(limits + LimitFlags) =
            JOB_OBJECT_LIMIT_BREAKAWAY_OK | (endOnClose ? JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE : 0);
        return SetInformationJob(job, JobObjectExtendedLimitInformation, limits, Size) != 0;
    }

    /// <summary>The processes in a job.</summary>
    public static List<int> InJob(nint job)
    {
        const int JobObjectBasicProcessIdList = 3;
        var buffer = new nuint[256];
        while (true)
        {
            // SAFETY: two 32-bit counts, of the processes in the job and of those in the list, then the list.
            fixed (nuint* start = buffer)
            {
                uint needed;
                if (
                    QueryInformationJob(
                        job,
                        JobObjectBasicProcessIdList,
                        start,
                        (uint)(buffer.Length * sizeof(nuint)),
                        &needed
                    ) != 0
                )
                {
                    var count = ((uint*)start)[1];
                    var pids = new List<int>((int)count);
                    for (var i = 0; i < count; i++)
                    {
                        pids.Add((int)start[i + 1]);
                    }

                    return pids;
                }
            }

            if (Marshal.GetLastPInvokeError() != WindowsFiles.ERROR_MORE_DATA)
            {
                return [];
            }

            buffer = new nuint[buffer.Length * 2];
        }
    }

    /// <summary>Ends every process of a job at once.</summary>
    public static void EndJob(nint job) => _ = TerminateJobObject(job, KilledCode);

    [LibraryImport(Library, EntryPoint = "AttachConsole", SetLastError = true)]
    private static partial int AttachConsole(int pid);

    [LibraryImport(Library, EntryPoint = "FreeConsole", SetLastError = true)]
    private static partial int FreeConsole();

    [LibraryImport(Library, EntryPoint = "GenerateConsoleCtrlEvent", SetLastError = true)]
    private static partial int GenerateConsoleEvent(uint kind, int group);

    /// <summary>
    /// Sends CTRL_BREAK to a process's group in its own console; false if it has none, or has ended. The
    /// caller, a supervisor, has no console and is not in that group.
    /// </summary>
    public static bool Break(int leader)
    {
        const uint CTRL_BREAK_EVENT = 1;
        if (AttachConsole(leader) == 0)
        {
            return false;
        }

        var sent = GenerateConsoleEvent(CTRL_BREAK_EVENT, leader) != 0;
        _ = FreeConsole();
        return sent;
    }

    [LibraryImport(
        Library,
        EntryPoint = "FindFirstChangeNotificationW",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16
    )]
    private static partial nint FirstChange(string folder, int subtree, uint filter);

    [LibraryImport(Library, EntryPoint = "FindNextChangeNotification", SetLastError = true)]
    private static partial int NextChange(nint handle);

    [LibraryImport(Library, EntryPoint = "FindCloseChangeNotification", SetLastError = true)]
    private static partial int CloseChange(nint handle);

    /// <summary>A handle that is signalled when a file in the folder is written or touched; 0 if there is none.</summary>
    public static nint WatchWrites(string folder)
    {
        const uint FILE_NOTIFY_CHANGE_LAST_WRITE = 0x10;
        var handle = FirstChange(folder, 0, FILE_NOTIFY_CHANGE_LAST_WRITE);
        return handle == -1 ? 0 : handle;
    }

    /// <summary>Makes the handle wait for the next change.</summary>
    public static void Rearm(nint watch) => _ = NextChange(watch);

    public static void EndWatch(nint watch) => _ = CloseChange(watch);
}
