using System.Text;

namespace AgentQueue.Processes;

/// <summary>One process, as the system lists it.</summary>
/// <param name="StartTicks">As in <see cref="ProcessIdentity"/>; 0 where the system does not tell.</param>
/// <param name="IsZombie">It has ended, and somebody still holds its number.</param>
internal readonly record struct ProcessEntry(int Pid, int Parent, long StartTicks, bool IsZombie);

/// <summary>Reading the system's list of processes.</summary>
internal static partial class ProcessTable
{
    /// <summary>The entry of one process, or null if there is none or the system does not tell.</summary>
    public static ProcessEntry? Read(int pid) =>
        OperatingSystem.IsLinux() ? ReadLinux(pid)
        : OperatingSystem.IsMacOS() ? ReadMac(pid)
        : OperatingSystem.IsWindows() ? ReadWindows(pid)
        : null;

    /// <summary>Every process that can be seen.</summary>
    public static List<ProcessEntry> All() =>
        OperatingSystem.IsLinux() ? AllLinux()
        : OperatingSystem.IsMacOS() ? AllMac()
        : OperatingSystem.IsWindows() ? AllWindows()
        : [];

    /// <summary>
    /// True if the process's environment holds this entry (<c>KEY=VALUE</c>); false if it may not be read,
    /// which it never may on Windows, where a job keeps what belongs together.
    /// </summary>
    public static bool HasEnvironment(int pid, string entry) =>
        EnvironmentOf(pid) is { } content && Contains(content, Encoding.UTF8.GetBytes(entry));

    /// <summary>The value of a variable in the process's environment; null if it has none or may not be read.</summary>
    public static string? EnvironmentValue(int pid, string name)
    {
        ReadOnlySpan<byte> environment = EnvironmentOf(pid);
        var key = Encoding.UTF8.GetBytes(name + "=");
        while (!environment.IsEmpty)
        {
            var end = environment.IndexOf((byte)0);
            var item = end < 0 ? environment : environment[..end];
            if (item.StartsWith(key))
            {
                return Encoding.UTF8.GetString(item[key.Length..]);
            }

            environment = end < 0 ? [] : environment[(end + 1)..];
        }

        return null;
    }

    /// <summary>True if the process has this file open; false if that may not be seen, as only Linux lets one.</summary>
    public static bool HasOpen(int pid, string path) =>
        OperatingSystem.IsLinux() && HasOpenLinux(pid, path);

    /// <summary>True if the process runs the same executable as this one; false if that may not be seen.</summary>
    public static bool IsThisProgram(int pid) =>
        OperatingSystem.IsLinux() && IsThisProgramLinux(pid);

    /// <summary>The process's command line, NUL-separated; empty if it may not be read.</summary>
    public static string CommandLine(int pid)
    {
        if (OperatingSystem.IsWindows())
        {
            return string.Join('\0', WindowsCommandLine.Split(CommandLineOfWindows(pid))) + "\0";
        }

        var content =
            OperatingSystem.IsLinux() ? ReadProc(pid, "cmdline", 4096)
            : OperatingSystem.IsMacOS() ? ArgumentsOfMac(pid)
            : null;
        return content is null ? "" : Encoding.UTF8.GetString(content);
    }

    private static byte[]? EnvironmentOf(int pid) =>
        OperatingSystem.IsLinux() ? ReadProc(pid, "environ", 1 << 20)
        : OperatingSystem.IsMacOS() ? EnvironmentOfMac(pid)
        : null;

    private static bool Contains(ReadOnlySpan<byte> environment, ReadOnlySpan<byte> entry)
    {
        while (!environment.IsEmpty)
        {
            var end = environment.IndexOf((byte)0);
            var item = end < 0 ? environment : environment[..end];
            if (item.SequenceEqual(entry))
            {
                return true;
            }

            environment = end < 0 ? [] : environment[(end + 1)..];
        }

        return false;
    }
}
