using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>
/// Starts this program again as a supervisor that outlives its caller: a session of its own, nothing of
/// the caller's terminal or pipes, and the task's lock inherited, so that there is no moment in which
/// nobody holds it. The supervisor's report comes over a pipe that it closes once the agent runs. What runs
/// hooks is started in the same way, and inherits nothing at all.
/// </summary>
internal static partial class DetachedLaunch
{
    /// <summary>The hidden verb.</summary>
    public const string Verb = "__supervise";

    /// <summary>The hidden verb of what runs an event's hooks.</summary>
    public const string HookVerb = "__hook";

    /// <param name="arguments">What follows the hidden verb.</param>
    /// <param name="environment">The whole environment, as <c>KEY=VALUE</c>.</param>
    /// <param name="lockDescriptor">The held lock to hand over; −1 for none.</param>
    /// <exception cref="QueueException">The system would not start it.</exception>
    public static SupervisorReport Start(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment,
        nint lockDescriptor
    ) =>
        OperatingSystem.IsWindows()
            ? StartWindows(arguments, environment, lockDescriptor)
            : StartUnix(arguments, environment, (int)lockDescriptor);

    /// <summary>Starts what runs hooks, and has nothing more to do with it.</summary>
    /// <param name="arguments">What follows the hidden verb.</param>
    /// <param name="environment">The whole environment, as <c>KEY=VALUE</c>.</param>
    /// <exception cref="QueueException">The system would not start it.</exception>
    public static void StartHooks(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment
    )
    {
        if (OperatingSystem.IsWindows())
        {
            StartHooksWindows(arguments, environment);
        }
        else
        {
            StartHooksUnix(arguments, environment);
        }
    }

    /// <summary>True if that process is a supervisor of this project.</summary>
    public static bool IsSupervisorOf(int pid, string projectRoot)
    {
        var line = ProcessTable.CommandLine(pid);
        return line.Contains($"\0{Verb}\0", StringComparison.Ordinal)
            && line.Contains($"\0{projectRoot}\0", StringComparison.Ordinal);
    }

    /// <summary>
    /// True if that process is one of our supervisors, or runs hooks: whoever started it has no say over it.
    /// </summary>
    public static bool StandsApart(int pid)
    {
        var line = ProcessTable.CommandLine(pid);
        return line.Contains($"\0{Verb}\0", StringComparison.Ordinal)
            || line.Contains($"\0{HookVerb}\0", StringComparison.Ordinal);
    }

    /// <summary>Lets go of the supervisors that have ended, for a launcher that lives on. It must have no other children.</summary>
    public static void ReapEnded()
    {
        if (!OperatingSystem.IsWindows())
        {
            Posix.ReapOthers(kept: 0);
        }
    }

    /// <summary>How to call this program again, in a newer version if its file has been replaced meanwhile.</summary>
    public static (string Path, string[] First) ProgramByPath()
    {
        var path = Environment.ProcessPath ?? "/proc/self/exe";
        return Path.GetFileNameWithoutExtension(path) == "dotnet"
            ? (path, [Path.Join(AppContext.BaseDirectory, "agentq.dll")])
            : (path, []);
    }

    // The running program itself, even if its file has been replaced since by a newer one.
    private static (string Program, string[] First) Program() =>
        ProgramByPath() is var (path, first) && first is [] && OperatingSystem.IsLinux()
            ? ("/proc/self/exe", [])
            : (path, first);
}

/// <summary>What a new supervisor has to say: one line once its agent runs, or why it does not.</summary>
internal abstract class SupervisorReport(int pid)
{
    public int Pid { get; } = pid;

    /// <summary>
    /// The line, waited for at most that long; null if the supervisor ended, or is still silent, without one.
    /// </summary>
    public string? Read(TimeSpan patience)
    {
        var text = new StringBuilder();
        Span<byte> buffer = stackalloc byte[4096];
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        while (clock.GetElapsedTime(start) < patience)
        {
            var n = ReadSome(buffer, patience - clock.GetElapsedTime(start));
            if (n is { } count)
            {
                if (count <= 0)
                {
                    break;
                }

                text.Append(Encoding.UTF8.GetString(buffer[..count]));
            }
        }

        Close();
        return text.Length == 0 ? null : text.ToString().TrimEnd('\n');
    }

    /// <summary>Null if there was nothing in that time; 0 or less at the end.</summary>
    protected abstract int? ReadSome(Span<byte> buffer, TimeSpan wait);

    protected abstract void Close();
}
