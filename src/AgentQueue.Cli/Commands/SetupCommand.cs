using System.CommandLine;
using System.Globalization;
using AgentQueue.Assistants;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Cli.Commands;

/// <summary><c>setup</c>: put agentq into coding assistants, look whether it is there, take it out again.</summary>
internal static class SetupCommand
{
    private const string All = "all";

    private static readonly Argument<string[]> s_names = new("ASSISTANT")
    {
        Description =
            $"{string.Join(", ", KnownAssistants.Names)} or {All} (default: those in use here)",
        HelpName = "ASSISTANT",
        Arity = ArgumentArity.ZeroOrMore,
        CompletionSources =
        {
            static _ =>
                KnownAssistants
                    .All.Select(static a => new System.CommandLine.Completions.CompletionItem(
                        a.Name,
                        detail: a.Title
                    ))
                    .Append(new(All)),
        },
    };

    private static readonly Option<bool> s_user = Options.Flag(
        "--user",
        "For all your projects: in your home folder instead of this project"
    );

    private static readonly Option<bool> s_check = Options.Flag(
        "--check",
        "Only say how it stands (exit code 1: something is missing, outdated or in the way)"
    );

    private static readonly Option<bool> s_remove = Options.Flag(
        "--remove",
        "Take it out again; what you have changed stays"
    );

    private static readonly Option<bool> s_dryRun = Options.Flag(
        "--dry-run",
        "Say what would be done, and do nothing"
    );

    public static Command Create()
    {
        var command = new Verb(
            "setup",
            "Teach coding assistants to use agentq: a skill, commands of the / menu, an MCP server",
            "agentq setup",
            "agentq setup claude codex",
            "agentq setup --user gemini --dry-run",
            "agentq setup --check",
            "agentq setup --remove"
        )
        {
            s_names,
            s_user,
            s_check,
            s_remove,
            s_dryRun,
        };
        command.Validators.Add(static result =>
        {
            if (
                result.GetValue(s_check) && (result.GetValue(s_remove) || result.GetValue(s_dryRun))
            )
            {
                result.AddError("--check only looks; leave out --remove and --dry-run");
            }
        });
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var isUser = parsed.GetValue(s_user);
        var place = isUser
            ? SetupPlace.OfUser(Environment.GetEnvironmentVariable)
            : OfProject(parsed.GetValue(CommonOptions.Root), session.CurrentFolder);
        var disk = ProjectQueue.RealDisk;
        var durable = isUser ? new DurableFile(disk) : session.Queue.Durable;
        var setup = new AssistantSetup(place, disk, durable);
        var mode =
            parsed.GetValue(s_check) ? SetupMode.Check
            : parsed.GetValue(s_remove) ? SetupMode.Remove
            : SetupMode.Write;
        var dryRun = parsed.GetValue(s_dryRun);
        if (
            (Named(parsed.GetValue(s_names) ?? []) ?? Chosen(session, place, setup, mode, dryRun))
            is not { } names
        )
        {
            Session.Screen.Talk("Nothing was done");
            return ExitCode.Ok;
        }

        var report = mode switch
        {
            SetupMode.Remove => setup.Remove([.. names.Select(static a => a.Name)], dryRun),
            SetupMode.Check => setup.Check(names),
            _ => setup.Write(names, dryRun),
        };
        var reply = new SetupReply(place, names, report, mode, dryRun);
        if (session.Json)
        {
            reply.Print(Session.Screen);
        }
        else
        {
            reply.Tell(Session.Screen);
        }

        return report.HasProblems || (mode == SetupMode.Check && !reply.IsUpToDate)
            ? ExitCode.Refused
            : ExitCode.Ok;
    }

    // These files are kept in git: they belong to the tree that one stands in, whichever queue it uses.
    private static SetupPlace OfProject(string? named, string currentFolder)
    {
        var (root, found) = QueueLocator.LocateTree(named, currentFolder);
        if (!found && root == Environment.GetEnvironmentVariable("HOME"))
        {
            throw new QueueException(
                "This is your home folder and no project",
                "For all your projects: agentq setup --user"
            );
        }

        return new FolderTrust(root, Path.Join(root, QueueFolder.FolderName)).Doubt([]) is { } doubt
            ? throw doubt
            : SetupPlace.OfProject(root);
    }

    /// <summary>Each once, in their order; null if none was named.</summary>
    private static IReadOnlyList<Assistant>? Named(string[] words) =>
        words.Length == 0 ? null
        : words.Contains(All, StringComparer.Ordinal) ? KnownAssistants.All
        :
        [
            .. words
                .Distinct(StringComparer.Ordinal)
                .Select(KnownAssistants.Find)
                .OrderBy(static a => a.Name, StringComparer.Ordinal),
        ];

    /// <summary>Those that it is about if none was named; null if the user wants none.</summary>
    private static IReadOnlyList<Assistant>? Chosen(
        Session session,
        SetupPlace place,
        AssistantSetup setup,
        SetupMode mode,
        bool dryRun
    )
    {
        var done = mode == SetupMode.Remove ? setup.NamesToRemove : setup.Names;
        if (mode == SetupMode.Remove || (mode == SetupMode.Check && done.Count > 0))
        {
            return
            [
                .. KnownAssistants.All.Where(a => done.Contains(a.Name, StringComparer.Ordinal)),
            ];
        }

        var path = Environment.GetEnvironmentVariable("PATH");
        IReadOnlyList<Assistant> found =
        [
            .. KnownAssistants.All.Where(a =>
                done.Contains(a.Name, StringComparer.Ordinal)
                || a.Programs.Any(p => ExecutableLookup.Find(p, path, place.Root) is not null)
                || a.FilesOf(place.IsUser).Signs.Any(s => setup.HasOfUser(place.KeyOf(s)))
            ),
        ];
        var asks =
            !session.Json
            && !dryRun
            && mode == SetupMode.Write
            && !Console.IsInputRedirected
            && Session.Screen.ErrorIsTerminal;
        if (found.Count == 0 && !asks)
        {
            throw new QueueException(
                "No coding assistant was found, neither on PATH nor by its files",
                $"Name one: agentq setup {string.Join('|', KnownAssistants.Names)}|{All}"
            );
        }

        return asks ? Asked(found) : found;
    }

    /// <summary>Null if the user wants none, or has ended the input.</summary>
    private static IReadOnlyList<Assistant>? Asked(IReadOnlyList<Assistant> found)
    {
        var screen = Session.Screen;
        var offered = found.Count > 0 ? found : KnownAssistants.All;
        screen.Talk(found.Count > 0 ? "Found here:" : "None was found here. There are:");
        for (var i = 0; i < offered.Count; i++)
        {
            screen.Talk(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {i + 1} {offered[i].Name}: {offered[i].Title}"
                )
            );
        }

        screen.Ask(
            found.Count > 0
                ? "Set up which? (Enter: all of these; else names or numbers, or none) "
                : "Set up which? (names or numbers; Enter: none) "
        );
        var answer = InputText
            .LineFromStandardInput()
            ?.Split(
                [' ', ',', '\t'],
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
            );
        return answer switch
        {
            null or ["none" or "n" or "no"] => null,
            [] or ["y" or "yes"] => found.Count > 0 ? found : null,
            _ => Named([.. answer.Select(w => NameOf(w, offered))]),
        };
    }

    // What is no number of the list is a name, or told as one that nobody knows.
    private static string NameOf(string word, IReadOnlyList<Assistant> offered) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= 1
        && number <= offered.Count
            ? offered[number - 1].Name
            : word;
}
