using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary><c>--format</c> of the verbs that draw a graph.</summary>
internal static class GraphFormat
{
    private const string Tree = "tree";
    private static readonly string[] s_all = [Tree, "mermaid", "dot", "svg"];

    public static readonly Option<string> Option = Create();

    /// <exception cref="QueueException">There is no such format.</exception>
    public static void Print(
        Screen screen,
        ParseResult parsed,
        Func<IEnumerable<string>> tree,
        Func<IReadOnlyList<Box>> boxes
    )
    {
        var format = parsed.GetValue(Option)!;
        if (!s_all.Contains(format, StringComparer.Ordinal))
        {
            throw QueueException.Usage(
                $"There is no format '{format}'{Nearest.Suggestion(format, s_all)}",
                $"One of {string.Join(", ", s_all)}"
            );
        }

        screen.Lines(
            format switch
            {
                Tree => tree(),
                "mermaid" => Diagram.Mermaid(boxes()),
                "dot" => Diagram.Dot(boxes()),
                _ => DiagramPicture.Svg(boxes()),
            }
        );
    }

    private static Option<string> Create()
    {
        var option = new Option<string>("--format")
        {
            HelpName = string.Join('|', s_all),
            Description = "A tree for people; Mermaid, DOT or SVG for documents and programs",
            DefaultValueFactory = static _ => Tree,
        };
        option.CompletionSources.Add(s_all);
        return option;
    }
}
