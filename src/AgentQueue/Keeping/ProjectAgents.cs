using System.Text;
using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Keeping;

/// <summary>
/// The project's <c>agent-config.json</c>, for those who add to it: what stands there stays as it is,
/// comments and order included.
/// </summary>
internal sealed class ProjectAgents
{
    private readonly QueueFolder _queue;
    private readonly byte[]? _existing;
    private readonly SourceValue? _root;

    private string Path => System.IO.Path.Join(_queue.ProjectRoot, AgentConfig.FileName);

    /// <exception cref="QueueException">It cannot be read, or is not JSON.</exception>
    public ProjectAgents(QueueFolder queue)
    {
        _queue = queue;
        _existing = ConfigReader.ReadBytes(Path, AgentConfig.FileName);
        if (_existing is null)
        {
            return;
        }

        _root =
            SourceValue.Parse(_existing, out var problem)
            ?? throw QueueException.Usage(
                $"{AgentConfig.FileName}:{problem.Line}: this is not JSON: {problem.Reason}",
                "Correct it, then import again"
            );
    }

    public bool Exists => _existing is not null;

    /// <summary>A value at the root, or null.</summary>
    public SourceValue? Find(string name) =>
        _root?.Members.LastOrDefault(m => m.Name == name)?.Value;

    /// <summary>The names of the agents that stand there.</summary>
    public HashSet<string> Names =>
        [
            .. (_root?.Members ?? [])
                .Where(static m => m.Name == "agents")
                .SelectMany(static m => m.Value.Members)
                .Select(static m => m.Name),
        ];

    /// <summary>The text as it is, or that of a new file with these agents.</summary>
    public string TextWith(IReadOnlyCollection<AgentDefinition> ifNew) =>
        _existing is null ? ConfigTemplate.Write(ifNew) : Encoding.UTF8.GetString(_existing);

    /// <summary>Durable; a new file gets its schema beside it.</summary>
    public void Write(string text)
    {
        var schema = System.IO.Path.Join(_queue.Folder, ConfigSchema.FileName);
        if (!Exists && _queue.Disk.Facts(schema) is null)
        {
            _queue.Durable.TryCreate(schema, Encoding.UTF8.GetBytes(ConfigSchema.Text));
        }

        _queue.Durable.Replace(Path, Encoding.UTF8.GetBytes(text));
    }
}
