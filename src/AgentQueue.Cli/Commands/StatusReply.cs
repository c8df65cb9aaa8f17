using System.Text.Json;
using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>The view of the queue as rows, as counts and as JSON.</summary>
internal static class StatusReply
{
    /// <param name="used">By the task; null if nobody knows.</param>
    public static StatusRow RowOf(TaskView view, Usage? used = null) =>
        new(
            view.Id.Value,
            view.Task.Parent is not null,
            view.Task.Agent,
            view.Status,
            view.IsHeld,
            view.IsWaiting,
            (view.Task.State as TaskState.Failed)?.Reason,
            view.Task.Prompt,
            view.Task.Name,
            view.Elapsed,
            view.Task.Timeout,
            view.Warning,
            view.Task.RetryCount,
            view.Task.MaxRetries,
            InfoOf(view, used is null ? "" : UsageText.Short(used))
        );

    private static string InfoOf(TaskView view, string used) =>
        view.Info.Length == 0 ? used
        : used.Length == 0 ? view.Info
        : $"{view.Info}; {used}";

    public static StatusSummary SummaryOf(StatusView view) =>
        new()
        {
            Pending = view.Counts.Pending,
            Held = view.Counts.Held,
            Waiting = view.Counts.Waiting,
            Running = view.Counts.Running,
            WithTimeout = view.Counts.WithTimeout,
            NearTimeout = view.Counts.NearTimeout,
            Complete = view.Counts.Complete,
            Failed = view.Counts.Failed,
            AutoRetry = view.Counts.AutoRetry,
            TimedOut = view.Counts.TimedOut,
            Cancelled = view.Counts.Cancelled,
            NotShown = view.FinishedNotShown,
            UnfinishedNotShown = view.UnfinishedNotShown,
        };

    public static void PrintJson(Session session, StatusView view) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                Write(w, session.Queue, view);
                if (StatusCommand.Bars(session, view) is { Count: > 0 } bars)
                {
                    w.WriteStartArray("notStarted"u8);
                    foreach (var bar in bars)
                    {
                        w.WriteStartObject();
                        w.WriteString("kind"u8, bar.IsBudget ? "budget" : "limit");
                        w.WriteString("reason"u8, bar.Reason);
                        w.WriteString("until"u8, bar.Until is { } at ? TimeText.Exact(at) : null);
                        w.WriteEndObject();
                    }

                    w.WriteEndArray();
                }
            }
        );

    /// <summary>The members that follow the version.</summary>
    public static void Write(Utf8JsonWriter w, QueueFolder queue, StatusView view)
    {
        WriteCounts(w, view.Counts);
        var usage = new ShownUsage(queue);
        w.WriteStartArray("tasks"u8);
        foreach (var task in view.Tasks)
        {
            TaskReply.Write(w, task.Task, more => WriteView(more, task, usage.Of(task)));
        }

        w.WriteEndArray();
        w.WriteNumber("notShown"u8, view.NotShown);
        w.WriteStartArray("unreadable"u8);
        foreach (var (id, reason) in view.Unreadable)
        {
            w.WriteStartObject();
            w.WriteString("taskId"u8, id.Value);
            w.WriteString("file"u8, queue.TaskFile(id));
            w.WriteString("reason"u8, reason);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    /// <summary>What follows from the moment and from other tasks, beside the members of the task's file.</summary>
    /// <param name="used">By the task; null if nobody knows, and then nothing is said of it.</param>
    public static void WriteView(Utf8JsonWriter w, TaskView view, Usage? used = null)
    {
        w.WriteBoolean("starting"u8, view.IsStarting);
        w.WriteBoolean("waiting"u8, view.IsWaiting);
        w.WriteStartArray("waitingFor"u8);
        foreach (var id in view.WaitingFor)
        {
            w.WriteStringValue(id.Value);
        }

        w.WriteEndArray();
        WriteSeconds(w, "startsInSeconds"u8, view.StartsIn);
        WriteSeconds(w, "retryInSeconds"u8, view.RetryIn);
        WriteSeconds(w, "elapsedSeconds"u8, view.Elapsed);
        WriteSeconds(w, "remainingSeconds"u8, view.Remaining);
        w.WriteBoolean("nearTimeout"u8, view.IsNearLimit);
        w.WriteString("info"u8, view.Info);
        if (used is not null)
        {
            ResultJson.WriteUsage(w, used);
        }
    }

    private static void WriteCounts(Utf8JsonWriter w, StatusCounts counts)
    {
        w.WriteStartObject("counts"u8);
        w.WriteNumber("total"u8, counts.Total);
        w.WriteNumber("pending"u8, counts.Pending);
        w.WriteNumber("held"u8, counts.Held);
        w.WriteNumber("waiting"u8, counts.Waiting);
        w.WriteNumber("running"u8, counts.Running);
        w.WriteNumber("withTimeout"u8, counts.WithTimeout);
        w.WriteNumber("nearTimeout"u8, counts.NearTimeout);
        w.WriteNumber("complete"u8, counts.Complete);
        w.WriteNumber("failed"u8, counts.Failed);
        w.WriteNumber("autoRetry"u8, counts.AutoRetry);
        w.WriteNumber("timedOut"u8, counts.TimedOut);
        w.WriteNumber("cancelled"u8, counts.Cancelled);
        w.WriteEndObject();
    }

    // To a tenth: enough for a countdown, and the same on every machine.
    private static void WriteSeconds(Utf8JsonWriter w, ReadOnlySpan<byte> name, TimeSpan? time)
    {
        if (time is { } length)
        {
            w.WriteNumber(name, Math.Round((decimal)length.TotalSeconds, 1));
        }
        else
        {
            w.WriteNull(name);
        }
    }
}
