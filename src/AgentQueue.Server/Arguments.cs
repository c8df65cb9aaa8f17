using System.Globalization;

namespace AgentQueue.Server;

/// <summary>What <c>agentq-server</c> was called with. <c>agentq</c> calls it; its own options are checked there.</summary>
/// <param name="Root">The project that was named; null: found from the current folder.</param>
/// <param name="Port">0: any that is free. Null: standard input and output.</param>
/// <param name="Json">What is said on standard output is a JSON document.</param>
/// <param name="Program">How to call agentq.</param>
internal sealed record Arguments(string? Root, int? Port, bool Json, IReadOnlyList<string> Program)
{
    public const string Usage = """
        agentq-server mcp [--root DIR] [--http [--port N] [--json]] [-- AGENTQ…]

        The part of agentq that speaks the Model Context Protocol. `agentq mcp` starts it.
        """;

    /// <exception cref="QueueException">Something is not known.</exception>
    public static Arguments Parse(ReadOnlySpan<string> args)
    {
        string? root = null;
        int? port = null;
        var json = false;
        List<string> program = [];
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
                case "--":
                    program.AddRange(args[(i + 1)..]);
                    i = args.Length;
                    break;
                default:
                    throw QueueException.Usage($"'{args[i]}' is not understood", Usage);
            }
        }

        return new(root, port, json, program.Count > 0 ? program : [Beside()]);
    }

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
