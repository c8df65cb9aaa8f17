using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary><c>--format</c> of the verbs that draw a graph.</summary>
internal static class GraphFormat
{
    private const string Tree = "tree";

    /// <summary>The words of the formats.</summary>
    public static readonly string[] All = [Tree, "mermaid", "dot", "svg"];

    public static readonly Option<string> Option = Create();

    /// <exception cref="QueueException">There is no such format.</exception>
    public static void Print(
        Screen screen,
        ParseResult parsed,
        Func<IEnumerable<string>> tree,
        Func<IReadOnlyList<Box>> boxes
    ) => Print(screen, parsed.GetValue(Option)!, tree, boxes);

    /// <exception cref="QueueException">There is no such format.</exception>
    public static void Print(
        Screen screen,
        string format,
        Func<IEnumerable<string>> tree,
        Func<IReadOnlyList<Box>> boxes
    )
    {
        if (!All.Contains(format, StringComparer.Ordinal))
        {
            throw QueueException.Usage(
                $"There is no format '{format}'{Nearest.Suggestion(format, All)}",
                $"One of {string.Join(", ", All)}"
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
            HelpName = string.Join('|', All),
            Description = "A tree for people; Mermaid, DOT or SVG for documents and programs",
            DefaultValueFactory = static _ => Tree,
        };
        option.CompletionSources.Add(All);
        return option;
    }
}
