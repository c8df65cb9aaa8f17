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
);

/// <summary>Is shown what a program prints, as it comes; the bytes are there only during the call.</summary>
internal delegate void OutputPiece(ReadOnlySpan<byte> piece, bool isError);

/// <summary>How a program ended, and the end of what it printed on both streams, in the order in which it came.</summary>
internal sealed record ForegroundEnd(ExitStatus Exit, string Output, bool IsOutputCut);

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

    /// <exception cref="QueueException">It could not be started.</exception>
    public static ForegroundEnd Run(ForegroundLaunch launch, OutputPiece show)
    {
        var tail = new OutputTail(KeptOutput);
        var exit = OperatingSystem.IsWindows()
            ? RunOnWindows(launch, ShowAndKeep)
            : RunOnUnix(launch, ShowAndKeep);
        return new ForegroundEnd(exit, tail.ToString(), tail.IsCut);

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
