using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>What /proc tells about a process.</summary>
internal sealed class LiveProcess(int pid)
{
    public string[] Arguments => File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');

    /// <summary>Resident memory, in MiB.</summary>
    public double Resident => Mebibytes("status", "VmRSS:");

    /// <summary>Memory with shared pages divided among those who share them, in MiB.</summary>
    public double Proportional => Mebibytes("smaps_rollup", "Pss:");

    /// <summary>User and system time, in clock ticks.</summary>
    public long CpuTicks
    {
        get
        {
            // The command, in parentheses, may hold blanks: count from behind it, where field 3 begins.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[11], CultureInfo.InvariantCulture)
                + long.Parse(fields[12], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>
    /// User and system time of all its threads, as the scheduler counts it: ticks are taken by samples, and
    /// hardly ever meet who works for a tenth of one.
    /// </summary>
    public TimeSpan Cpu =>
        TimeSpan.FromMicroseconds(
            Directory
                .EnumerateDirectories($"/proc/{pid}/task")
                .Sum(static thread =>
                    long.Parse(
                        File.ReadAllText(thread + "/schedstat").Split(' ')[0],
                        CultureInfo.InvariantCulture
                    )
                ) / 1000.0
        );

    private double Mebibytes(string file, string key)
    {
        var line = File.ReadLines($"/proc/{pid}/{file}")
            .First(l => l.StartsWith(key, StringComparison.Ordinal));
        var number = line[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
        return double.Parse(number, CultureInfo.InvariantCulture) / 1024;
    }
}
