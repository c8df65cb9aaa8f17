using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using AgentQueue.Native;
using AgentQueue.Tasks;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Processes;

internal static partial class ForegroundProgram
{
    [SupportedOSPlatform("windows")]
    private static (ExitStatus Exit, bool TimedOut) RunOnWindows(
        ForegroundLaunch launch,
        OutputPiece show
    )
    {
        var job = launch.Limit is null ? 0 : WindowsProcesses.MakeJob();
        if (job == 0 && launch.Limit is not null)
        {
            throw Problem(launch, Marshal.GetLastPInvokeError());
        }

        try
        {
            return RunOnWindows(launch, show, job);
        }
        finally
        {
            if (job != 0)
            {
                _ = WindowsProcesses.Close(job);
            }
        }
    }

    [SupportedOSPlatform("windows")]
    private static (ExitStatus Exit, bool TimedOut) RunOnWindows(
        ForegroundLaunch launch,
        OutputPiece show,
        nint job
    )
    {
        using var input = new WindowsPipe();
        using var output = new WindowsPipe();
        using var error = new WindowsPipe();
        var (executable, commandLine) = WindowsCommandLine.Of(
            launch.Executable,
            launch.Arguments,
            Path.Join(Environment.SystemDirectory, "cmd.exe")
        );
        // It shares the console, and so gets Ctrl-C by itself.
        using var ignored = PosixSignalRegistration.Create(
            PosixSignal.SIGINT,
            static context => context.Cancel = true
        );
        if (
            WindowsSpawn.Start(
                executable,
                commandLine,
                WindowsCommandLine.EnvironmentBlock(launch.Environment),
                launch.WorkingFolder,
                // Whoever sets a limit has no console to share.
                launch.Limit
                    is null
                    ? 0
                    : WindowsSpawn.CREATE_NO_WINDOW,
                new WindowsSpawn.Streams(
                    input.Read.DangerousGetHandle(),
                    output.Write.DangerousGetHandle(),
                    error.Write.DangerousGetHandle()
                ),
                inherited: [],
                job
            )
            is not var (process, _)
        )
        {
            throw Problem(launch, Marshal.GetLastPInvokeError());
        }

        using (process)
        {
            input.Read.Dispose();
            output.Write.Dispose();
            error.Write.Dispose();
            // A pipe cannot be written without waiting here; it breaks when the program ends.
            new Thread(() =>
            {
                _ = WindowsFiles.Write(input.Write, launch.Input.Span);
                input.Write.Dispose();
            })
            {
                IsBackground = true,
            }.Start();
            var limit = launch.Limit;
            var begun = limit?.Clock.GetTimestamp() ?? 0;
            var timedOut = false;
            Carry(output.Read, error.Read, show, HasAllEnded);
            return (
                ExitStatus.Exited((int)Math.Min(WindowsProcesses.ExitCodeOf(process), 255)),
                timedOut
            );

            bool HasAllEnded()
            {
                var hasEnded = WindowsProcesses.HasEnded(process);
                if (limit is null || (hasEnded && WindowsProcesses.InJob(job).Count == 0))
                {
                    return hasEnded;
                }

                if (limit.Clock.GetElapsedTime(begun) >= limit.Time)
                {
                    timedOut |= !hasEnded;
                    WindowsProcesses.EndJob(job);
                }

                return false;
            }
        }
    }

    // Anonymous pipes cannot be waited on, so they are looked at, at a growing pace.
    [SupportedOSPlatform("windows")]
    private static void Carry(
        SafeFileHandle output,
        SafeFileHandle error,
        OutputPiece show,
        Func<bool> hasAllEnded
    )
    {
        var piece = new byte[PieceSize];
        var pause = 1;
        while (true)
        {
            var hasEnded = hasAllEnded();
            if (Take(output, piece, show, isError: false) | Take(error, piece, show, isError: true))
            {
                pause = 1;
            }
            else if (hasEnded)
            {
                return;
            }
            else
            {
                WindowsProcesses.Pause(pause);
                pause = Math.Min(pause * 2, 16);
            }
        }
    }

    [SupportedOSPlatform("windows")]
    private static bool Take(SafeFileHandle pipe, byte[] piece, OutputPiece show, bool isError)
    {
        var available = WindowsSpawn.Available(pipe);
        if (available <= 0)
        {
            return false;
        }

        var count = WindowsFiles.Read(pipe, piece.AsSpan(0, Math.Min(available, piece.Length)));
        if (count > 0)
        {
            show(piece.AsSpan(0, count), isError);
        }

        return count > 0;
    }

    [SupportedOSPlatform("windows")]
    private sealed class WindowsPipe : IDisposable
    {
        public WindowsPipe() =>
            (Read, Write) =
                WindowsSpawn.MakePipe()
                ?? throw new QueueException("Cannot make a pipe: too many open files");

        public SafeFileHandle Read { get; }

        public SafeFileHandle Write { get; }

        public void Dispose()
        {
            Read.Dispose();
            Write.Dispose();
        }
    }
}
