using System.Globalization;

namespace AgentQueue.Processes;

/// <summary>
/// What a supervisor finds open when it begins. On Unix they have fixed numbers; on Windows a handle keeps
/// the number that it has in the parent, which stands at the end of the command line.
/// </summary>
/// <param name="Report">The pipe for the word on how the start went.</param>
/// <param name="Lock">The held lock of the task; meaningless for a keeper, which has none.</param>
internal readonly record struct InheritedHandles(nint Report, nint Lock)
{
    /// <summary>The descriptors on Unix.</summary>
    public static readonly InheritedHandles OnUnix = new(3, 4);

    /// <param name="arguments">What follows the project's root.</param>
    public static InheritedHandles? Parse(IReadOnlyList<string> arguments) =>
        !OperatingSystem.IsWindows()
            ? arguments.Count == 0
                ? OnUnix
                : null
            : ParseNumbers(arguments);

    /// <summary>As <see cref="ParseNumbers"/> reads it.</summary>
    public string[] ToArguments() =>
        [
            Report.ToString(CultureInfo.InvariantCulture),
            Lock.ToString(CultureInfo.InvariantCulture),
        ];

    internal static InheritedHandles? ParseNumbers(IReadOnlyList<string> arguments) =>
        arguments is [var report, var heldLock]
        && nint.TryParse(report, NumberStyles.None, CultureInfo.InvariantCulture, out var pipe)
        && nint.TryParse(heldLock, NumberStyles.None, CultureInfo.InvariantCulture, out var held)
            ? new InheritedHandles(pipe, held)
            : null;
}
