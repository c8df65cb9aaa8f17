using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>Requests written byte by byte, such as no library of a good client would send.</summary>
/// <param name="port">On loopback.</param>
/// <param name="token">Of the server.</param>
internal sealed class RawHttp(int port, string token)
{
    public const string Path = "/mcp";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>The name by which a good client calls.</summary>
    public string Own { get; } = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    /// <summary>The header with the token.</summary>
    public string Token { get; } = $"Authorization: Bearer {token}";

    /// <summary>All that a good request needs.</summary>
    public string[] Good =>
        [
            $"Host: {Own}",
            Token,
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
        ];

    /// <summary>Posts a message as a good client does.</summary>
    public Answer Post(string message) =>
        Ask("POST " + Path, Good, Encoding.UTF8.GetBytes(message));

    /// <param name="line">The method and the path.</param>
    public Answer Ask(string line, string[] headers, byte[]? body = null)
    {
        using var client = Connect();
        var stream = client.GetStream();
        var head = new StringBuilder($"{line} HTTP/1.1\r\nConnection: close\r\n");
        foreach (var header in headers)
        {
            head.Append(header).Append("\r\n");
        }

        if (body is not null)
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
        }

        stream.Write(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()));
        try
        {
            stream.Write(body);
        }
        catch (IOException)
        {
            // It has seen enough, and says why.
        }

        return Read(stream);
    }

    /// <summary>A connection over which nothing is said yet.</summary>
    public TcpClient Connect()
    {
        var client = new TcpClient
        {
            ReceiveTimeout = (int)s_patience.TotalMilliseconds,
            SendTimeout = (int)s_patience.TotalMilliseconds,
        };
        client.Connect(IPAddress.Loopback, port);
        return client;
    }

    private static Answer Read(NetworkStream stream)
    {
        using var all = new MemoryStream();
        try
        {
            stream.CopyTo(all);
        }
        catch (IOException)
        {
            // Reset while our body was on its way; what came before counts.
        }

        var text = Encoding.UTF8.GetString(all.ToArray());
        var parts = text.Split("\r\n\r\n", 2);
        var lines = parts[0].Split("\r\n");
        var status =
            lines[0].Split(' ') is [_, var code, ..]
            && int.TryParse(code, CultureInfo.InvariantCulture, out var number)
                ? number
                : 0;
        return new Answer(status, lines[1..], parts.Length > 1 ? parts[1] : "");
    }

    /// <param name="Status">0: the connection was closed without a word.</param>
    public sealed record Answer(int Status, string[] Headers, string Body)
    {
        /// <summary>The message in the stream of events.</summary>
        public JsonElement Message
        {
            get
            {
                var data = Body.Split('\n')
                    .FirstOrDefault(static l => l.StartsWith("data: ", StringComparison.Ordinal));
                Assert.True(data is not null, ToString());
                using var document = JsonDocument.Parse(data["data: ".Length..]);
                return document.RootElement.Clone();
            }
        }

        public override string ToString() => $"{Status}\n{string.Join('\n', Headers)}\n\n{Body}";
    }
}
