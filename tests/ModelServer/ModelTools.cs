using System.Globalization;
using System.Text.Json.Nodes;

namespace AgentQueue.Models;

/// <summary>A call of an agent's tool.</summary>
internal sealed record ToolCall(string Id, string Name, JsonObject Arguments);

/// <summary>
/// The tools that write a file or run a command, by the names that agents give them. An agent is asked with the
/// first one that it offers.
/// </summary>
internal static class ModelTools
{
    private static readonly (string Name, Func<string, string, JsonObject> Arguments)[] s_writers =
    [
        ("Write", static (path, text) => new() { ["file_path"] = path, ["content"] = text }),
        ("write", static (path, text) => new() { ["filePath"] = path, ["content"] = text }),
        ("write_file", static (path, text) => new() { ["file_path"] = path, ["content"] = text }),
        ("create", static (path, text) => new() { ["path"] = path, ["file_text"] = text }),
        (
            "exec_command",
            static (path, text) => new() { ["cmd"] = $"printf %s {Quote(text)} > {Quote(path)}" }
        ),
    ];

    private static readonly (string Name, Func<string, JsonObject> Arguments)[] s_shells =
    [
        (
            "Bash",
            static command => new() { ["command"] = command, ["description"] = "Runs a command" }
        ),
        (
            "bash",
            static command => new() { ["command"] = command, ["description"] = "Runs a command" }
        ),
        (
            "run_shell_command",
            static command =>
                new()
                {
                    ["command"] = command,
                    ["description"] = "Runs a command",
                    ["is_background"] = false,
                }
        ),
        ("exec_command", static command => new() { ["cmd"] = command }),
    ];

    private static int s_calls;

    /// <summary>Whether <see cref="Call"/> finds a tool.</summary>
    public static bool IsKnown(Turn turn, IReadOnlyCollection<string> offered) =>
        turn switch
        {
            Turn.Write => s_writers.Any(t => offered.Contains(t.Name)),
            Turn.Shell => s_shells.Any(t => offered.Contains(t.Name)),
            Turn.Tool tool => offered.Any(n => IsNamed(n, tool.Name)),
            _ => throw new ArgumentOutOfRangeException(nameof(turn), turn, null),
        };

    /// <exception cref="InvalidOperationException">The agent offers no tool for it that is known here.</exception>
    public static ToolCall Call(Turn turn, IReadOnlyCollection<string> offered)
    {
        var (name, arguments) = turn switch
        {
            Turn.Write write => s_writers
                .Where(t => offered.Contains(t.Name))
                .Select(t => (t.Name, t.Arguments(write.Path, write.Content)))
                .FirstOrDefault(),
            Turn.Shell shell => s_shells
                .Where(t => offered.Contains(t.Name))
                .Select(t => (t.Name, t.Arguments(shell.Command)))
                .FirstOrDefault(),
            Turn.Tool tool => offered
                .Where(n => IsNamed(n, tool.Name))
                .Select(n => (n, tool.Arguments))
                .FirstOrDefault(),
            _ => throw new ArgumentOutOfRangeException(nameof(turn), turn, null),
        };
        if (name is null)
        {
            throw new InvalidOperationException(
                $"No tool is known for {turn} among {string.Join(' ', offered)}"
            );
        }

        var number = Interlocked.Increment(ref s_calls);
        return new(
            string.Create(CultureInfo.InvariantCulture, $"call_{number:x8}"),
            name,
            arguments
        );
    }

    // mcp__agentq__start, mcp_agentq_start, agentq_start, agentq-start: all of them agentq/start.
    private static bool IsNamed(string offered, string name)
    {
        var names = name.Split('/');
        if (names.Length == 1)
        {
            return offered == name;
        }

        var server = offered.EndsWith(names[1], StringComparison.Ordinal)
            ? offered[..^names[1].Length]
            : "";
        var bare = server.TrimEnd('_', '-', '.');
        return bare.Length < server.Length && bare.EndsWith(names[0], StringComparison.Ordinal);
    }

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''")}'";
}
