using System.Collections;
using System.Globalization;
using System.Text;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>Runs programs for tasks outside the queue, and records that it did, however they end.</summary>
internal sealed class OutsideCommands(QueueFolder queue, TimeProvider clock)
{
    // As a shell reports it.
    private const int NotStarted = 127;

    /// <exception cref="QueueException">It could not be started, or what it did not be shown or recorded.</exception>
    public ForegroundEnd Run(OutsideCommand command, OutputPiece show)
    {
        var at = clock.GetUtcNow();
        var begun = clock.GetTimestamp();
        QueueException? notShown = null;
        ForegroundEnd end;
        try
        {
            end = Start(command, Show);
        }
        catch (QueueException e)
        {
            Record(new ForegroundEnd(ExitStatus.Exited(NotStarted), e.Message, IsOutputCut: false));
            throw;
        }

        Record(end);
        return notShown is null ? end : throw notShown;

        // What cannot be shown any more must not keep the program from ending, nor that from being recorded.
        void Show(ReadOnlySpan<byte> piece, bool isError)
        {
            try
            {
                if (notShown is null)
                {
                    show(piece, isError);
                }
            }
            catch (QueueException e)
            {
                notShown = e;
            }
        }

        void Record(ForegroundEnd end) =>
            Add(
                new ActionRecord
                {
                    At = at,
                    Action = command.Action,
                    Arguments = [.. command.Line],
                    Subject = command.Subject.Value,
                    ExitCode = end.Exit.Code,
                    Took = clock.GetElapsedTime(begun),
                    Output = end.Output,
                    IsOutputCut = end.IsOutputCut,
                }
            );
    }

    private void Add(ActionRecord record)
    {
        try
        {
            new Records(queue).Add(record);
        }
        catch (QueueException e)
        {
            throw new QueueException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{record.Arguments[0]} ended with code {record.ExitCode}, but that could not be recorded: {e.Message}"
                ),
                e.Hint,
                cause: e
            );
        }
    }

    /// <summary>As <see cref="Run"/>, for what only looks: nothing is shown or recorded.</summary>
    public bool Succeeds(OutsideCommand command) =>
        Start(command, static (_, _) => { }).Exit.IsSuccess;

    private ForegroundEnd Start(OutsideCommand command, OutputPiece show)
    {
        if (!Directory.Exists(command.WorkingFolder))
        {
            throw new QueueException($"There is no folder {command.WorkingFolder}");
        }

        var path = Environment.GetEnvironmentVariable("PATH");
        var executable =
            ExecutableLookup.Find(command.Program, path, queue.ProjectRoot)
            ?? throw new QueueException(
                $"There is no program '{command.Program}' on the PATH",
                command.Program == "gh"
                    ? "Install the GitHub CLI (https://cli.github.com), then: gh auth login"
                    : "Install git: https://git-scm.com"
            );
        return ForegroundProgram.Run(
            new ForegroundLaunch(
                executable,
                command.Arguments,
                command.WorkingFolder,
                Inherited(),
                Encoding.UTF8.GetBytes(command.Input)
            ),
            show
        );
    }

    private static List<string> Inherited()
    {
        var entries = new List<string>();
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            entries.Add($"{entry.Key}={entry.Value}");
        }

        return entries;
    }
}
