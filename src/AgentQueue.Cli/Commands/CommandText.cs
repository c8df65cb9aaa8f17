using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>The exact command of a task, as it could be typed into a shell.</summary>
internal static class CommandText
{
    public static string Of(Session session, AgentTask task)
    {
        try
        {
            var plan = session.Project.Planner.Plan(task);
            var line = ShellWords.Join(plan.ShownArguments.Prepend(plan.Executable));
            return plan.PromptOnInput
                ? $"{line} < {ShellWords.Quote(session.Queue.PromptFile(task.Id))}"
                : line;
        }
        catch (QueueException e)
        {
            return $"cannot be started: {e.Message}";
        }
    }

    public static void Write(Utf8JsonWriter w, Session session, AgentTask task)
    {
        try
        {
            var plan = session.Project.Planner.Plan(task);
            w.WriteStartArray("command"u8);
            w.WriteStringValue(plan.Executable);
            foreach (var argument in plan.ShownArguments)
            {
                w.WriteStringValue(argument);
            }

            w.WriteEndArray();
            w.WriteString("workingFolder"u8, plan.WorkingFolder);
        }
        catch (QueueException e)
        {
            w.WriteString("problem"u8, e.Message);
        }
    }
}
