using System.Text.Json.Nodes;

namespace AgentQueue.Models;

/// <summary>What the model server answers to one request of an agent.</summary>
internal abstract record Turn
{
    private Turn() { }

    /// <summary>What the answer says that it took; only the turns that answer with 200 have any.</summary>
    public ModelUsage Usage { get; init; } = new(1000, 200, 34);

    /// <summary>A text, in two pieces; it ends the agent's work.</summary>
    public sealed record Say(string Text) : Turn;

    /// <summary>Asks for a file, with whatever tool this agent offers for that.</summary>
    /// <param name="Path">Absolute: most agents refuse another.</param>
    public sealed record Write(string Path, string Content) : Turn;

    /// <summary>Asks for a shell command, with whatever tool this agent offers for that.</summary>
    public sealed record Shell(string Command) : Turn;

    /// <summary>Asks for any other tool that this agent offers.</summary>
    /// <param name="Name">Its name, or <c>SERVER/TOOL</c> for one of an MCP server, which each agent spells in its own way.</param>
    public sealed record Tool(string Name, JsonObject Arguments) : Turn;

    /// <summary>An error of HTTP, 400 to 599, in the words of the API.</summary>
    /// <param name="RetryAfter">Whole seconds, sent as the header <c>retry-after</c>.</param>
    public sealed record Refuse(int Status, int? RetryAfter = null) : Turn;

    /// <summary>HTTP 429, as each service says that the account has used up what it may use until then.</summary>
    public sealed record Limit(DateTimeOffset Resets) : Turn;

    /// <summary>Accepts the request and never answers; after a piece of text, if there is one.</summary>
    public sealed record Hang(string? After = null) : Turn;

    /// <summary>Sends the first half of a text and closes the connection.</summary>
    public sealed record Cut(string Text) : Turn;
}

/// <summary>Tokens of one answer. Some APIs count the cached ones as input too; each is told in its own way.</summary>
/// <param name="Fresh">Input that no cache held.</param>
/// <param name="Cached">Input that was read from a cache.</param>
internal readonly record struct ModelUsage(int Fresh, int Cached, int Output)
{
    public int Input => Fresh + Cached;
    public int Total => Fresh + Cached + Output;
}
