using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// <c>agents check</c>: what is wrong with an adapter, what it would run, and what it makes of a recorded stream.
/// Starts nothing.
/// </summary>
internal static class AgentsCheckCommand
{
    private static readonly Argument<string> s_file = new("FILE")
    {
        HelpName = "FILE|ADAPTER",
        Description = "A file, or the name of an adapter that there is",
        CompletionSources = { AgentsShowCommand.Names },
    };

    private static readonly Option<string?> s_stream = new("--stream")
    {
        HelpName = "FILE",
        Description =
            "Read what an agent has printed, such as a task's log, and say what is found in it",
    };

    public static Command Create()
    {
        var command = new Verb(
            "check",
            "Check an adapter and show what it would run; exit code 2 if it has an error",
            "agentq agents check .agents/adapters/mine.json",
            "agentq agents check claude --stream .agents/logs/ID.log"
        )
        {
            s_file,
            s_stream,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var adapters = session.Project.Config.Adapters;
        var (shown, name, bytes) = Read(session, adapters, parsed.GetValue(s_file)!);
        var reader = new AdapterReader(shown);
        var adapter = reader.Read(name, bytes);
        var stream =
            adapter is not null && parsed.GetValue(s_stream) is { } file
                ? RecordedStream.Read(
                    adapter,
                    adapters.Errors,
                    Path.GetFullPath(file, session.CurrentFolder),
                    session.Project.Clock
                )
                : null;
        if (session.Json)
        {
            PrintJson(reader.Problems, adapter, stream);
        }
        else
        {
            ProblemReply.Lines(Session.Screen, reader.Problems);
            if (adapter is not null)
            {
                Print(shown, adapter);
            }

            stream?.Print(Session.Screen);
        }

        return adapter is null ? ExitCode.Usage : ExitCode.Ok;
    }

    // Something that looks like a path is one, even where an adapter has its name.
    private static (string Shown, string Name, byte[] Bytes) Read(
        Session session,
        Adapters adapters,
        string asked
    )
    {
        var path = Path.GetFullPath(asked, session.CurrentFolder);
        if (AgentConfig.IsName(asked) && !asked.EndsWith(".json", StringComparison.Ordinal))
        {
            var (file, text) = adapters.Read(asked);
            return (file, asked, text);
        }

        var name = Path.GetFileNameWithoutExtension(path);
        if (!AgentConfig.IsName(name))
        {
            throw QueueException.Usage(
                $"'{name}' is no name for an adapter: it must begin with a letter or a digit and have at most 64 of A-Z a-z 0-9 . _ -",
                "Rename the file: an adapter is called as its file is"
            );
        }

        return (
            asked,
            name,
            ConfigReader.ReadBytes(path, asked)
                ?? throw new QueueException(
                    $"There is no file {path}",
                    "Begin with one that there is: agentq agents show claude > mine.json"
                )
        );
    }

    private static void Print(string shown, Adapter adapter)
    {
        var screen = Session.Screen;
        screen.Line(
            $"{shown} describes {adapter.Title}. For the prompt \"{AgentView.SamplePrompt}\" it starts"
        );
        foreach (var (level, call) in Calls(adapter))
        {
            screen.Line($"  {level, -6}{CommandOf(call)}");
        }

        screen.Line(
            adapter.PromptVia switch
            {
                PromptVia.Stdin => "and the prompt comes by standard input",
                PromptVia.File => "and the prompt is in the file {promptFile}",
                _ => "and the prompt is one argument",
            }
        );
    }

    private static IEnumerable<(string Level, AgentDefinition Call)> Calls(Adapter adapter) =>
        adapter.Permissions.IsEmpty
            ? [("any", adapter.Fill(Adapters.AgentOf(adapter), options: null))]
            : adapter.Permissions.Keys.Select(level =>
                (
                    level.Word(),
                    adapter.Fill(Adapters.AgentOf(adapter), new AgentOptions { Permission = level })
                )
            );

    private static IEnumerable<string> WordsOf(AgentDefinition call) =>
        call
            .Args.Select(static a =>
                a.Replace(
                    $"{{{Placeholders.Prompt}}}",
                    AgentView.SamplePrompt,
                    StringComparison.Ordinal
                )
            )
            .Prepend(call.Command);

    private static string CommandOf(AgentDefinition call) =>
        string.Join(
            ' ',
            call.Environment.Select(static e =>
                    e.Value is null ? $"-u {e.Key}" : $"{e.Key}={ShellWords.Quote(e.Value)}"
                )
                .OrderByDescending(static e => e.StartsWith("-u", StringComparison.Ordinal))
                .Prepend(call.Environment.Values.Any(static v => v is null) ? "env" : "")
                .Append(ShellWords.Join(WordsOf(call)))
                .Where(static w => w.Length > 0)
        );

    private static void PrintJson(
        IReadOnlyList<ConfigProblem> problems,
        Adapter? adapter,
        RecordedStream? stream
    ) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                ProblemReply.Write(w, problems);
                if (adapter is not null)
                {
                    w.WriteString("title"u8, adapter.Title);
                    w.WriteStartObject("commands"u8);
                    foreach (var (level, call) in Calls(adapter))
                    {
                        w.WriteStartArray(level);
                        foreach (var word in WordsOf(call))
                        {
                            w.WriteStringValue(word);
                        }

                        w.WriteEndArray();
                    }

                    w.WriteEndObject();
                }

                stream?.Write(w);
            }
        );
}
