using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace AgentQueue.Models;

/// <summary>
/// A model service on loopback, for the agents of six makers: it speaks their four APIs, answers what the test has
/// put on its list, and keeps what it was asked.
/// </summary>
internal sealed class ModelServer : IDisposable
{
    private static readonly Dialect[] s_dialects =
    [
        new ChatDialect(),
        new ResponsesDialect(),
        new MessagesDialect(),
        new GeminiDialect(),
    ];

    private readonly Socket _listener = new(
        AddressFamily.InterNetwork,
        SocketType.Stream,
        ProtocolType.Tcp
    );
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _gate = new();
    private readonly List<ModelRequest> _requests = [];
    private readonly List<ModelRequest> _others = [];
    private readonly List<string> _faults = [];
    private Func<ModelRequest, Turn> _answer = static _ => new Turn.Say("Hello.");

    public ModelServer()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(128);
        _ = AcceptAsync();
    }

    /// <summary>Without a path, and without a slash at its end.</summary>
    public string Address =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}"
        );

    /// <summary>What was asked with tools on offer, which is how an agent does its work; oldest first.</summary>
    public IReadOnlyList<ModelRequest> Requests
    {
        get
        {
            lock (_gate)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>What else was asked: titles, lists of models, counts of tokens. No turn is spent on them.</summary>
    public IReadOnlyList<ModelRequest> Others
    {
        get
        {
            lock (_gate)
            {
                return [.. _others];
            }
        }
    }

    /// <summary>What the server itself could not do; a test that got no answer finds the reason here.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_gate)
            {
                return [.. _faults];
            }
        }
    }

    /// <summary>One turn for each request from now on; the last one for all that follow.</summary>
    public void Play(params Turn[] turns)
    {
        var next = 0;
        Answer(_ => turns[Math.Min(next++, turns.Length - 1)]);
    }

    /// <summary>What the tools that the agent has called have answered so far, oldest first.</summary>
    public static IReadOnlyList<string> Results(ModelRequest request) =>
        [.. s_dialects.FirstOrDefault(d => d.Knows(request))?.Results(request.Json) ?? []];

    /// <summary>Whether the agent offers a tool for this turn; for a turn without any, true.</summary>
    public static bool Offers(ModelRequest request, Turn turn) =>
        turn is not (Turn.Write or Turn.Shell or Turn.Tool)
        || ModelTools.IsKnown(
            turn,
            s_dialects.FirstOrDefault(d => d.Knows(request))?.Offered(request.Json).ToHashSet()
                ?? []
        );

    /// <summary>Chooses the turn by the request. Called for one request at a time.</summary>
    public void Answer(Func<ModelRequest, Turn> choose)
    {
        lock (_gate)
        {
            _answer = choose;
        }
    }

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var end = _end.Token;
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptAsync(end), end);
            }
        }
        catch (Exception e)
            when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken end)
    {
        using var exchange = new HttpExchange(socket);
        try
        {
            if (await exchange.ReadAsync(end) is { } request)
            {
                await AnswerAsync(exchange, request, end);
            }
        }
        catch (Exception e)
            when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The agent was ended in the middle, or the test is over.
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _faults.Add(e.ToString());
            }
        }
    }

    private async Task AnswerAsync(
        HttpExchange exchange,
        ModelRequest request,
        CancellationToken end
    )
    {
        var dialect = s_dialects.FirstOrDefault(d => d.Knows(request));
        var offered = dialect?.Offered(request.Json).ToHashSet() ?? [];
        if (dialect is null || offered.Count == 0)
        {
            lock (_gate)
            {
                _others.Add(request);
            }

            await AnswerOtherAsync(exchange, request, dialect, end);
            return;
        }

        Turn turn;
        lock (_gate)
        {
            _requests.Add(request);
            turn = _answer(request);
        }

        switch (turn)
        {
            case Turn.Say say:
                await ReplyAsync(exchange, request, dialect, new(say.Text, null, turn.Usage), end);
                break;
            case Turn.Write or Turn.Shell or Turn.Tool:
                var call = ModelTools.Call(turn, offered);
                await ReplyAsync(exchange, request, dialect, new("", call, turn.Usage), end);
                break;
            case Turn.Refuse refuse:
                await exchange.AnswerAsync(
                    refuse.Status,
                    dialect.Error(refuse.Status).ToJsonString(),
                    refuse.RetryAfter is { } seconds
                        ? [("retry-after", seconds.ToString(CultureInfo.InvariantCulture))]
                        : [],
                    end
                );
                break;
            case Turn.Limit limit:
                var (body, headers) = dialect.Limit(limit.Resets);
                await exchange.AnswerAsync(429, body.ToJsonString(), headers, end);
                break;
            case Turn.Hang { After: null }:
                await exchange.SilenceAsync(end);
                break;
            case Turn.Hang { After: { } text }:
                await BeginTextAsync(exchange, dialect, text, turn.Usage, end);
                await exchange.SilenceAsync(end);
                break;
            case Turn.Cut cut:
                await BeginTextAsync(exchange, dialect, cut.Text, turn.Usage, end);
                break;
        }
    }

    private static async Task ReplyAsync(
        HttpExchange exchange,
        ModelRequest request,
        Dialect dialect,
        Reply reply,
        CancellationToken end
    )
    {
        if (!dialect.IsStreamed(request))
        {
            await exchange.AnswerAsync(200, dialect.Whole(reply).ToJsonString(), [], end);
            return;
        }

        await exchange.BeginAsync(end);
        foreach (var text in dialect.Stream(reply))
        {
            await exchange.EventAsync(text, end);
        }

        await exchange.EndAsync(end);
    }

    // As far as the first half of the text.
    private static async Task BeginTextAsync(
        HttpExchange exchange,
        Dialect dialect,
        string text,
        ModelUsage usage,
        CancellationToken end
    )
    {
        var reply = new Reply(text, null, usage);
        await exchange.BeginAsync(end);
        foreach (var one in dialect.Stream(reply))
        {
            await exchange.EventAsync(one, end);
            if (one.Contains(reply.Halves.First, StringComparison.Ordinal))
            {
                break;
            }
        }
    }

    private static Task AnswerOtherAsync(
        HttpExchange exchange,
        ModelRequest request,
        Dialect? dialect,
        CancellationToken end
    )
    {
        var path = request.Path.Split('?')[0];
        return dialect is not null
                ? ReplyAsync(exchange, request, dialect, new("Title", null, new(10, 0, 2)), end)
            : path.EndsWith("/count_tokens", StringComparison.Ordinal)
                ? exchange.AnswerAsync(200, """{"input_tokens":10}""", [], end)
            : path.EndsWith(":countTokens", StringComparison.Ordinal)
                ? exchange.AnswerAsync(200, """{"totalTokens":10}""", [], end)
            : path.EndsWith("/models", StringComparison.Ordinal)
                ? exchange.AnswerAsync(
                    200,
                    """{"object":"list","data":[{"id":"test-model","object":"model"}]}""",
                    [],
                    end
                )
            : exchange.AnswerAsync(404, """{"error":{"message":"not found"}}""", [], end);
    }
}
