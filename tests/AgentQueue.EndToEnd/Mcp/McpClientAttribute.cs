namespace AgentQueue.EndToEnd.Mcp;

/// <summary>
/// A fact that is told by the protocol's own clients, in <c>tests/McpClient</c>; skipped, with the reason, where they
/// are not installed.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class McpClientAttribute : FactAttribute
{
    private static readonly string s_installed = Path.Join(
        Binaries.Repository,
        "artifacts",
        "agents",
        "mcp-inspector"
    );

    public McpClientAttribute()
    {
        var missing = s_installed + ".missing";
        Skip =
            !Machine.Has(Machine.Linux) ? "the clients of the protocol are run on Linux only"
            : File.Exists(Inspector) ? null
            : File.Exists(missing) ? File.ReadAllText(missing).Trim()
            : "mcp-inspector is not installed: ./build.sh agents mcp-inspector";
    }

    /// <summary>What both clients are installed in.</summary>
    public static string Modules { get; } = Path.Join(s_installed, "node_modules");

    /// <summary>The MCP Inspector's command.</summary>
    public static string Inspector { get; } = Path.Join(Modules, ".bin", "mcp-inspector");
}
