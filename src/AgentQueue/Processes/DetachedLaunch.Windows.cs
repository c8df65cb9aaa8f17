using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using AgentQueue.Native;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Processes;

internal static partial class DetachedLaunch
{
    [SupportedOSPlatform("windows")]
    private static WindowsReport StartWindows(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment,
        nint lockHandle
    )
    {
        if (WindowsSpawn.MakePipe() is not var (read, write))
        {
            throw Problem("Cannot make a pipe");
        }

        using (write)
        using (var nothing = WindowsFiles.OpenNothing())
        {
            var report = write.DangerousGetHandle();
            var hasLock = lockHandle >= 0;
            var handles = new InheritedHandles(report, hasLock ? lockHandle : 0);
            var (program, first) = Program();
            var line = WindowsCommandLine.Join(
                program,
                [.. first, Verb, .. arguments, .. handles.ToArguments()]
            );
            var block = WindowsCommandLine.EnvironmentBlock(environment);
            var nul = nothing.DangerousGetHandle();
            nint[] inherited = hasLock ? [report, lockHandle] : [report];

            if (Detach(program, line, block, nul, inherited) is not var (process, pid))
            {
                var problem = Problem("Cannot start the supervisor");
                read.Dispose();
                throw problem;
            }

            process.Dispose();
            return new WindowsReport(pid, read);
        }
    }

    [SupportedOSPlatform("windows")]
    private static void StartHooksWindows(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment
    )
    {
        using var nothing = WindowsFiles.OpenNothing();
        var (program, first) = Program();
        if (
            Detach(
                program,
                WindowsCommandLine.Join(program, [.. first, HookVerb, .. arguments]),
                WindowsCommandLine.EnvironmentBlock(environment),
                nothing.DangerousGetHandle(),
                []
            )
            is not var (process, _)
        )
        {
            throw Problem("Cannot start the hooks");
        }

        process.Dispose();
    }

    // An editor or a build server puts what it starts into a job that ends with it. Most let go who asks;
    // where they do not, the supervisor ends with them and the next agentq settles its task.
    [SupportedOSPlatform("windows")]
    private static (SafeProcessHandle, int)? Detach(
        string program,
        string line,
        string block,
        nint nul,
        nint[] inherited
    )
    {
        return Spawn(WindowsSpawn.CREATE_BREAKAWAY_FROM_JOB) ?? Spawn(0);

        (SafeProcessHandle, int)? Spawn(uint breakaway) =>
            WindowsSpawn.Start(
                program,
                line,
                block,
                folder: null,
                WindowsSpawn.DETACHED_PROCESS | WindowsSpawn.CREATE_NEW_PROCESS_GROUP | breakaway,
                new WindowsSpawn.Streams(nul, nul, nul),
                inherited,
                job: 0
            );
    }

    [SupportedOSPlatform("windows")]
    private static QueueException Problem(string what) =>
        new($"{what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [SupportedOSPlatform("windows")]
    private sealed class WindowsReport(int pid, SafeFileHandle pipe) : SupervisorReport(pid)
    {
        // An anonymous pipe cannot be waited on, so it is looked at, at a growing pace.
        private int _pause = 1;

        protected override int? ReadSome(Span<byte> buffer, TimeSpan wait)
        {
            var available = WindowsSpawn.Available(pipe);
            if (available != 0)
            {
                return available < 0
                    ? 0
                    : WindowsFiles.Read(pipe, buffer[..Math.Min(available, buffer.Length)]);
            }

            WindowsProcesses.Pause((int)Math.Min(_pause, Math.Ceiling(wait.TotalMilliseconds)));
            _pause = Math.Min(_pause * 2, 16);
            return null;
        }

        protected override void Close() => pipe.Dispose();
    }
}
