using System.Globalization;
using System.Text;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>The Markdown document beside each task in which the agent keeps its working plan.</summary>
internal static class PlanFiles
{
    /// <summary>Writes the first version, unless there is one. Not synced: it can be made again.</summary>
    public static void Write(QueueFolder queue, AgentTask task, string? previousError = null)
    {
        if (task.Step is { Command.IsEmpty: false })
        {
            // No agent will look for it.
            return;
        }

        try
        {
            queue.Disk.WriteNew(
                queue.PlanFile(task.Id),
                Encoding.UTF8.GetBytes(Text(task, previousError)),
                // Stryker disable once Boolean: a sync would cost time and change nothing else
                sync: false
            );
        }
        catch (QueueException)
        {
            // There is one already, or it cannot be written: the task is stored and will run; to say that it
            // failed would have it queued twice.
        }
    }

    private static string Text(AgentTask task, string? previousError)
    {
        var text = new StringBuilder();
        if (previousError is null)
        {
            text.Append(CultureInfo.InvariantCulture, $"# Task: {task.Id}\n\n");
        }
        else
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"# Retry Attempt {task.RetryCount}/{task.MaxRetries}\n\n- Task: {task.Id}\n- Original: {task.Parent}\n\n## Previous error\n\n{previousError}\n\n"
            );
        }

        if (!task.DependsOn.IsEmpty)
        {
            text.Append("## Dependencies\n\n");
            foreach (var id in task.DependsOn)
            {
                text.Append(CultureInfo.InvariantCulture, $"- {id}\n");
            }

            text.Append('\n');
        }

        return text.Append("## Prompt\n\n").Append(task.Prompt).Append('\n').ToString();
    }
}
