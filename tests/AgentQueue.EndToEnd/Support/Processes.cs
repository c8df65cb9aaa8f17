using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace AgentQueue.EndToEnd;

/// <summary>Looking at processes, and ending those that carry a sandbox's mark.</summary>
internal static partial class Processes
{
    public const int Term = 15;
    public const int Hangup = 1;
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Stop = 19;

    /// <summary>Every living process whose environment holds the entry. A zombie has none.</summary>
    public static List<int> With(string entry)
    {
        var found = new List<int>();
        if (!OperatingSystem.IsLinux())
        {
            return found;
        }

        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                int.TryParse(
                    Path.GetFileName(folder),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var pid
                )
                && pid != Environment.ProcessId
                && Environ(pid).Contains(entry)
            )
            {
                found.Add(pid);
            }
        }

        return found;
    }

    /// <summary>True while it runs; a zombie has ended.</summary>
    public static bool IsAlive(int pid) => Stat(pid) is { } fields && fields[0] is not ("Z" or "X");

    /// <summary>
    /// True when nothing of it is left but a number: the first thread of a killed process may be a zombie
    /// while others still hold its files.
    /// </summary>
    public static bool IsGone(int pid)
    {
        try
        {
            return !IsAlive(pid)
                && Directory
                    .EnumerateDirectories(
                        string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task")
                    )
                    .Count() <= 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Reaped meanwhile.
            return true;
        }
    }

    /// <summary>When it was started, in the kernel's ticks.</summary>
    public static long StartTicks(int pid) =>
        long.Parse(Stat(pid)![19], CultureInfo.InvariantCulture);

    public static string CommandLine(int pid) => Read(pid, "cmdline").Replace('\0', ' ').Trim();

    /// <summary>The field of <c>/proc/PID/status</c>.</summary>
    public static string? Status(int pid, string field) =>
        Read(pid, "status")
            .Split('\n')
            .FirstOrDefault(l => l.StartsWith(field + ":", StringComparison.Ordinal))
            ?.Split(':', 2)[1]
            .Trim();

    /// <summary>True once the process has a handler of its own for the signal.</summary>
    public static bool Handles(int pid, int signal) =>
        ulong.TryParse(
            Status(pid, "SigCgt"),
            NumberStyles.HexNumber,
            CultureInfo.InvariantCulture,
            out var caught
        )
        && (caught & (1UL << (signal - 1))) != 0;

    public static void Signal(int pid, int signal)
    {
        Assert.True(pid > 1, $"{pid} is not a process to signal");
        _ = SendSignal(pid, signal);
    }

    /// <summary>
    /// Its environment; nothing of one that has ended. One that is just calling exec has none for a moment, and is
    /// asked again.
    /// </summary>
    public static string[] Environ(int pid)
    {
        var text = Read(pid, "environ");
        for (var looks = 0; text.Length == 0 && looks < 1000 && IsBetweenPrograms(pid); looks++)
        {
            Thread.Sleep(1);
            text = Read(pid, "environ");
        }

        return text.Split('\0');
    }

    /// <summary>True of the first process of a session.</summary>
    public static bool LeadsSession(int pid) =>
        Stat(pid) is { } fields && fields[3] == pid.ToString(CultureInfo.InvariantCulture);

    // It has memory, which a zombie and a thread of the kernel have not, and no arguments, which every program has.
    private static bool IsBetweenPrograms(int pid) =>
        Stat(pid) is { } fields
        && fields[0] is not ("Z" or "X")
        && fields[20] != "0"
        && Read(pid, "cmdline").Length == 0;

    // The fields from the third on: the name before them may itself hold blanks and parentheses.
    private static string[]? Stat(int pid)
    {
        var text = Read(pid, "stat");
        var close = text.LastIndexOf(')');
        return close < 0 ? null : text[(close + 2)..].Split(' ');
    }

    private static string Read(int pid, string file)
    {
        try
        {
            return Encoding.UTF8.GetString(
                File.ReadAllBytes(
                    string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{file}")
                )
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone meanwhile, or somebody else's.
            return "";
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
