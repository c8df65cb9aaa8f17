using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary>What is wrong with files that people write, for people and as JSON.</summary>
internal static class ProblemReply
{
    public static void Lines(Screen screen, IReadOnlyList<ConfigProblem> problems)
    {
        foreach (var problem in problems)
        {
            screen.Line(
                $"{WordFor(problem.Severity)}: {problem}",
                problem.IsError ? Tone.Bad : Tone.Warn
            );
        }
    }

    public static void Print(Screen screen, IReadOnlyList<ConfigProblem> problems) =>
        JsonOutput.PrintObject(screen, w => Write(w, problems));

    public static void Write(Utf8JsonWriter w, IReadOnlyList<ConfigProblem> problems)
    {
        w.WriteBoolean("valid"u8, !problems.Any(static p => p.IsError));
        w.WriteStartArray("problems"u8);
        foreach (var problem in problems)
        {
            w.WriteStartObject();
            w.WriteString("severity"u8, WordFor(problem.Severity));
            w.WriteString("file"u8, problem.File);
            w.WriteNumber("line"u8, problem.Line);
            if (problem.Column > 0)
            {
                w.WriteNumber("column"u8, problem.Column);
            }

            w.WriteString("key"u8, problem.Key);
            w.WriteString("message"u8, problem.Message);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static string WordFor(ProblemSeverity severity) =>
        severity == ProblemSeverity.Error ? "error" : "warning";
}
