using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>Tries whether a child keeps a lock that it inherited, on which the whole protocol rests.</summary>
internal static class InheritedLock
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Does <paramref name="check"/> while a child holds the descriptor too; the child is gone afterwards.</summary>
    /// <returns>What the check came to; null if no child could be started.</returns>
    public static unsafe bool? While(nint descriptor, Func<bool> check, TimeProvider clock)
    {
        var pipe = stackalloc int[2];
        if (OperatingSystem.IsWindows() || Pipes.Make(pipe) != 0)
        {
            return null;
        }

        var nothing = Libc.Open("/dev/null", Libc.O_RDWR);
        // It ends when its input does.
        var pid = Spawn.Start(
            "/bin/sh",
            ["sh", "-c", "read nothing"],
            [],
            workingFolder: null,
            [pipe[0], nothing, nothing, (int)descriptor],
            blockEndSignals: false
        );
        _ = Libc.Close(nothing);
        _ = Libc.Close(pipe[0]);
        try
        {
            return pid < 0 ? null : check();
        }
        finally
        {
            _ = Libc.Close(pipe[1]);
            if (pid > 0)
            {
                Await(pid, clock);
            }
        }
    }

    private static void Await(int pid, TimeProvider clock)
    {
        var start = clock.GetTimestamp();
        using var never = new ManualResetEventSlim();
        while (Posix.PeekExit(pid) is null && clock.GetElapsedTime(start) < s_patience)
        {
            never.Wait(1);
        }

        Posix.Reap(pid);
    }
}
