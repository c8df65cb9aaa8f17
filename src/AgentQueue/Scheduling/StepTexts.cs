using System.Collections.Immutable;
using System.Text;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Fills in what the texts of a plan's task name of other tasks, when it starts: <c>${tasks.TASKID.log}</c>,
/// <c>.stderr</c>, <c>.result</c>, <c>.outputs</c>. Each text is filled in once; a task that was retried is its last retry.
/// </summary>
internal static class StepTexts
{
    private const string Begin = "${tasks." + TaskId.Prefix;

    /// <summary>The reference that a plan's text is stored with.</summary>
    public static string Reference(TaskId task, string fact) => $"${{tasks.{task}.{fact}}}";

    public static AgentTask Fill(QueueFolder queue, AgentTask task) =>
        task.Step is not { } step
            ? task
            : task with
            {
                Prompt = Fill(queue, task.Prompt),
                WorkingFolder = task.WorkingFolder is { } folder ? Fill(queue, folder) : null,
                Environment = task.Environment.SetItems(
                    task.Environment.Select(e =>
                        KeyValuePair.Create(e.Key, e.Value is { } v ? Fill(queue, v) : null)
                    )
                ),
                Step = step with { Command = [.. step.Command.Select(word => Fill(queue, word))] },
                Checks = task.Checks is { } checks
                    ? checks with
                    {
                        Commands =
                        [
                            .. checks.Commands.Select(command =>
                                ImmutableArray.CreateRange(command, word => Fill(queue, word))
                            ),
                        ],
                    }
                    : null,
            };

    /// <summary>The last task in a line of retries; itself if it was not retried, or is gone.</summary>
    public static AgentTask? Last(QueueFolder queue, TaskId id)
    {
        AgentTask? last = null;
        // Lines of retries are short; the bound is for files edited into a ring.
        for (var step = 0; step < 10_000; step++)
        {
            if (queue.Read(id) is not TaskRead.Found(var task, _))
            {
                return last;
            }

            last = task;
            if (task.State is not TaskState.Unsuccessful { RetriedBy: { } next })
            {
                return last;
            }

            id = next;
        }

        return last;
    }

    /// <summary>Why a task's condition does not hold; null if it does, or there is none.</summary>
    public static string? WhySkipped(QueueFolder queue, AgentTask task)
    {
        if (task.Step?.When is not { } when)
        {
            return null;
        }

        var other = Last(queue, when.Task);
        var name = other?.Step?.Node ?? when.Task.Value;
        if (when.Outcome is { } wanted)
        {
            // It has ended, or this one would wait; what is pending all the same will never start.
            var outcome = other?.State switch
            {
                null => "gone",
                TaskState.Pending or TaskState.Cancelled { Skipped: not null } => "skipped",
                var end => TaskJson.NameOf(end.Status),
            };
            return outcome == wanted ? null : $"{name} is {outcome}, not {wanted}";
        }

        var read = queue.Disk.Read(when.File!, LongestLookedAt);
        return read.Status switch
        {
            ReadStatus.Ok
                when Encoding
                    .UTF8.GetString(read.Content)
                    .Contains(when.Contains!, StringComparison.Ordinal) => null,
            ReadStatus.Ok => $"{when.File} does not contain '{when.Contains}'",
            ReadStatus.Missing => $"there is no {when.File}",
            ReadStatus.TooLarge => $"{when.File} is too large to look into",
            _ => $"{when.File} cannot be read",
        };
    }

    // Whoever wants to look into more wants a command.
    private const int LongestLookedAt = 16 << 20;

    private static string Fill(QueueFolder queue, string text)
    {
        var start = text.IndexOf(Begin, StringComparison.Ordinal);
        if (start < 0)
        {
            return text;
        }

        var filled = new StringBuilder();
        var from = 0;
        for (; start >= 0; start = text.IndexOf(Begin, from, StringComparison.Ordinal))
        {
            var end = text.IndexOf('}', start);
            if (end < 0)
            {
                break;
            }

            var name = text[(start + "${tasks.".Length)..end];
            var dot = name.LastIndexOf('.');
            var path =
                dot > 0 && TaskId.TryParse(name.AsSpan(0, dot), out var id)
                    ? PathOf(queue, id, name[(dot + 1)..])
                    : null;
            filled.Append(text, from, start - from).Append(path ?? text[start..(end + 1)]);
            from = end + 1;
        }

        return filled.Append(text, from, text.Length - from).ToString();
    }

    private static string? PathOf(QueueFolder queue, TaskId id, string fact)
    {
        var last = Last(queue, id);
        return fact switch
        {
            "log" => queue.LogFile(last?.Id ?? id),
            "stderr" => queue.ErrorLogFile(last?.Id ?? id),
            "result" => queue.TaskFile(last?.Id ?? id),
            "outputs" when RunId.Of(id) is { } run && last?.Step is { } step => ArtifactsOf(
                queue,
                run,
                step.Node
            ),
            _ => null,
        };
    }

    /// <summary>Where the artifacts of a node are kept.</summary>
    public static string ArtifactsOf(QueueFolder queue, RunId run, string node) =>
        Path.Join(queue.RunFolder(run), "artifacts", node);
}
