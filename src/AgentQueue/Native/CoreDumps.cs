using System.Runtime.InteropServices;

namespace AgentQueue.Native;

/// <summary>
/// A supervisor has its caller's whole environment in memory, secrets included, and is to leave no image of
/// it on a disk when it crashes. What it starts gets the limit back that the caller had chosen.
/// </summary>
internal static unsafe partial class CoreDumps
{
    private const int RLIMIT_CORE = 4;

    private static Limit? s_before;

    /// <summary>For this process, from now on.</summary>
    public static void Forbid()
    {
        Limit limit;
        if (GetLimit(RLIMIT_CORE, &limit) == 0 && limit.Soft != 0)
        {
            s_before = limit;
            Set(limit with { Soft = 0 });
        }
    }

    /// <summary>Until the end of the scope child processes are started with the limit that was there before.</summary>
    public static Scope AsBefore()
    {
        if (s_before is { } before)
        {
            Set(before);
        }

        return new Scope(s_before);
    }

    public readonly ref struct Scope(Limit? before)
    {
        public void Dispose()
        {
            if (before is { } limit)
            {
                Set(limit with { Soft = 0 });
            }
        }
    }

    // The hard limit stays, so this cannot fail for lack of rights.
    private static void Set(Limit limit) => _ = SetLimit(RLIMIT_CORE, &limit);

    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct Limit(ulong Soft, ulong Hard);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, Limit* limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, Limit* limit);
}
