using System.Globalization;
using System.Text.Json;
using AgentQueue.Assistants;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary>What <c>setup</c> was asked to do.</summary>
internal enum SetupMode
{
    Write,
    Check,
    Remove,
}

/// <summary>Tells what a setup came to, for people and for programs.</summary>
internal sealed class SetupReply(
    SetupPlace place,
    IReadOnlyList<Assistant> assistants,
    SetupReport report,
    SetupMode mode,
    bool dryRun
)
{
    // As many files of one folder are told one by one.
    private const int MostOfFolder = 2;

    /// <summary>Nothing is missing, and there is something.</summary>
    public bool IsUpToDate => assistants.Count > 0 && report.IsUpToDate;

    public void Print(Screen screen) =>
        JsonOutput.PrintObject(
            screen,
            w =>
            {
                w.WriteString("root"u8, place.Root);
                w.WriteString("scope"u8, place.IsUser ? "user" : "project");
                w.WriteBoolean("dryRun"u8, dryRun || mode == SetupMode.Check);
                if (mode == SetupMode.Check)
                {
                    w.WriteBoolean("upToDate"u8, IsUpToDate);
                }

                WriteTexts(w, "assistants", assistants.Select(static a => a.Name));
                w.WriteStartArray("items"u8);
                foreach (var step in report.Steps)
                {
                    w.WriteStartObject();
                    w.WriteString("path"u8, step.Path);
                    w.WriteString("entry"u8, step.Entry);
                    WriteTexts(w, "assistants", step.For);
                    w.WriteString("state"u8, Word(step.State));
                    w.WriteString("done"u8, Done(step.State));
                    w.WriteString("message"u8, Message(step));
                    w.WriteEndObject();
                }

                w.WriteEndArray();
                WriteTexts(w, "notes", Notes());
            }
        );

    public void Tell(Screen screen)
    {
        screen.Line(place.IsUser ? $"Home {place.Root}" : $"Project {place.Root}");
        if (assistants.Count == 0)
        {
            screen.Line("agentq is set up in no assistant here");
            return;
        }

        screen.Line($"Assistants: {string.Join(", ", assistants.Select(static a => a.Title))}");
        if (report.Steps.IsEmpty)
        {
            screen.Line("Nothing of agentq is there for them");
        }

        foreach (var (word, what, step) in Rows())
        {
            screen.Line($"  {word, -12} {what}", ToneOf(step.State));
            if (Message(step) is { } message)
            {
                screen.Line($"               {message}", Tone.Dim);
            }
        }

        foreach (var note in Notes())
        {
            screen.Line($"  note         {note}");
        }

        if (mode == SetupMode.Write && !dryRun)
        {
            screen.Line(Advice());
        }

        if (mode == SetupMode.Check)
        {
            screen.Line(Verdict());
        }
    }

    // Many files of a folder, all alike, take one line.
    private IEnumerable<(string Word, string What, SetupStep Step)> Rows()
    {
        var groups = report.Steps.GroupBy(static s =>
            (
                Folder: s.Entry is null ? s.Path[..(s.Path.LastIndexOf('/') + 1)] : s.Path,
                s.Entry,
                s.State,
                s.Problem?.Hint
            )
        );
        foreach (var group in groups)
        {
            var steps = group.ToList();
            var isMany =
                steps.Count > MostOfFolder
                && group.Key.State
                    is SetupState.UpToDate
                        or SetupState.Missing
                        or SetupState.Outdated
                        or SetupState.Obsolete
                        or SetupState.Gone
                        or SetupState.Refused;
            if (isMany)
            {
                var text = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{group.Key.Folder} ({steps.Count} files)"
                );
                yield return (Shown(group.Key.State), text, steps[0]);
                continue;
            }

            foreach (var step in steps)
            {
                yield return (
                    Shown(step.State),
                    step.Entry is { } entry ? $"{step.Path}: {entry}" : step.Path,
                    step
                );
            }
        }
    }

    private string Shown(SetupState state) =>
        mode == SetupMode.Check ? Word(state).Replace('-', ' ')
        : Done(state) is var done && dryRun && IsChange(state) ? $"would {Would(state)}"
        : done;

    private static bool IsChange(SetupState state) =>
        state is SetupState.Missing or SetupState.Outdated or SetupState.Obsolete;

    private static string Word(SetupState state) =>
        state switch
        {
            SetupState.UpToDate => "ok",
            SetupState.Missing => "missing",
            SetupState.Outdated => "outdated",
            SetupState.Obsolete => "obsolete",
            SetupState.Changed => "changed",
            SetupState.Foreign => "not-ours",
            SetupState.Refused => "unusable",
            SetupState.Gone => "gone",
            SetupState.Needed => "needed",
        };

    private string Done(SetupState state) =>
        mode == SetupMode.Check || (dryRun && IsChange(state))
            ? "nothing"
            : state switch
            {
                SetupState.UpToDate or SetupState.Needed => "kept",
                SetupState.Missing => "made",
                SetupState.Outdated => "updated",
                SetupState.Obsolete => "removed",
                SetupState.Gone => "gone",
                SetupState.Changed or SetupState.Foreign or SetupState.Refused => "left",
            };

    private static string Would(SetupState state) =>
        state switch
        {
            SetupState.Missing => "make",
            SetupState.Outdated => "update",
            _ => "remove",
        };

    private static string? Message(SetupStep step) =>
        step.State switch
        {
            SetupState.Changed => "you have changed it, so it stays as it is",
            SetupState.Foreign when step.Problem is null =>
                "a file of that name stands there that is not as agentq makes it: move it away and try again",
            SetupState.Foreign or SetupState.Refused => step.Problem!.Hint is { } hint
                ? $"{step.Problem.Message} ({hint})"
                : step.Problem.Message,
            SetupState.Needed => $"stays, for {string.Join(", ", step.For.Select(TitleOf))}",
            SetupState.Missing
            or SetupState.UpToDate
            or SetupState.Outdated
            or SetupState.Obsolete
            or SetupState.Gone => null,
        };

    private static string TitleOf(string name) =>
        KnownAssistants.Names.Contains(name) ? KnownAssistants.Find(name).Title : name;

    private string Verdict() =>
        assistants.Count == 0 ? "Nothing is set up"
        : report.HasWork ? $"Not all is up to date: agentq setup {Named()}"
        : !report.IsUpToDate
            ? "Not all is there: what is in the way is named above, with what to do"
        : report.Steps.Any(static s => s.State == SetupState.Changed)
            ? "All is up to date, but for what you have changed"
        : "All is up to date";

    private string Named() =>
        (
            assistants.Count == KnownAssistants.Names.Count
                ? "all"
                : string.Join(' ', assistants.Select(static a => a.Name))
        ) + (place.IsUser ? " --user" : "");

    private IEnumerable<string> Notes()
    {
        if (mode != SetupMode.Write)
        {
            yield break;
        }

        foreach (var assistant in assistants)
        {
            if (assistant.FilesOf(place.IsUser).Note is { } note)
            {
                yield return note;
            }
        }

        if (
            ExecutableLookup.Find("agentq", Environment.GetEnvironmentVariable("PATH"), place.Root)
            is null
        )
        {
            yield return "agentq is not on PATH, so no assistant would find it: ./build.sh install";
        }
    }

    private string Advice()
    {
        var typed = assistants
            .Where(HasStart)
            .GroupBy(static a => a.Style!.Typed, static a => a.Style!.In ?? a.Title)
            .Select(static g => $"type {g.Key} in {string.Join(", ", g)}")
            .ToList();
        return typed.Count == 0
            ? "Now simply ask your assistant to queue something"
            : $"Now {string.Join("; ", typed)}; or simply ask";
    }

    // What somebody else has put in its place would do something else.
    private bool HasStart(Assistant assistant) =>
        assistant.Style is not null
        && assistant.FilesOf(place.IsUser).Commands is { } commands
        && place.Shown(place.KeyOf(commands.Replace("{verb}", "start", StringComparison.Ordinal)))
            is var path
        && report.Steps.Any(s =>
            s.Path == path
            && s.State
                is SetupState.UpToDate
                    or SetupState.Missing
                    or SetupState.Outdated
                    or SetupState.Changed
        );

    private static Tone ToneOf(SetupState state) =>
        state switch
        {
            SetupState.Foreign or SetupState.Refused => Tone.Bad,
            SetupState.Changed => Tone.Warn,
            SetupState.UpToDate or SetupState.Gone or SetupState.Needed => Tone.Dim,
            SetupState.Missing or SetupState.Outdated or SetupState.Obsolete => Tone.Plain,
        };

    private static void WriteTexts(Utf8JsonWriter w, string name, IEnumerable<string> texts)
    {
        w.WriteStartArray(name);
        foreach (var text in texts)
        {
            w.WriteStringValue(text);
        }

        w.WriteEndArray();
    }
}
