using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>The exact command of a task, as it could be typed into a shell.</summary>
internal static class CommandText
{
    private const string Safe =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:=@%+,";

    public static string Of(Session session, AgentTask task)
    {
        try
        {
            var plan = session.Project.Planner.Plan(task);
            var line = string.Join(' ', plan.Arguments.Prepend(plan.Executable).Select(Quote));
            return plan.PromptOnInput
                ? $"{line} < {Quote(session.Queue.PromptFile(task.Id))}"
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
            foreach (var argument in plan.Arguments)
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

    public static string Quote(string text) =>
        text.Length > 0 && text.All(Safe.Contains)
            ? text
            : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
