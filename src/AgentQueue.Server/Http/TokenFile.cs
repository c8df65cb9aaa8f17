using System.Globalization;
using System.Text;
using AgentQueue.Storage;

namespace AgentQueue.Server.Http;

/// <summary>The token of a running server, in a file that only its user may read; gone with the server.</summary>
internal sealed class TokenFile : IDisposable
{
    private readonly QueueFolder _queue;

    /// <exception cref="QueueException">It cannot be written.</exception>
    public TokenFile(QueueFolder queue, int port, string token)
    {
        _queue = queue;
        queue.Create();
        Path = System.IO.Path.Join(
            queue.Run,
            string.Create(CultureInfo.InvariantCulture, $"mcp-{port}.token")
        );
        queue.Unsynced.ReplaceUnsynced(Path, Encoding.ASCII.GetBytes(token + "\n"));
    }

    public string Path { get; }

    public void Dispose() => _queue.Disk.Delete(Path);
}
