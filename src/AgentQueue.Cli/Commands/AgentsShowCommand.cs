using System.CommandLine;
using System.CommandLine.Completions;
using System.Text;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary><c>agents show</c>: an adapter as its file is written, to begin one of your own with.</summary>
internal static class AgentsShowCommand
{
    public static readonly Func<CompletionContext, IEnumerable<CompletionItem>> Names = static _ =>
        new Adapters("", userFolder: null).Names.Select(static n => new CompletionItem(n.Name));

    private static readonly Argument<string> s_name = new("ADAPTER")
    {
        HelpName = "ADAPTER",
        Description = "Its name, such as claude",
        CompletionSources = { Names },
    };

    public static Command Create()
    {
        var command = new Verb(
            "show",
            "Print the file of an adapter, to begin one of your own with",
            "agentq agents show claude > .agents/adapters/mine.json"
        )
        {
            s_name,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var (file, bytes) = Read(session.Project.Config.Adapters, parsed.GetValue(s_name)!);
        var text = Encoding.UTF8.GetString(bytes);
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("file"u8, file);
                    w.WriteString("text"u8, text);
                }
            );
        }
        else
        {
            Session.Screen.Lines(
                text.TrimEnd('\n').Split('\n').Select(static l => Terminal.Clean(l))
            );
        }

        return ExitCode.Ok;
    }

    /// <summary>What defines an adapter, and what it is called.</summary>
    /// <exception cref="QueueException">There is none, or its file cannot be read.</exception>
    public static (string File, byte[] Bytes) Read(Adapters adapters, string name)
    {
        if (!adapters.Has(name))
        {
            var names = adapters.Names.Select(static n => n.Name).ToList();
            throw new QueueException(
                $"There is no adapter '{name}'{Nearest.Suggestion(name, names)}",
                $"There are {string.Join(", ", names)}"
            );
        }

        return adapters.FileOf(name) is { } file && ConfigReader.ReadBytes(file, file) is { } bytes
            ? (file, bytes)
            : ($"adapters/{name}.json", Adapters.TextOf(name)!);
    }
}
