using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using AgentQueue.Native;
using AgentQueue.Tasks;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Processes;

/// <summary>
/// Agents on Windows: a job holds the agent and all that it starts, and ends with this process; a change in
/// the knock file's folder is the knock. Nothing here corresponds to TERM for the supervisor itself.
/// </summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsAgentHost(TimeProvider clock) : IAgentHost
{
    public IAgentProcess Start(AgentLaunch launch)
    {
        using var input = OpenInput(launch.InputFile);
        using var log = OpenLog(launch.LogFile);
        using var errors = launch.ErrorLogFile is { } errorFile ? OpenLog(errorFile) : null;
        var (executable, commandLine) = WindowsCommandLine.Of(
            launch.Executable,
            launch.Arguments,
            Path.Join(Environment.SystemDirectory, "cmd.exe")
        );
        var job = WindowsProcesses.MakeJob();
        if (job == 0)
        {
            throw Problem("make a job for", launch.Executable);
        }

        // The knock is watched for before the agent runs, so that none is missed.
        var knock = new KnockFile(launch.KnockFile);
        var output = log.DangerousGetHandle();
        // A console of its own, without a window, is what CTRL_BREAK can be sent to.
        if (
            WindowsSpawn.Start(
                executable,
                commandLine,
                WindowsCommandLine.EnvironmentBlock(launch.Environment),
                launch.WorkingFolder,
                WindowsSpawn.CREATE_NO_WINDOW | WindowsSpawn.CREATE_NEW_PROCESS_GROUP,
                new WindowsSpawn.Streams(
                    input.DangerousGetHandle(),
                    output,
                    errors?.DangerousGetHandle() ?? output
                ),
                [launch.AliveDescriptor],
                job
            )
            is not var (process, pid)
        )
        {
            var problem = Problem("start", launch.Executable);
            knock.Dispose();
            _ = WindowsProcesses.Close(job);
            throw problem;
        }

        return new WindowsAgentProcess(process, pid, job, knock, launch.Mark, clock);
    }

    private static SafeFileHandle OpenInput(string? path)
    {
        var input = path is null
            ? WindowsFiles.OpenNothing()
            : WindowsFiles.Open(
                path,
                WindowsFiles.GENERIC_READ,
                WindowsFiles.SHARE_ALL,
                WindowsFiles.OPEN_EXISTING
            );
        return Checked(input, "read", path ?? "NUL", path is not null);
    }

    private static SafeFileHandle OpenLog(string path) =>
        Checked(
            WindowsFiles.Open(
                path,
                WindowsFiles.APPEND,
                WindowsFiles.SHARE_ALL,
                WindowsFiles.OPEN_ALWAYS
            ),
            "open",
            path,
            mustBeRegular: true
        );

    private static SafeFileHandle Checked(
        SafeFileHandle file,
        string action,
        string path,
        bool mustBeRegular
    )
    {
        if (file.IsInvalid)
        {
            throw Problem(action, path);
        }

        if (mustBeRegular && WindowsFiles.FactsOf(file) is not { IsRegular: true })
        {
            file.Dispose();
            throw new LaunchException($"Cannot {action} {path}: it is not a regular file");
        }

        return file;
    }

    private static LaunchException Problem(string action, string path) =>
        new(
            $"Cannot {action} {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}"
        );
}

/// <summary>
/// Watches the folder of a file, and tells whether it was that file that was touched.
/// </summary>
[SupportedOSPlatform("windows")]
internal sealed class KnockFile : IDisposable
{
    private readonly string _path;
    private long? _seen;

    public KnockFile(string path)
    {
        _path = path;
        Handle = WindowsProcesses.WatchWrites(Path.GetDirectoryName(path)!);
        _seen = Written();
    }

    /// <summary>To wait on; 0 if the folder cannot be watched, and has to be looked at.</summary>
    public nint Handle { get; }

    /// <summary>True once for each time that it was touched since the last look.</summary>
    public bool Look()
    {
        // Armed again before looking, so that nothing falls between.
        if (Handle != 0)
        {
            WindowsProcesses.Rearm(Handle);
        }

        var now = Written();
        var touched = now != _seen;
        _seen = now;
        return touched;
    }

    public void Dispose()
    {
        if (Handle != 0)
        {
            WindowsProcesses.EndWatch(Handle);
        }
    }

    private long? Written() => WindowsFiles.FactsOf(_path)?.Written;
}

[SupportedOSPlatform("windows")]
internal sealed class WindowsAgentProcess : IAgentProcess
{
    // Without a watch on the folder this is how soon a knock is heard.
    private const int LookMilliseconds = 100;

    private readonly SafeProcessHandle _process;
    private readonly int _pid;
    private readonly nint _job;
    private readonly KnockFile _knock;
    private readonly TimeProvider _clock;
    private readonly WindowsProcessTree _tree;

    public WindowsAgentProcess(
        SafeProcessHandle process,
        int pid,
        nint job,
        KnockFile knock,
        string mark,
        TimeProvider clock
    )
    {
        _process = process;
        _pid = pid;
        _job = job;
        _knock = knock;
        _clock = clock;
        var start = WindowsProcesses.StartOf(process);
        Identity = new ProcessIdentity(ProcessIdentity.ThisMachine, pid, start);
        _tree = new WindowsProcessTree(pid, start, mark, job);
    }

    public ProcessIdentity Identity { get; }

    public ExitStatus? Exit { get; private set; }

    public Wake Wait(TimeSpan limit)
    {
        ReadOnlySpan<nint> handles =
            _knock.Handle == 0
                ? [_process.DangerousGetHandle()]
                : [_process.DangerousGetHandle(), _knock.Handle];
        var cap = _knock.Handle == 0 ? LookMilliseconds : 3_600_000;
        var first = WindowsProcesses.WaitForAny(
            handles,
            (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, cap)
        );
        var wake = (first == 1 || _knock.Handle == 0) && _knock.Look() ? Wake.Knocked : Wake.None;
        return LearnExit() ? wake | Wake.AgentEnded : wake;
    }

    public void EndAll(TimeSpan grace)
    {
        // Whoever was not told need not be waited for.
        var told = WindowsProcesses.Break(_pid);
        _tree.End(told ? grace : TimeSpan.Zero, adopted: true, _clock);
        LearnExit();
    }

    public void EndLeftovers(TimeSpan grace) => _tree.End(TimeSpan.Zero, adopted: true, _clock);

    public void Dispose()
    {
        // What the agent left behind may live on if nobody ended it; an agent that still runs may not.
        if (LearnExit())
        {
            WindowsProcesses.Release(_job);
        }

        _ = WindowsProcesses.Close(_job);
        _knock.Dispose();
        _process.Dispose();
    }

    private bool LearnExit()
    {
        if (Exit is null && WindowsProcesses.HasEnded(_process))
        {
            Exit = WindowsExit.Of(WindowsProcesses.ExitCodeOf(_process));
        }

        return Exit is not null;
    }
}

/// <summary>The 32 bits of a Windows exit code as the 8 that every other system has.</summary>
internal static class WindowsExit
{
    private const uint ControlC = 0xC000_013A;

    // WindowsProcesses.KilledCode.
    private const uint Killed = 137;

    /// <summary>
    /// Codes up to 255 are kept. What was ended here counts as killed and what CTRL_BREAK ended as
    /// interrupted; all else, the exceptions among them, is 255 and never success.
    /// </summary>
    public static ExitStatus Of(uint code) =>
        code switch
        {
            Killed => ExitStatus.Killed(9),
            ControlC => ExitStatus.Killed(2),
            <= 255 => ExitStatus.Exited((int)code),
            _ => ExitStatus.Exited(255),
        };
}
