using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace AgentQueue.Models;

/// <summary>
/// One request on one connection and its answer, by HTTP/1.1. It knows no more than the agents need, but it can do
/// what no ordinary server does: stay silent, or stop in the middle.
/// </summary>
internal sealed class HttpExchange(Socket socket) : IDisposable
{
    private const int LongestHead = 64 << 10;
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _from;
    private int _to;

    /// <summary>Null when the connection is closed before a whole request has come.</summary>
    public async Task<ModelRequest?> ReadAsync(CancellationToken end)
    {
        if (await ReadLineAsync(end) is not { Length: > 0 } first)
        {
            return null;
        }

        var words = first.Split(' ');
        var headers = new Dictionary<string, string>();
        while (await ReadLineAsync(end) is { Length: > 0 } line)
        {
            var parts = line.Split(':', 2);
            headers[parts[0].ToLowerInvariant()] = parts.Length > 1 ? parts[1].Trim() : "";
        }

        if (headers.GetValueOrDefault("expect") == "100-continue")
        {
            await SendAsync("HTTP/1.1 100 Continue\r\n\r\n", end);
        }

        using var body = new MemoryStream();
        if (headers.GetValueOrDefault("transfer-encoding") == "chunked")
        {
            while (
                await ReadLineAsync(end) is { } size
                && int.Parse(
                    size.Split(';')[0],
                    NumberStyles.HexNumber,
                    CultureInfo.InvariantCulture
                )
                    is > 0
                        and var length
            )
            {
                await ReadExactlyAsync(body, length, end);
                await ReadLineAsync(end);
            }
        }
        else if (headers.GetValueOrDefault("content-length") is { } text)
        {
            await ReadExactlyAsync(body, int.Parse(text, CultureInfo.InvariantCulture), end);
        }

        return new ModelRequest(
            words[0],
            words.ElementAtOrDefault(1) ?? "/",
            headers,
            body.ToArray()
        );
    }

    /// <summary>A whole answer; the connection is closed behind it.</summary>
    public Task AnswerAsync(
        int status,
        string body,
        IEnumerable<(string Name, string Value)> headers,
        CancellationToken end
    )
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Answer\r\n");
        head.Append("content-type: application/json\r\nconnection: close\r\n");
        foreach (var (name, value) in headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        head.Append(
            CultureInfo.InvariantCulture,
            $"content-length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"
        );
        return SendAsync(head.ToString(), end);
    }

    /// <summary>Begins a stream of events, in chunks: one that ends without <see cref="EndAsync"/> was cut.</summary>
    public Task BeginAsync(CancellationToken end) =>
        SendAsync(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
                + "transfer-encoding: chunked\r\n\r\n",
            end
        );

    public Task EventAsync(string text, CancellationToken end) =>
        SendAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Encoding.UTF8.GetByteCount(text):x}\r\n{text}\r\n"
            ),
            end
        );

    public Task EndAsync(CancellationToken end) => SendAsync("0\r\n\r\n", end);

    /// <summary>Returns when the other side has closed the connection, or what is to end has ended.</summary>
    public async Task SilenceAsync(CancellationToken end)
    {
        while (await _stream.ReadAsync(_buffer, end) > 0)
        {
            // Whatever else it says is not answered either.
        }
    }

    public void Dispose() => _stream.Dispose();

    private async Task SendAsync(string text, CancellationToken end) =>
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(text), end);

    private async Task<string?> ReadLineAsync(CancellationToken end)
    {
        var line = new StringBuilder();
        while (line.Length < LongestHead)
        {
            if (_from == _to && !await FillAsync(end))
            {
                return null;
            }

            var next = (char)_buffer[_from++];
            if (next == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append(next);
        }

        return null;
    }

    private async Task ReadExactlyAsync(MemoryStream body, int length, CancellationToken end)
    {
        while (length > 0)
        {
            if (_from == _to && !await FillAsync(end))
            {
                throw new EndOfStreamException();
            }

            var piece = Math.Min(length, _to - _from);
            body.Write(_buffer, _from, piece);
            _from += piece;
            length -= piece;
        }
    }

    private async Task<bool> FillAsync(CancellationToken end)
    {
        _from = 0;
        _to = await _stream.ReadAsync(_buffer, end);
        return _to > 0;
    }
}
