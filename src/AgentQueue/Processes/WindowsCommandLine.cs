using System.Collections.Frozen;
using System.Text;

namespace AgentQueue.Processes;

/// <summary>
/// The one text that a Windows program gets in place of arguments, written so that programs of the C
/// runtime, which are nearly all, read from it exactly the arguments that were meant. Pure.
/// </summary>
internal static class WindowsCommandLine
{
    // CreateProcess takes 32,767 characters with the closing NUL, cmd.exe 8,191.
    private const int Longest = 32_766;
    private const int LongestForBatch = 8_190;

    private static readonly FrozenSet<char> s_plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./\\:+@".ToFrozenSet();

    /// <summary>What CreateProcess needs to start a program, or a batch file by way of cmd.exe.</summary>
    /// <param name="executable">Absolute.</param>
    /// <param name="shell">The absolute path of cmd.exe.</param>
    /// <exception cref="LaunchException">It cannot be said without being read as something else.</exception>
    public static (string Executable, string CommandLine) Of(
        string executable,
        IReadOnlyList<string> arguments,
        string shell
    )
    {
        foreach (var argument in arguments)
        {
            if (argument.Contains('\0', StringComparison.Ordinal))
            {
                throw new LaunchException(
                    $"Cannot start {executable}: an argument contains a NUL character"
                );
            }
        }

        var isBatch = IsBatch(executable);
        var line = isBatch ? ForBatch(executable, arguments, shell) : Join(executable, arguments);
        return line.Length <= (isBatch ? LongestForBatch : Longest)
            ? (isBatch ? shell : executable, line)
            : throw new LaunchException(
                $"Cannot start {executable}: its arguments are longer than Windows allows; let it take the prompt from standard input or a file"
            );
    }

    /// <summary>The program's name and the arguments, each quoted as far as it needs to be.</summary>
    public static string Join(string program, IReadOnlyList<string> arguments)
    {
        // The name is read up to its closing quote, whatever stands in it.
        var line = new StringBuilder().Append('"').Append(program).Append('"');
        foreach (var argument in arguments)
        {
            line.Append(' ');
            Append(line, argument);
        }

        return line.ToString();
    }

    /// <summary>The arguments that a program reads from a command line, its name first.</summary>
    public static List<string> Split(string line)
    {
        var arguments = new List<string>();
        var at = 0;
        if (line.Length == 0)
        {
            return arguments;
        }

        var name = new StringBuilder();
        for (var quoted = false; at < line.Length && (quoted || !IsBlank(line[at])); at++)
        {
            if (line[at] == '"')
            {
                quoted = !quoted;
            }
            else
            {
                name.Append(line[at]);
            }
        }

        arguments.Add(name.ToString());
        while (true)
        {
            while (at < line.Length && IsBlank(line[at]))
            {
                at++;
            }

            if (at == line.Length)
            {
                return arguments;
            }

            arguments.Add(ReadOne(line, ref at));
        }
    }

    /// <summary>
    /// An environment as CreateProcess takes it: sorted by name without regard to case, each entry ended by
    /// a NUL, one more at the end.
    /// </summary>
    /// <param name="entries"><c>KEY=VALUE</c>; of two with one name the later counts.</param>
    public static string EnvironmentBlock(IReadOnlyList<string> entries)
    {
        var sorted = new SortedDictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in entries)
        {
            // The hidden variables with a drive's current folder begin with '='.
            var equals = entry.Length == 0 ? -1 : entry.IndexOf('=', 1);
            if (equals > 0 && !entry.Contains('\0', StringComparison.Ordinal))
            {
                sorted[entry[..equals]] = entry;
            }
        }

        return sorted.Count == 0 ? "\0\0" : string.Join('\0', sorted.Values) + "\0\0";
    }

    // Backslashes are themselves, except before a quote: there, and before the closing quote, two mean one.
    private static void Append(StringBuilder line, string argument)
    {
        if (argument.Length > 0 && !argument.AsSpan().ContainsAny(" \t\n\v\""))
        {
            line.Append(argument);
            return;
        }

        line.Append('"');
        var backslashes = 0;
        foreach (var c in argument)
        {
            if (c == '\\')
            {
                backslashes++;
                continue;
            }

            line.Append('\\', c == '"' ? (2 * backslashes) + 1 : backslashes).Append(c);
            backslashes = 0;
        }

        line.Append('\\', 2 * backslashes).Append('"');
    }

    private static string ReadOne(string line, ref int at)
    {
        var argument = new StringBuilder();
        var quoted = false;
        while (at < line.Length && (quoted || !IsBlank(line[at])))
        {
            var backslashes = 0;
            while (at < line.Length && line[at] == '\\')
            {
                backslashes++;
                at++;
            }

            if (at == line.Length || line[at] != '"')
            {
                argument.Append('\\', backslashes);
                if (at < line.Length && (quoted || !IsBlank(line[at])))
                {
                    argument.Append(line[at++]);
                }

                continue;
            }

            argument.Append('\\', backslashes / 2);
            if (backslashes % 2 == 1)
            {
                argument.Append('"');
            }
            else if (quoted && at + 1 < line.Length && line[at + 1] == '"')
            {
                argument.Append('"');
                at++;
            }
            else
            {
                quoted = !quoted;
            }

            at++;
        }

        return argument.ToString();
    }

    // cmd.exe reads the line a second time, by rules of its own, and runs what it finds. What quoting cannot
    // keep from it is refused.
    private static string ForBatch(string script, IReadOnlyList<string> arguments, string shell)
    {
        var line = new StringBuilder();
        line.Append('"').Append(shell).Append("\" /d /s /v:off /c \"\"");
        line.Append(Checked(script, script)).Append('"');
        foreach (var argument in arguments)
        {
            line.Append(' ');
            if (argument.Length > 0 && argument.All(s_plain.Contains))
            {
                line.Append(argument);
                continue;
            }

            var trailing = argument.Length - argument.TrimEnd('\\').Length;
            line.Append('"').Append(Checked(argument, script)).Append('\\', trailing).Append('"');
        }

        return line.Append('"').ToString();
    }

    private static string Checked(string text, string script) =>
        text.AsSpan().ContainsAny("\"%!\r\n")
            ? throw new LaunchException(
                $"Cannot start {script}: it is a batch file, and in one of its arguments cmd.exe would read \" % ! or a line break as something else; name the program behind it, or let it take the prompt from standard input or a file"
            )
            : text;

    private static bool IsBatch(string executable) =>
        executable.EndsWith(".cmd", StringComparison.OrdinalIgnoreCase)
        || executable.EndsWith(".bat", StringComparison.OrdinalIgnoreCase);

    private static bool IsBlank(char c) => c is ' ' or '\t';
}
