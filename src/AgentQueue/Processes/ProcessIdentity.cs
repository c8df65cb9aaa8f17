using System.Globalization;
using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>
/// Which process is meant, beyond its number: numbers are reused within a boot, across boots, and mean
/// other processes in other containers. Equal values mean the same process.
/// </summary>
/// <param name="Machine">Host name, boot and pid namespace, in one opaque text.</param>
/// <param name="StartTicks">Field 22 of <c>/proc/PID/stat</c>; on other systems the start time in its finest unit.</param>
internal readonly record struct ProcessIdentity(string Machine, int Pid, long StartTicks)
{
    /// <summary>This process.</summary>
    public static ProcessIdentity Own =>
        Of(Environment.ProcessId) ?? new(ThisMachine, Environment.ProcessId, 0);

    /// <summary>The machine, boot and pid namespace that this process sees.</summary>
    public static string ThisMachine { get; } = ReadMachine();

    /// <summary>The living process of that number, or null; a zombie is not alive.</summary>
    public static ProcessIdentity? Of(int pid) =>
        ProcessTable.Read(pid) is { IsZombie: false } p
            ? new ProcessIdentity(ThisMachine, pid, p.StartTicks)
            : null;

    /// <summary>True if a record was made where our process numbers mean the same processes.</summary>
    public bool IsHere => Machine == ThisMachine;

    /// <summary>True while exactly this process lives.</summary>
    public bool IsAlive => IsHere && Pid > 1 && Of(Pid) == this;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Pid} {StartTicks} {Machine}");

    public static bool TryParse(string text, out ProcessIdentity identity)
    {
        identity = default;
        var parts = text.Split(' ', 3);
        if (
            parts.Length != 3
            || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            || !long.TryParse(
                parts[1],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var start
            )
        )
        {
            return false;
        }

        identity = new ProcessIdentity(parts[2], pid, start);
        return true;
    }

    private static string ReadMachine()
    {
        var text = new StringBuilder(Environment.MachineName);
        text.Append('/').Append(Boot()).Append('/').Append(Namespace());
        return text.Replace(' ', '_').ToString();
    }

    private static string Boot()
    {
        try
        {
            // On Windows the start time, absolute and in units of 100 ns, tells boots apart.
            return OperatingSystem.IsLinux()
                    ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()
                : OperatingSystem.IsMacOS() ? MacOs.Text("kern.bootsessionuuid") ?? "-"
                : "-";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without /proc identities carry less; start ticks are missing then too and nothing matches.
            return "-";
        }
    }

    private static string Namespace()
    {
        try
        {
            return OperatingSystem.IsLinux()
                ? new FileInfo("/proc/self/ns/pid").LinkTarget ?? "-"
                : "-";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As above.
            return "-";
        }
    }
}
