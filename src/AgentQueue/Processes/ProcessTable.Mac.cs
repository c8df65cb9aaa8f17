using System.Buffers.Binary;
using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

internal static partial class ProcessTable
{
    [SupportedOSPlatform("macos")]
    private static List<ProcessEntry> AllMac()
    {
        var pids = MacOs.Pids();
        var all = new List<ProcessEntry>(pids.Length);
        foreach (var pid in pids)
        {
            if (ReadMac(pid) is { } entry)
            {
                all.Add(entry);
            }
        }

        return all;
    }

    [SupportedOSPlatform("macos")]
    private static ProcessEntry? ReadMac(int pid) =>
        MacOs.Info(pid) is { } p
            ? new ProcessEntry(pid, p.Parent, p.StartMicroseconds, p.IsZombie)
            : null;

    [SupportedOSPlatform("macos")]
    private static byte[]? ArgumentsOfMac(int pid) =>
        MacOs.Arguments(pid) is { } memory ? SplitProgramMemory(memory).Arguments : null;

    // Of programs that belong to the system, macOS does not show the environment.
    [SupportedOSPlatform("macos")]
    private static byte[]? EnvironmentOfMac(int pid) =>
        MacOs.Arguments(pid) is { } memory ? SplitProgramMemory(memory).Environment : null;

    /// <summary>The arguments and the environment out of what <c>KERN_PROCARGS2</c> gives.</summary>
    internal static (byte[] Arguments, byte[] Environment) SplitProgramMemory(
        ReadOnlySpan<byte> memory
    )
    {
        if (memory.Length < sizeof(int))
        {
            return ([], []);
        }

        var count = BinaryPrimitives.ReadInt32LittleEndian(memory);
        memory = memory[sizeof(int)..];
        // The program's path, then NULs up to a round address.
        memory = memory[Math.Max(0, memory.IndexOf((byte)0))..].TrimStart((byte)0);
        var end = 0;
        for (; count > 0 && end < memory.Length; count--)
        {
            var length = memory[end..].IndexOf((byte)0);
            end = length < 0 ? memory.Length : end + length + 1;
        }

        return (memory[..end].ToArray(), memory[end..].ToArray());
    }
}
