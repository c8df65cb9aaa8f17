using System.Collections;
using System.Security.Cryptography;
using System.Text;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Storage;

namespace AgentQueue.Timing;

/// <summary>The schedulers of this machine and user.</summary>
internal static class SystemPrograms
{
    private const int MostOutput = 16 << 20;

    /// <summary>Those that agentq knows how to talk to, the preferred one first; none on Windows and macOS.</summary>
    public static IReadOnlyList<IScheduler> Schedulers(QueueFolder queue, TimeZoneInfo zone) =>
        OperatingSystem.IsLinux()
            ?
            [
                new SystemdScheduler(
                    queue.Disk,
                    queue.Durable,
                    HashOf(queue.ProjectRoot),
                    UnitFolder(),
                    Run,
                    zone
                ),
                new CrontabScheduler(HashOf(queue.ProjectRoot), Run, zone),
            ]
            : [];

    /// <summary>Tells projects of one user apart.</summary>
    public static string HashOf(string projectRoot) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(projectRoot)))[..12];

    /// <summary>How this very program is started anew.</summary>
    public static IReadOnlyList<string> Self()
    {
        var path =
            Environment.ProcessPath ?? throw new QueueException("agentq cannot tell its path");
        return Path.GetFileNameWithoutExtension(path) == "dotnet"
            ? [path, Path.Join(AppContext.BaseDirectory, "agentq.dll")]
            : [path];
    }

    private static string? UnitFolder()
    {
        var config = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
        var home = Environment.GetEnvironmentVariable("HOME");
        return Path.IsPathFullyQualified(config ?? "") ? Path.Join(config, "systemd", "user")
            : Path.IsPathFullyQualified(home ?? "") ? Path.Join(home, ".config", "systemd", "user")
            : null;
    }

    private static ProgramEnd? Run(
        string program,
        IReadOnlyList<string> arguments,
        ReadOnlyMemory<byte> input
    )
    {
        var path = Environment.GetEnvironmentVariable("PATH");
        if (
            ExecutableLookup.Find(program, path, Path.GetPathRoot(AppContext.BaseDirectory)!)
            is not { } found
        )
        {
            return null;
        }

        using var output = new MemoryStream();
        using var errors = new MemoryStream();
        var end = ForegroundProgram.Run(
            new ForegroundLaunch(found, arguments, "/", Environments(), input),
            (piece, isError) => (isError ? errors : output).Write(piece)
        );
        return output.Length > MostOutput
            ? throw new QueueException($"{program} printed more than {MostOutput >> 20} MiB")
            : new ProgramEnd(
                end.Exit.Code,
                output.ToArray(),
                Encoding.UTF8.GetString(errors.ToArray())
            );
    }

    // In English, because what it says is looked at.
    private static List<string> Environments()
    {
        var entries = new List<string> { "LC_ALL=C" };
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            if (entry.Key is not "LC_ALL")
            {
                entries.Add($"{entry.Key}={entry.Value}");
            }
        }

        return entries;
    }
}
