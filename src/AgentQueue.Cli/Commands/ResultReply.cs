using System.Globalization;
using System.Text.Json;
using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>What an ended task came to, as a card and as JSON.</summary>
/// <param name="Newest">The last of its retries; null if it was not retried.</param>
/// <param name="MayContinue">Its agent can go on with a session.</param>
internal sealed record ResultReply(
    AgentTask Task,
    TaskState.Finished End,
    AgentResult Result,
    TaskId? Newest,
    bool MayContinue,
    bool IsArchived
)
{
    private const int MostLines = 60;
    private const int LongestAnswer = 8000;
    private const int MostFiles = 15;

    public IReadOnlyList<string> ToLines(TextStyle style)
    {
        var fields = new Fields();
        AddAnswer(fields);
        fields.Heading(
            Task.Id.Value
                + (Task.Name is { } name ? $"  {Terminal.Clean(name)}" : "")
                + (IsArchived ? "  (archived)" : "")
        );
        fields.Add("Status", StatusText, Tone(End));
        AddOutcome(fields);
        AddWork(fields);
        fields.Add(
            "Retried as",
            Newest is { } newest ? $"{newest}: agentq result {newest}" : null,
            Output.Tone.Warn
        );
        return [.. fields.ToLines(style)];
    }

    private string StatusText =>
        End is TaskState.Failed failed
            ? $"failed ({failed.Reason}): {failed.Message}"
            : TaskJson.NameOf(End.Status)
                + (End is TaskState.Complete { Note: { } note } ? $" ({note})" : "");

    private static Tone Tone(TaskState.Finished end) =>
        end switch
        {
            TaskState.Complete => Output.Tone.Good,
            TaskState.Failed => Output.Tone.Bad,
            _ => Output.Tone.Warn,
        };

    private void AddAnswer(Fields fields)
    {
        if (Result.Text is not { } text || text.AsSpan().Trim().IsEmpty)
        {
            fields.Line(
                Result.Adapter.Length > 0
                    ? "It has given no answer."
                    : "Nobody has read an answer out of what it printed.",
                Output.Tone.Dim
            );
            return;
        }

        var shown = text.Length > LongestAnswer ? text[..LongestAnswer] : text;
        var lines = Terminal.Clean(shown, multiline: true).Trim('\n').Split('\n');
        foreach (var line in lines.Take(MostLines))
        {
            fields.Line(line.Replace("\t", "    ", StringComparison.Ordinal));
        }

        if (lines.Length > MostLines || shown.Length < text.Length)
        {
            fields.Line(
                $"({UsageText.Exact(text.Length)} characters in all: agentq result {Task.Id} --text)",
                Output.Tone.Dim
            );
        }
    }

    // Three things that need not agree.
    private void AddOutcome(Fields fields)
    {
        fields.Add("Exit", Result.Exit?.Describe() ?? "not known");
        fields.Add(
            "Agent says",
            Result.Word switch
            {
                AgentWord.Success => "done",
                AgentWord.Error => "failed" + After(Result.WordMessage),
                AgentWord.Incomplete => "nothing of an end" + After(Result.WordMessage),
                _ => "nothing that could be read",
            },
            Result.Word is AgentWord.Error or AgentWord.Incomplete
                ? Output.Tone.Bad
                : Output.Tone.Plain
        );
        fields.Add(
            "Verified",
            Result.Verification switch
            {
                Verification.Passed => "passed" + Fixes,
                Verification.Failed => "failed" + Fixes + After(Result.VerificationMessage),
                Verification.Unavailable => "could not be checked"
                    + After(Result.VerificationMessage),
                _ => Task.Checks is null ? "not asked for" : "did not come so far",
            },
            Result.Verification == Verification.Failed ? Output.Tone.Bad : Output.Tone.Plain
        );
        if (Result.Error is { } error)
        {
            fields.Add(
                "Error",
                $"{error.Class} ({ResultJson.Word(error.Confidence)}){After(error.Message)}",
                Output.Tone.Bad
            );
            fields.Add("To do", Newest is null ? ErrorAdvice.Of(Result, Task) : null);
        }
    }

    private string Fixes =>
        Result.FixAttempts switch
        {
            0 => "",
            1 => " after 1 fix attempt",
            var count => Text($" after {count} fix attempts"),
        };

    private void AddWork(Fields fields)
    {
        fields.Add("Session", Result.Session);
        fields.Add("Go on", GoOn);
        fields.Add("Model", Result.Model);
        fields.Add("Turns", Number(Result.Turns));
        fields.Add("Tool calls", Number(Result.ToolCalls));
        fields.Add("Tokens", UsageText.Tokens(Result.Usage) ?? (IsRead ? "unknown" : null));
        fields.Add(
            "Cost",
            Result.Usage.Cost is { } cost ? UsageText.Dollars(cost)
                : IsRead ? "unknown"
                : null
        );
        fields.Add("Time", Duration.FormatShort(Result.Duration));
        fields.Add("Files", FilesText);
    }

    private bool IsRead => Result.Adapter.Length > 0;

    private string? GoOn =>
        Result.Session is not null && MayContinue ? $"agentq continue {Task.Id} \"…\"" : null;

    private string? FilesText
    {
        get
        {
            if (Result.Files is not { } files)
            {
                return null;
            }

            var lines = files
                .Take(MostFiles)
                .Select(static f => $"{f.Change, -9}{Terminal.OneLine(f.Path)}");
            return files.Length == 0 ? "none changed"
                : files.Length > MostFiles
                    ? string.Join('\n', lines) + Text($"\nand {files.Length - MostFiles} more")
                : string.Join('\n', lines);
        }
    }

    /// <summary>The members that follow the version.</summary>
    public void Write(Utf8JsonWriter w)
    {
        ResultJson.Members(w, Result);
        w.WriteString("status"u8, TaskJson.NameOf(End.Status));
        w.WriteString("reason"u8, (End as TaskState.Failed)?.Reason);
        w.WriteString("errorMessage"u8, (End as TaskState.Failed)?.Message);
        w.WriteBoolean("archived"u8, IsArchived);
        w.WriteString("retriedBy"u8, Newest?.Value);
    }

    // What the status says already is not said again.
    private string After(string? message) =>
        string.IsNullOrWhiteSpace(message)
        || (End as TaskState.Failed)?.Message.Contains(message.Trim(), StringComparison.Ordinal)
            == true
            ? ""
            : ": " + message.Trim();

    private static string? Number(int? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) =>
        text.ToString(CultureInfo.InvariantCulture);
}
