using System.Runtime.InteropServices;

namespace AgentQueue.Native;

/// <summary>The terminal's line discipline, termios(3).</summary>
internal static unsafe partial class Linux
{
    // The largest of the C libraries' layouts has 60 bytes.
    private const int SettingsSize = 128;
    private const int LocalModesAt = 12;
    private const uint ICANON = 2;
    private const uint ECHO = 8;
    private const int TCSANOW = 0;

    /// <summary>
    /// From now on each key can be read by itself and is not shown; Ctrl-C and its like stay signals. The settings
    /// before, for <see cref="RestoreTerminal"/>; null if this is no terminal, or not ours to set now.
    /// </summary>
    public static byte[]? ReadSingleKeys(int fd)
    {
        var before = new byte[SettingsSize];
        fixed (byte* settings = before)
        {
            // SAFETY: the buffer is larger than the structure.
            if (!IsForeground(fd) || GetTerminal(fd, settings) != 0)
            {
                return null;
            }
        }

        var after = before.ToArray();
        fixed (byte* settings = after)
        {
            *(uint*)(settings + LocalModesAt) &= ~(ICANON | ECHO);
            return SetTerminal(fd, TCSANOW, settings) == 0 ? before : null;
        }
    }

    public static void RestoreTerminal(int fd, byte[] settings)
    {
        fixed (byte* start = settings)
        {
            // In the background this would stop us, and the settings are the shell's then.
            _ = IsForeground(fd) ? SetTerminal(fd, TCSANOW, start) : 0;
        }
    }

    public static bool IsTerminal(int fd) => IsATty(fd) == 1;

    /// <summary>True if the terminal's input is for this process; who reads it in the background is stopped.</summary>
    public static bool IsForeground(int fd) => TerminalGroup(fd) == ProcessGroup();

    [LibraryImport(Library, EntryPoint = "tcgetattr", SetLastError = true)]
    private static partial int GetTerminal(int fd, byte* settings);

    [LibraryImport(Library, EntryPoint = "tcsetattr", SetLastError = true)]
    private static partial int SetTerminal(int fd, int when, byte* settings);

    [LibraryImport(Library, EntryPoint = "tcgetpgrp", SetLastError = true)]
    private static partial int TerminalGroup(int fd);

    [LibraryImport(Library, EntryPoint = "isatty")]
    private static partial int IsATty(int fd);

    [LibraryImport(Library, EntryPoint = "getpgrp")]
    private static partial int ProcessGroup();
}
