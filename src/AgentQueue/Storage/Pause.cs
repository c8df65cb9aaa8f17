using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>A short, bounded wait between two tries of something that has no event to wait for.</summary>
internal static class Pause
{
    public static void For(TimeSpan time)
    {
        if (!OperatingSystem.IsWindows())
        {
            // The runtime's own waits turn in circles first, beside those whose end they wait for.
            Posix.Sleep(time);
            return;
        }

        using var never = new ManualResetEventSlim();
        never.Wait(time);
    }

    // Jitter, or those who were refused together come back together.
    public static void About(TimeSpan time) =>
        For(time * (0.75 + (Random.Shared.NextDouble() / 2)));
}
