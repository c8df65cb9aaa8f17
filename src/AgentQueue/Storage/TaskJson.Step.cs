using System.Collections.Immutable;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <content>The member <c>plan</c>: what a plan asks of the task.</content>
internal static partial class TaskJson
{
    private const int MostWords = 100_000;

    private static void WriteStep(Utf8JsonWriter w, PlanStep? step)
    {
        if (step is null)
        {
            return;
        }

        w.WriteStartObject("plan"u8);
        w.WriteString("node"u8, step.Node);
        WriteWords(w, "command"u8, step.Command);
        if (!step.Backoff.IsEmpty)
        {
            w.WriteStartArray("retryBackoff"u8);
            foreach (var pause in step.Backoff)
            {
                w.WriteNumberValue(pause.TotalSeconds);
            }

            w.WriteEndArray();
        }

        WriteWords(w, "outputs"u8, step.Outputs);
        WriteOptional(w, "artifactsDir"u8, step.ArtifactsFolder);
        if (step.When is { } when)
        {
            w.WriteStartObject("when"u8);
            w.WriteString("task"u8, when.Task.Value);
            WriteOptional(w, "outcome"u8, when.Outcome);
            WriteOptional(w, "file"u8, when.File);
            WriteOptional(w, "contains"u8, when.Contains);
            w.WriteEndObject();
        }

        WriteOptional(w, "approval"u8, step.Approval);
        w.WriteEndObject();
    }

    private static void WriteWords(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        ImmutableArray<string> words
    )
    {
        if (words.IsEmpty)
        {
            return;
        }

        w.WriteStartArray(name);
        foreach (var word in words)
        {
            w.WriteStringValue(word);
        }

        w.WriteEndArray();
    }

    private sealed partial class Fields
    {
        private static PlanStep? Step(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartObject)
            {
                r.Skip();
                return null;
            }

            var step = new PlanStep { Node = "" };
            while (r.Read() && r.TokenType == JsonTokenType.PropertyName)
            {
                var name = Plain(ref r);
                r.Read();
                switch (name)
                {
                    case "node":
                        step = step with { Node = Text(ref r) ?? "" };
                        break;
                    case "command":
                        step = step with { Command = Words(ref r) };
                        break;
                    case "retryBackoff":
                        step = step with { Backoff = Pauses(ref r) };
                        break;
                    case "outputs":
                        step = step with { Outputs = Words(ref r) };
                        break;
                    case "artifactsDir":
                        step = step with { ArtifactsFolder = Text(ref r) };
                        break;
                    case "when":
                        step = step with { When = Condition(ref r) };
                        break;
                    case "approval":
                        step = step with { Approval = Text(ref r) };
                        break;
                    default:
                        r.Skip();
                        break;
                }
            }

            return step;
        }

        private static StepCondition? Condition(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartObject)
            {
                r.Skip();
                return null;
            }

            TaskId? task = null;
            string? outcome = null;
            string? file = null;
            string? contains = null;
            while (r.Read() && r.TokenType == JsonTokenType.PropertyName)
            {
                var name = Plain(ref r);
                r.Read();
                switch (name)
                {
                    case "task":
                        task = Id(ref r);
                        break;
                    case "outcome":
                        outcome = Text(ref r);
                        break;
                    case "file":
                        file = Text(ref r);
                        break;
                    case "contains":
                        contains = Text(ref r);
                        break;
                    default:
                        r.Skip();
                        break;
                }
            }

            // Without it the task would run whatever came before.
            return task is { } id
                ? new StepCondition(id, outcome, file, contains)
                : throw new FormatException("the condition in it names no task");
        }

        private static ImmutableArray<string> Words(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartArray)
            {
                r.Skip();
                return [];
            }

            var words = ImmutableArray.CreateBuilder<string>();
            while (r.Read() && r.TokenType != JsonTokenType.EndArray)
            {
                Bound(words.Count + 1, MostWords, "words");
                words.Add(Text(ref r) ?? throw new FormatException("a word in it is no text"));
            }

            return words.ToImmutable();
        }

        private static ImmutableArray<ImmutableArray<string>> Commands(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartArray)
            {
                r.Skip();
                return [];
            }

            var commands = ImmutableArray.CreateBuilder<ImmutableArray<string>>();
            while (r.Read() && r.TokenType != JsonTokenType.EndArray)
            {
                Bound(commands.Count + 1, MostWords, "commands");
                commands.Add(Words(ref r));
            }

            return commands.ToImmutable();
        }

        private static ImmutableArray<TimeSpan> Pauses(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartArray)
            {
                r.Skip();
                return [];
            }

            var pauses = ImmutableArray.CreateBuilder<TimeSpan>();
            while (r.Read() && r.TokenType != JsonTokenType.EndArray)
            {
                Bound(pauses.Count + 1, MostWords, "pauses");
                pauses.Add(Seconds(ref r) ?? TimeSpan.Zero);
            }

            return pauses.ToImmutable();
        }
    }
}
