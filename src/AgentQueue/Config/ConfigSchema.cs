using System.Text;

namespace AgentQueue.Config;

/// <summary>The JSON Schema of <c>agent-config.json</c>, for editors; docs/agent-config.schema.json is its only copy.</summary>
internal static class ConfigSchema
{
    public const string FileName = "agent-config.schema.json";

    /// <summary>What <c>init</c> writes into the queue folder, so that it works without a network.</summary>
    public static string Text => Encoding.UTF8.GetString(EmbeddedText.Read(FileName));
}
