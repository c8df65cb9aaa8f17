using System.Globalization;
using System.Text;

namespace AgentQueue.Cli;

/// <summary>Reading a prompt, a batch or a list from a file or standard input: UTF-8, checked, bounded.</summary>
internal static class InputText
{
    // A batch holds many prompts; a single one is checked again where it is stored.
    private const int Longest = 64 << 20;

    /// <summary>
    /// Refuses arguments that are no text: the runtime has put U+FFFD in the place of such bytes, and an
    /// agent would get what nobody typed. An honest U+FFFD passes.
    /// </summary>
    public static void CheckArguments(string[] args)
    {
        if (
            OperatingSystem.IsLinux()
            && Array.Exists(args, static a => a.Contains('\uFFFD', StringComparison.Ordinal))
            && !System.Text.Unicode.Utf8.IsValid(File.ReadAllBytes("/proc/self/cmdline"))
        )
        {
            throw QueueException.Usage(
                "An argument is not valid UTF-8",
                "Put a prompt that is not typed into a file: --prompt-file FILE"
            );
        }
    }

    public static string FromFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Read(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot read {path}: {e.Message}", cause: e);
        }
    }

    public static string FromStandardInput()
    {
        using var input = OpenStandardInput();
        return Read(input, "standard input");
    }

    // Starting the console costs Unix milliseconds; on Windows handle 0 is not the standard input.
    public static Stream OpenStandardInput() =>
        OperatingSystem.IsWindows()
            ? Console.OpenStandardInput()
            : new FileStream(
                new Microsoft.Win32.SafeHandles.SafeFileHandle(0, ownsHandle: false),
                FileAccess.Read
            );

    /// <summary>
    /// What is typed up to the end of the line; null if the input ends before anything is. Not by <see cref="Console"/>, which would send the terminal
    /// escape sequences on stdout.
    /// </summary>
    public static string? LineFromStandardInput()
    {
        const int Longest = 200;
        using var input = new FileStream(
            new Microsoft.Win32.SafeHandles.SafeFileHandle(0, ownsHandle: false),
            FileAccess.Read,
            bufferSize: 0
        );
        var line = new StringBuilder();
        var typed = 0;
        while (line.Length < Longest && (typed = input.ReadByte()) is >= 0 and not '\n')
        {
            line.Append((char)typed);
        }

        return typed < 0 && line.Length == 0 ? null : line.ToString();
    }

    public static string Read(Stream stream, string name)
    {
        using var memory = new MemoryStream();
        var buffer = new byte[81920];
        int n;
        while ((n = stream.Read(buffer)) > 0)
        {
            memory.Write(buffer, 0, n);
            if (memory.Length > Longest)
            {
                throw QueueException.Usage(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"There is more than {Longest >> 20} MiB in {name}"
                    )
                );
            }
        }

        var bytes = memory.GetBuffer().AsSpan(0, (int)memory.Length);
        if (bytes.StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }

        try
        {
            return s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw QueueException.Usage($"What {name} holds is not valid UTF-8");
        }
    }

    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);
}
