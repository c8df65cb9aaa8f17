namespace AgentQueue.Config;

/// <summary>
/// Which program a command is. Never looks into the current folder, and takes no relative entry of PATH:
/// what a repository happens to contain must not become what a command means.
/// </summary>
internal static class ExecutableLookup
{
    private const UnixFileMode AnyExecute =
        UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>
    /// The absolute path of an executable file, or null. A command with a slash is relative to
    /// <paramref name="projectRoot"/>; any other is looked up in <paramref name="pathVariable"/>.
    /// </summary>
    public static string? Find(string command, string? pathVariable, string projectRoot)
    {
        if (command.Length == 0 || command.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }

        return IsPath(command)
            ? FirstExecutable(Path.GetFullPath(command, Path.GetFullPath(projectRoot)))
            : OnPath(command, pathVariable);
    }

    /// <summary>
    /// True for scripts that Windows hands to cmd.exe, which reads the arguments a second time and
    /// executes what it finds in them.
    /// </summary>
    public static bool IsBatchFile(string command) =>
        Path.GetExtension(command) is var extension
        && (
            extension.Equals(".cmd", StringComparison.OrdinalIgnoreCase)
            || extension.Equals(".bat", StringComparison.OrdinalIgnoreCase)
        );

    private static bool IsPath(string command) =>
        command.Contains('/', StringComparison.Ordinal)
        || (
            OperatingSystem.IsWindows()
            && (command.Contains('\\', StringComparison.Ordinal) || Path.IsPathRooted(command))
        );

    private static string? OnPath(string command, string? pathVariable)
    {
        foreach (var entry in (pathVariable ?? "").Split(Path.PathSeparator))
        {
            // Windows users quote entries that have spaces, though nothing asks for it.
            var folder = OperatingSystem.IsWindows() ? entry.Trim('"') : entry;
            if (
                Path.IsPathFullyQualified(folder)
                && FirstExecutable(Path.Join(folder, command)) is { } found
            )
            {
                return found;
            }
        }

        return null;
    }

    private static string? FirstExecutable(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            return IsExecutable(path) ? path : null;
        }

        string[] extensions =
        [
            .. (Environment.GetEnvironmentVariable("PATHEXT") ?? ".COM;.EXE;.BAT;.CMD").Split(
                ';',
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
            ),
        ];
        return
            extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)
            && File.Exists(path)
            ? path
            : Array.Find([.. extensions.Select(extension => path + extension)], File.Exists);
    }

    private static bool IsExecutable(string path)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path))
        {
            return false;
        }

        try
        {
            return (File.GetUnixFileMode(path) & AnyExecute) != 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone since we looked, or not ours to look at: not a program for us either way.
            return false;
        }
    }
}
