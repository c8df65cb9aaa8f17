using System.CommandLine;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;

namespace AgentQueue.Cli.Commands;

/// <summary><c>doctor</c>: look at all that the queue rests on, and mend what can be mended.</summary>
internal static class DoctorCommand
{
    private static readonly Option<bool> s_fix = Options.Flag(
        "--fix",
        "Settle tasks, end orphaned processes, remove leftovers"
    );

    public static Command Create()
    {
        var command = new Verb(
            "doctor",
            "Check the queue, its file system, its agents and their processes (exit code 1: problems)",
            "agentq doctor",
            "agentq doctor --fix"
        )
        {
            s_fix,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var diagnosis = new Doctor(session.Project, Environment.GetEnvironmentVariable).Examine(
            parsed.GetValue(s_fix)
        );
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, w => Write(w, diagnosis));
        }
        else
        {
            Tell(diagnosis);
        }

        return diagnosis.HasProblems ? ExitCode.Refused : ExitCode.Ok;
    }

    private static void Tell(Diagnosis diagnosis)
    {
        var screen = Session.Screen;
        foreach (var done in diagnosis.Fixed)
        {
            screen.Line($"fixed    {done}", Tone.Info);
        }

        foreach (var finding in diagnosis.Findings)
        {
            screen.Line(
                $"{WordFor(finding.Health), -8} {finding.Check}: {finding.Message}",
                finding.Health switch
                {
                    Health.Ok => Tone.Good,
                    Health.Warning => Tone.Warn,
                    Health.Problem => Tone.Bad,
                }
            );
            if (finding.Advice is { } advice)
            {
                screen.Line($"         → {advice}");
            }
        }
    }

    private static void Write(Utf8JsonWriter w, Diagnosis diagnosis)
    {
        w.WriteBoolean("healthy"u8, !diagnosis.HasProblems);
        w.WriteStartArray("fixed"u8);
        foreach (var done in diagnosis.Fixed)
        {
            w.WriteStringValue(done);
        }

        w.WriteEndArray();
        w.WriteStartArray("findings"u8);
        foreach (var finding in diagnosis.Findings)
        {
            w.WriteStartObject();
            w.WriteString("check"u8, finding.Check);
            w.WriteString("health"u8, WordFor(finding.Health));
            w.WriteString("message"u8, finding.Message);
            w.WriteString("advice"u8, finding.Advice);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static string WordFor(Health health) =>
        health switch
        {
            Health.Ok => "ok",
            Health.Warning => "warn",
            Health.Problem => "problem",
        };
}
