using System.Globalization;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>Telling what <c>clean</c> and <c>archive</c> did, or would do.</summary>
internal static class MovedTasks
{
    /// <summary>Ids on stdout, how many and what was left on stderr.</summary>
    /// <param name="what">What happened to them: <c>removed</c>.</param>
    public static ExitCode Tell(
        Session session,
        string what,
        IReadOnlyList<TaskId> moved,
        IReadOnlyList<Refusal> refused,
        bool dryRun = false,
        Action<Utf8JsonWriter>? more = null
    )
    {
        foreach (var refusal in refused)
        {
            Session.Screen.Error(new QueueException(refusal.Message, refusal.Hint));
        }

        if (session.Json)
        {
            Print(what, moved, refused, dryRun, more);
        }
        else
        {
            foreach (var id in moved)
            {
                Session.Screen.Line($"{id} {(dryRun ? "would be " : "")}{what}");
            }

            if (moved.Count > Confirmation.Unasked)
            {
                Session.Screen.Talk(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{moved.Count} tasks {(dryRun ? "would be " : "")}{what}"
                    )
                );
            }
        }

        return refused.Count > 0 ? ExitCode.Refused : ExitCode.Ok;
    }

    /// <summary>What could not be chosen because nobody can tell if it has ended.</summary>
    public static void TellOfUnreadable(Session session, TaskSelection selection)
    {
        foreach (var bad in selection.Unreadable)
        {
            Session.Screen.Talk(StatusCommand.WarningOf(session.Queue, bad), Tone.Warn);
        }
    }

    private static void Print(
        string what,
        IReadOnlyList<TaskId> moved,
        IReadOnlyList<Refusal> refused,
        bool dryRun,
        Action<Utf8JsonWriter>? more
    ) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteBoolean("dryRun"u8, dryRun);
                w.WriteStartArray(what);
                foreach (var id in moved)
                {
                    w.WriteStringValue(id.Value);
                }

                w.WriteEndArray();
                w.WriteStartArray("refused"u8);
                foreach (var refusal in refused)
                {
                    w.WriteStringValue(refusal.Message);
                }

                w.WriteEndArray();
                more?.Invoke(w);
            }
        );

    /// <summary>Says that tasks of runs were left, and what takes them.</summary>
    public static void TellOfRuns(TaskSelection selection)
    {
        if (selection.LeftForRuns > 0)
        {
            Session.Screen.Talk(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Left: tasks that belong to runs of plans ({selection.LeftForRuns}); agentq plan clean removes runs"
                )
            );
        }
    }
}
