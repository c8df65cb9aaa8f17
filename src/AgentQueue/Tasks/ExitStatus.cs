using System.Globalization;

namespace AgentQueue.Tasks;

/// <summary>How a process ended: by itself with a code, or by a signal.</summary>
/// <param name="Code">0 to 255; 128 + n for signal n, as a shell reports it.</param>
/// <param name="Signal">The signal's number, or null.</param>
internal readonly record struct ExitStatus(int Code, int? Signal = null)
{
    public bool IsSuccess => Code == 0 && Signal is null;

    public static ExitStatus Exited(int code) => new(code);

    public static ExitStatus Killed(int signal) => new(128 + signal, signal);

    /// <summary>Reads what stands in <c>.exitcode</c>; the signal is not known from it.</summary>
    public static bool TryParse(string text, out ExitStatus status)
    {
        var ok = int.TryParse(
            text.AsSpan().Trim(),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var code
        );
        status = new ExitStatus(code);
        return ok && code <= 255;
    }

    /// <summary>In words: <c>exited with code 3</c>, <c>ended by signal 9 (KILL)</c>.</summary>
    public string Describe() =>
        Signal is { } n
            ? string.Create(CultureInfo.InvariantCulture, $"ended by signal {n}{NameOf(n)}")
            : string.Create(CultureInfo.InvariantCulture, $"exited with code {Code}");

    // The numbers that POSIX fixes, and those alike on Linux and macOS.
    private static string NameOf(int signal) =>
        signal switch
        {
            1 => " (HUP)",
            2 => " (INT)",
            3 => " (QUIT)",
            4 => " (ILL)",
            6 => " (ABRT)",
            8 => " (FPE)",
            9 => " (KILL)",
            11 => " (SEGV)",
            13 => " (PIPE)",
            14 => " (ALRM)",
            15 => " (TERM)",
            _ => "",
        };
}
