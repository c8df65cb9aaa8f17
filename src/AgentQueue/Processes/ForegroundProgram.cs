using System.Runtime.InteropServices;
using AgentQueue.Tasks;

namespace AgentQueue.Processes;

/// <param name="Executable">Absolute path.</param>
/// <param name="Arguments">Without the program's own name.</param>
/// <param name="Environment">The whole of it, as <c>KEY=VALUE</c>.</param>
/// <param name="Input">What it reads from standard input.</param>
internal sealed record ForegroundLaunch(
    string Executable,
    IReadOnlyList<string> Arguments,
    string WorkingFolder,
    IReadOnlyList<string> Environment,
    ReadOnlyMemory<byte> Input = default
)
{
    /// <summary>Null: as long as it likes, and what it leaves running is not waited for.</summary>
    public ProgramLimit? Limit { get; init; }

    /// <summary>Ctrl-C and TERM go to it instead of ending this process. A supervisor reads them itself.</summary>
    public bool PassesSignals { get; init; } = true;
}

/// <summary>
/// How long a program and all that it starts may take; what is left then is ended.
/// </summary>
/// <param name="Mark">
/// An entry of its environment that nothing else in the world has. Null for a program that stays in its own
/// process group: then only that is waited for and ended, whatever other children there are.
/// </param>
internal sealed record ProgramLimit(TimeSpan Time, string? Mark, TimeProvider Clock)
{
    /// <summary>
    /// Every orphan that comes to this process is taken for the program's: this process must have no other children
    /// than supervisors and what runs hooks. False where several programs run side by side; then only what descends
    /// from the program or carries its mark is its own.
    /// </summary>
    public bool Adopts { get; init; } = true;
}

/// <summary>Is shown what a program prints, as it comes; the bytes are there only during the call.</summary>
internal delegate void OutputPiece(ReadOnlySpan<byte> piece, bool isError);

/// <summary>How a program ended, and the end of what it printed on both streams, in the order in which it came.</summary>
internal sealed record ForegroundEnd(ExitStatus Exit, string Output, bool IsOutputCut)
{
    /// <summary>It was ended because its time was up.</summary>
    public bool TimedOut { get; init; }
}

/// <summary>
/// Runs a program for as long as a verb lasts: no shell, its input given, its output shown while it comes and
/// the end of it kept. Ctrl-C and TERM are passed on to it, so that how it ended can still be told. What it
/// leaves running in the background is not waited for.
/// </summary>
internal static partial class ForegroundProgram
{
    /// <summary>How much of the output is kept.</summary>
    public const int KeptOutput = 64 << 10;

    private const int PieceSize = 16 << 10;

    // What the program has left running is looked for this often, until its time is up.
    private const int LeftoverMilliseconds = 100;

    /// <summary>Between TERM and KILL, where there is a limit.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    /// <exception cref="QueueException">It could not be started.</exception>
    public static ForegroundEnd Run(ForegroundLaunch launch, OutputPiece show)
    {
        var tail = new OutputTail(KeptOutput);
        var (exit, timedOut) = OperatingSystem.IsWindows()
            ? RunOnWindows(launch, ShowAndKeep)
            : RunOnUnix(launch, ShowAndKeep);
        return new ForegroundEnd(exit, tail.ToString(), tail.IsCut) { TimedOut = timedOut };

        void ShowAndKeep(ReadOnlySpan<byte> piece, bool isError)
        {
            tail.Add(piece);
            show(piece, isError);
        }
    }

    private static QueueException Problem(ForegroundLaunch launch, int error) =>
        new(
            $"Cannot start {launch.Executable} in {launch.WorkingFolder}: {Marshal.GetPInvokeErrorMessage(error)}"
        );
}
