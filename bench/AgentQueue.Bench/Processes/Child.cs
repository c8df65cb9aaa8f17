using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace AgentQueue.Bench;

/// <summary>What one run of a program cost.</summary>
/// <param name="Cpu">User and system time, of the program and of what it waited for.</param>
internal readonly record struct Cost(int ExitCode, TimeSpan Wall, TimeSpan Cpu);

/// <summary>
/// Runs programs by posix_spawn and wait4: no shell, no pipes, no threads that would be measured along.
/// stdin is /dev/null, and what is printed goes to a file. A program that hangs is killed after two minutes.
/// </summary>
internal static class Child
{
    private const int SpaceForFileActions = 512;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <param name="environment">Variables beside this process's own, which loses every AGENTQ_ one.</param>
    public static Cost Run(
        string program,
        string[] arguments,
        string output,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        var begin = Stopwatch.GetTimestamp();
        var pid = Start(program, arguments, output, environment);
        return Await(pid, begin);
    }

    /// <summary>
    /// The most memory that a program held, in MiB. wait4 tells a child's maximum together with that of the
    /// process it was forked from, which is this large one; so a small shell starts the program and leaves,
    /// and this process, as subreaper, inherits it and asks for it alone.
    /// </summary>
    public static double PeakMemory(string program, string[] arguments, string output)
    {
        var (number, gate) = (output + ".pid", output + ".gate");
        using var bell = new Doorbell(gate);
        Native.BecomeSubreaper(true);
        try
        {
            // The program waits for the ring: one that ended before the shell might be reaped by it.
            const string Script = """
                g=$1; p=$2; o=$3; shift 3
                { read -r _ < "$g"; exec "$@" < /dev/null > "$o" 2> "$o.err"; } &
                echo $! > "$p"
                """;
            Run(
                "/bin/sh",
                ["-c", Script, "sh", gate, number, output, program, .. arguments],
                output + ".sh"
            );
            var pid = int.Parse(File.ReadAllText(number), CultureInfo.InvariantCulture);
            bell.RingIt();
            var waited = Native.Wait(pid, out var status, 0, out var usage);
            if (waited != pid || status != 0)
            {
                throw new BenchException(
                    $"{program} ended with status {status} while its memory was measured: {File.ReadAllText(output + ".err").Trim()}"
                );
            }

            return usage.MaximumKibibytes / 1024.0;
        }
        finally
        {
            File.Delete(gate);
            Native.BecomeSubreaper(false);
        }
    }

    private static Cost Await(int pid, long begin)
    {
        using var watchdog = new Timer(
            _ => _ = Native.Signal(pid, Native.Kill),
            null,
            s_patience,
            Timeout.InfiniteTimeSpan
        );
        if (Native.Wait(pid, out var status, 0, out var usage) != pid)
        {
            throw new BenchException($"wait4 failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        var wall = Stopwatch.GetElapsedTime(begin);
        var signal = status & 0x7f;
        var code = signal == 0 ? (status >> 8) & 0xff : 128 + signal;
        return new Cost(code, wall, usage.Cpu);
    }

    private static unsafe int Start(
        string program,
        string[] arguments,
        string output,
        IReadOnlyDictionary<string, string>? more
    )
    {
        var argv = Block([program, .. arguments]);
        var environment = Block(Environment(more));
        var actions = stackalloc byte[SpaceForFileActions];
        try
        {
            // SAFETY: glibc's and musl's posix_spawn_file_actions_t take 80 bytes; there are 512.
            Check(Native.InitFileActions(actions));
            Check(Native.AddOpen(actions, 0, "/dev/null", 0, 0));
            var write = Native.WriteOnly | Native.Create | Native.Truncate;
            Check(Native.AddOpen(actions, 1, output, write, 0x180));
            Check(Native.AddOpen(actions, 2, output + ".err", write, 0x180));
            Check(Native.Spawn(out var pid, program, actions, null, argv, environment));
            return pid;
        }
        finally
        {
            _ = Native.DestroyFileActions(actions);
            Free(argv);
            Free(environment);
        }

        void Check(int error)
        {
            if (error != 0)
            {
                throw new BenchException(
                    $"cannot start {program}: {Marshal.GetPInvokeErrorMessage(error)}"
                );
            }
        }
    }

    private static string[] Environment(IReadOnlyDictionary<string, string>? more) =>
        [
            .. System
                .Environment.GetEnvironmentVariables()
                .Cast<DictionaryEntry>()
                .Where(e => !((string)e.Key).StartsWith("AGENTQ_", StringComparison.Ordinal))
                .Where(e => more is null || !more.ContainsKey((string)e.Key))
                .Select(e => $"{e.Key}={e.Value}"),
            .. more?.Select(e => $"{e.Key}={e.Value}") ?? [],
        ];

    private static unsafe byte** Block(string[] texts)
    {
        var block = (byte**)NativeMemory.AllocZeroed((nuint)texts.Length + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Length; i++)
        {
            block[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }

        return block;
    }

    private static unsafe void Free(byte** block)
    {
        for (var text = block; *text is not null; text++)
        {
            Marshal.FreeCoTaskMem((nint)(*text));
        }

        NativeMemory.Free(block);
    }
}

/// <summary>A figure cannot be measured; the message says why.</summary>
internal class BenchException(string message) : Exception(message);

/// <summary>A figure needs a program that is not installed.</summary>
internal sealed class MissingToolException(string message) : BenchException(message);
