using System.Globalization;
using System.Text.Json;
using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Cli.Commands;

/// <summary>One task in full, as text and as JSON.</summary>
internal static class ShowReply
{
    public static IReadOnlyList<string> ToLines(
        TaskDetails details,
        string command,
        TextStyle style
    )
    {
        var fields = new Fields();
        AddState(fields, details);
        AddRequest(fields, details.Task, details.View.Now);
        // A configuration changes: of an ended task it only says what a retry would run.
        fields.Add(details.Task.IsFinished ? "Would run" : "Command", command);
        AddResult(fields, details.Result);
        AddLineage(fields, details);
        AddDependencies(fields, details);
        AddEvidence(fields, details);
        AddFiles(fields, details);
        if (details.LogTail.Length > 0)
        {
            fields.Heading("Last lines of the log");
            foreach (var line in details.LogTail.Split('\n'))
            {
                fields.Line("  " + line);
            }
        }

        fields.Heading("Next");
        var widest = details.Next.Max(static step => step.Command.Length);
        foreach (var (text, purpose) in details.Next)
        {
            fields.Line($"  {text.PadRight(widest)}  # {purpose}");
        }

        return [.. fields.ToLines(style)];
    }

    private static void AddState(Fields fields, TaskDetails details)
    {
        var (view, task) = (details.View, details.Task);
        var words = view.IsStarting ? "starting" : view.Word;
        var reason = (task.State as TaskState.Failed)?.Reason;
        fields.Line(
            task.Id.Value
                + (task.Name is { } name ? $"  {name}" : "")
                + (details.IsArchived ? "  (archived)" : "")
        );
        fields.Add("Status", reason is null ? words : $"{words} ({reason})", ToneOf(view));
        switch (task.State)
        {
            case TaskState.Failed failed:
                fields.Add("Error", failed.Message, Tone.Bad);
                fields.Add("Retry", RetryText(view));
                break;
            case TaskState.Complete complete:
                fields.Add("Note", complete.Note);
                break;
            case TaskState.Pending:
                fields.Add("Because", view.Info);
                break;
        }

        var now = view.Now;
        fields.Add("Created", Moment(task.CreatedAt, now));
        fields.Add(
            "Started",
            Moment(
                (task.State as TaskState.Running)?.StartedAt
                    ?? (task.State as TaskState.Finished)?.StartedAt,
                now
            )
        );
        fields.Add("Ended", Moment((task.State as TaskState.Finished)?.CompletedAt, now));
        var limit = task.Timeout is { } timeout ? $" of {Duration.Format(timeout)}" : "";
        fields.Add(
            "Time",
            view.Elapsed is { } elapsed ? Duration.Format(elapsed) + limit : null,
            view.IsNearLimit ? Tone.Warn : Tone.Plain
        );
        fields.Add("Exit code", Number((task.State as TaskState.Finished)?.ExitCode));
    }

    private static void AddRequest(Fields fields, AgentTask task, DateTimeOffset now)
    {
        fields.Heading("Request");
        fields.Add("Agent", task.Agent);
        fields.Add("Prompt", task.Prompt);
        fields.Add("Priority", Number(task.Priority));
        fields.Add("Timeout", Limit(task.Timeout));
        fields.Add("Idle limit", Limit(task.IdleTimeout));
        fields.Add("Folder", task.WorkingFolder);
        if (task.Worktree is { } worktree)
        {
            fields.Add("Branch", worktree.Branch ?? "one of its own");
            fields.Add("Base", worktree.Commit ?? worktree.Base);
            fields.Add("Worktree", worktree.Path ?? worktree.Outcome ?? "made at its start");
        }

        fields.Add("Labels", string.Join(", ", task.Labels.Select(l => $"{l.Key}={l.Value}")));
        fields.Add(
            "Environment",
            string.Join(
                ", ",
                task.Environment.Select(e =>
                    e.Value is null ? $"{e.Key} (of whoever runs it)" : $"{e.Key}=***"
                )
            )
        );
        if (task.Cause is { } cause)
        {
            fields.Add("Started by", string.Join(" → ", cause.Chain));
            fields.Add("Event of", cause.Task?.Value);
            fields.Add(
                "Variables",
                string.Join(", ", cause.Variables.Select(v => $"{v.Key}={v.Value}"))
            );
        }

        foreach (var (name, value) in task.Unknown)
        {
            fields.Add(name, value.GetRawText());
        }
    }

    private static void AddResult(Fields fields, AgentResult? result)
    {
        if (result is null)
        {
            return;
        }

        fields.Heading("Result");
        fields.Add("Session", result.Session);
        fields.Add("Model", result.Model);
        if (result.Error is { } error)
        {
            fields.Add(
                "Error class",
                $"{error.Class} ({ResultJson.Word(error.Confidence)})",
                Tone.Bad
            );
        }

        fields.Add("Agent says", ResultJson.Word(result.Word));
        fields.Add("Verified", ResultJson.Word(result.Verification));
        fields.Add("Check", result.VerificationMessage);
        fields.Add("Tokens", UsageText.Tokens(result.Usage));
        fields.Add("Cost", result.Usage.Cost is { } cost ? UsageText.Dollars(cost) : "unknown");
    }

    private static void AddLineage(Fields fields, TaskDetails details)
    {
        var task = details.Task;
        fields.Heading("Attempts");
        fields.Add("Executions", Number(task.Attempt));
        fields.Add(
            "Retries",
            $"{task.RetryCount} of {task.MaxRetries}{(task.AutoRetry ? ", automatic" : "")}"
        );
        fields.Add("Original", task.Parent?.Value);
        foreach (var retry in task.RetryHistory)
        {
            fields.Add(
                string.Create(CultureInfo.InvariantCulture, $"Retry {retry.Attempt}"),
                $"{TimeText.At(retry.Timestamp)} of {retry.RetriedFrom?.Value ?? "?"}: {FirstLine(retry.Error)}"
            );
        }

        fields.Add("Retried by", details.View.RetriedBy?.Value);
    }

    private static void AddDependencies(Fields fields, TaskDetails details)
    {
        if (details.Dependencies.Count == 0)
        {
            return;
        }

        fields.Heading("Dependencies");
        foreach (var on in details.Dependencies)
        {
            fields.Add("After", Describe(on));
        }
    }

    private static string Describe(DependencyFact on)
    {
        var status = on.Status is { } known ? TaskJson.NameOf(known) : "gone";
        var retry = on.Last == on.Id ? "" : $", as its retry {on.Last}";
        return $"{DependencyText.Of(on.Id, on.Kind)} ({status}{retry}){(on.Status is null ? $": {on.Note}" : "")}";
    }

    private static void AddEvidence(Fields fields, TaskDetails details)
    {
        fields.Heading("Evidence");
        fields.Add(
            "Markers",
            details.Sentinels.Count == 0
                ? "none"
                : string.Join(' ', details.Sentinels.Select(SentinelNames.Extension))
        );
        fields.Add(".exitcode", Number(details.RecordedExit?.Code));
        fields.Add(".error", details.ReportedError?.Message);
        fields.Add("Details", details.ReportedError?.Details);
        fields.Add("Supervisor", ProcessText(details.Identity?.Supervisor, details.IsLocked));
        fields.Add("Agent", ProcessText(details.Identity?.Agent, details.IsAgentAlive));
        fields.Add("Asked for", string.Join(", ", details.Requests));
        foreach (var conflict in details.Conflicts)
        {
            fields.Add("Conflict", conflict, Tone.Warn);
        }
    }

    private static void AddFiles(Fields fields, TaskDetails details)
    {
        fields.Heading("Files");
        fields.Add("Task", FileText(details.TaskFile));
        fields.Add("Log", FileText(details.LogFile));
        fields.Add("Plan", FileText(details.PlanFile));
    }

    private static string FileText(FileFact file) =>
        file.Exists ? file.Path : $"{file.Path} (none)";

    private static string? ProcessText(ProcessIdentity? process, bool isAlive) =>
        process is { } p
            ? string.Create(CultureInfo.InvariantCulture, $"pid {p.Pid}")
                + (isAlive ? "" : ", gone")
                + (p.IsHere ? "" : ", on another machine or in another container")
        : isAlive ? "alive"
        : null;

    private static string? RetryText(TaskView view) =>
        view.RetriedBy is { } by ? $"retried as {by}"
        : view.RetryIn is { } left
            ? left > TimeSpan.Zero ? $"automatic, in {TaskView.Countdown(left)}"
                : "automatic, due"
        : null;

    private static Tone ToneOf(TaskView view) =>
        view.Status switch
        {
            TaskStatus.Running => Tone.Info,
            TaskStatus.Complete => Tone.Good,
            TaskStatus.Failed => Tone.Bad,
            _ => Tone.Plain,
        };

    private static string? Moment(DateTimeOffset? time, DateTimeOffset now) =>
        time is { } at ? $"{TimeText.At(at)} ({TimeText.Ago(at, now)})" : null;

    private static string? Limit(TimeSpan? time) => time is { } t ? Duration.Format(t) : null;

    private static string? Number(int? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static string FirstLine(string? text) => text?.Split('\n', 2)[0] ?? "";

    /// <summary>The members that follow the version.</summary>
    public static void Write(
        Utf8JsonWriter w,
        TaskDetails details,
        Action<Utf8JsonWriter> writeCommand
    )
    {
        w.WritePropertyName("task"u8);
        TaskReply.Write(
            w,
            details.Task,
            more =>
            {
                StatusReply.WriteView(
                    more,
                    details.View,
                    details.Result?.Usage is { IsEmpty: false } used ? used : null
                );
                writeCommand(more);
            }
        );
        w.WriteBoolean("archived"u8, details.IsArchived);
        if (details.Result is { } result)
        {
            w.WriteStartObject("result"u8);
            ResultJson.Members(w, result);
            w.WriteEndObject();
        }

        WriteEvidence(w, details);
        w.WriteStartObject("files"u8);
        WriteFile(w, "task"u8, details.TaskFile);
        WriteFile(w, "log"u8, details.LogFile);
        WriteFile(w, "plan"u8, details.PlanFile);
        w.WriteEndObject();
        WriteDependencies(w, details);
        w.WriteStartArray("logTail"u8);
        if (details.LogTail.Length > 0)
        {
            foreach (var line in details.LogTail.Split('\n'))
            {
                w.WriteStringValue(line);
            }
        }

        w.WriteEndArray();
        w.WriteStartArray("next"u8);
        foreach (var (command, purpose) in details.Next)
        {
            w.WriteStartObject();
            w.WriteString("command"u8, command);
            w.WriteString("purpose"u8, purpose);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void WriteEvidence(Utf8JsonWriter w, TaskDetails details)
    {
        w.WriteStartObject("evidence"u8);
        w.WriteStartArray("markers"u8);
        foreach (var marker in details.Sentinels)
        {
            w.WriteStringValue(SentinelNames.Extension(marker));
        }

        w.WriteEndArray();
        WriteNumber(w, "exitCode"u8, details.RecordedExit?.Code);
        w.WriteString("error"u8, details.ReportedError?.Message);
        w.WriteString("errorDetails"u8, details.ReportedError?.Details);
        w.WriteBoolean("supervised"u8, details.IsLocked);
        w.WriteBoolean("agentAlive"u8, details.IsAgentAlive);
        WriteNumber(w, "supervisorPid"u8, details.Identity?.Supervisor.Pid);
        WriteNumber(w, "agentPid"u8, details.Identity?.Agent.Pid);
        WriteStrings(w, "requests"u8, details.Requests);
        WriteStrings(w, "conflicts"u8, details.Conflicts);
        w.WriteEndObject();
    }

    private static void WriteFile(Utf8JsonWriter w, ReadOnlySpan<byte> name, FileFact file)
    {
        w.WriteStartObject(name);
        w.WriteString("path"u8, file.Path);
        w.WriteBoolean("exists"u8, file.Exists);
        w.WriteEndObject();
    }

    private static void WriteDependencies(Utf8JsonWriter w, TaskDetails details)
    {
        w.WriteStartArray("dependencies"u8);
        foreach (var on in details.Dependencies)
        {
            w.WriteStartObject();
            w.WriteString("taskId"u8, on.Id.Value);
            w.WriteString("status"u8, on.Status is { } status ? TaskJson.NameOf(status) : null);
            w.WriteString("kind"u8, on.Kind.Word());
            w.WriteString("standIn"u8, on.Last == on.Id ? null : on.Last.Value);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void WriteStrings(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        IEnumerable<string> texts
    )
    {
        w.WriteStartArray(name);
        foreach (var text in texts)
        {
            w.WriteStringValue(text);
        }

        w.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter w, ReadOnlySpan<byte> name, int? number)
    {
        if (number is { } value)
        {
            w.WriteNumber(name, value);
        }
        else
        {
            w.WriteNull(name);
        }
    }
}
