using System.Globalization;

namespace AgentQueue.Server;

/// <summary>What <c>agentq-server</c> was called with. <c>agentq</c> calls it; its own options are checked there.</summary>
/// <param name="Program">How to call agentq.</param>
internal abstract record Arguments(IReadOnlyList<string> Program)
{
    public const string Usage = """
        agentq-server mcp [--root DIR] [--http [--port N] [--json]] [-- AGENTQ…]
        agentq-server demo [--agents] [--no-color] [-- AGENTQ…]

        The part of agentq that speaks the Model Context Protocol. `agentq mcp` and `agentq demo` start it.
        """;

    /// <param name="Root">The project that was named; null: found from the current folder.</param>
    /// <param name="Port">0: any that is free. Null: standard input and output.</param>
    /// <param name="Json">What is said on standard output is a JSON document.</param>
    internal sealed record Mcp(string? Root, int? Port, bool Json, IReadOnlyList<string> Program)
        : Arguments(Program);

    /// <param name="Agents">A session with an assistant, instead of the tour of the verbs.</param>
    internal sealed record Demo(bool Agents, bool NoColor, IReadOnlyList<string> Program)
        : Arguments(Program);

    /// <exception cref="QueueException">Something is not known.</exception>
    public static Arguments Parse(ReadOnlySpan<string> args)
    {
        var end = args.IndexOf("--");
        var own = end < 0 ? args : args[..end];
        IReadOnlyList<string> program =
            end >= 0 && end + 1 < args.Length ? [.. args[(end + 1)..]] : [Beside()];
        return own switch
        {
            ["mcp", .. var rest] => ParseMcp(rest, program),
            ["demo", .. var rest] => ParseDemo(rest, program),
            _ => throw QueueException.Usage("agentq-server is started by agentq", Usage),
        };
    }

    private static Mcp ParseMcp(ReadOnlySpan<string> args, IReadOnlyList<string> program)
    {
        string? root = null;
        int? port = null;
        var json = false;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--root" when i + 1 < args.Length:
                    root = args[++i];
                    break;
                case "--json":
                    json = true;
                    break;
                case "--http":
                    port ??= 0;
                    break;
                case "--port" when i + 1 < args.Length && PortOf(args[i + 1]) is { } number:
                    port = number;
                    i++;
                    break;
                default:
                    throw Unknown(args[i]);
            }
        }

        return new(root, port, json, program);
    }

    private static Demo ParseDemo(ReadOnlySpan<string> args, IReadOnlyList<string> program)
    {
        var (agents, noColor) = (false, false);
        foreach (var word in args)
        {
            switch (word)
            {
                case "--agents":
                    agents = true;
                    break;
                case "--no-color":
                    noColor = true;
                    break;
                default:
                    throw Unknown(word);
            }
        }

        return new(agents, noColor, program);
    }

    private static QueueException Unknown(string word) =>
        QueueException.Usage($"'{word}' is not understood", Usage);

    private static int? PortOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
        && port <= ushort.MaxValue
            ? port
            : null;

    private static string Beside()
    {
        var name = OperatingSystem.IsWindows() ? "agentq.exe" : "agentq";
        var beside = Path.Join(Path.GetDirectoryName(Environment.ProcessPath), name);
        return File.Exists(beside) ? beside : name;
    }
}
