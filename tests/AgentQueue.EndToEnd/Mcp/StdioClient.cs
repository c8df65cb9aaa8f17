using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>
/// <c>agentq mcp</c> and a client of it that can say anything, right or wrong, byte by byte. Whatever the server prints
/// that is no message of the protocol is kept, for the test to be told.
/// </summary>
internal sealed class StdioClient : IDisposable
{
    /// <summary>In seconds; more than any call takes.</summary>
    public const double Patience = 60;

    private readonly Process _process;
    private readonly ConcurrentDictionary<string, JsonElement> _replies = [];
    private readonly ConcurrentQueue<string> _stray = [];
    private readonly StringBuilder _said = new();
    private readonly Task _reading;
    private readonly Task _listening;
    private int _last;

    public StdioClient(Sandbox box, params string[] args)
    {
        var info = new ProcessStartInfo(Path.Join(box.Bin, "agentq"), ["mcp", .. args])
        {
            WorkingDirectory = box.Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        info.Environment.Clear();
        foreach (var (name, value) in box.Environment)
        {
            info.Environment[name] = value;
        }

        _process = Process.Start(info)!;
        _reading = Task.Run(ReadAsync);
        _listening = Task.Run(ListenAsync);
    }

    public int Pid => _process.Id;

    public bool HasEnded => _process.HasExited;

    /// <summary>Lines of its standard output that are no messages.</summary>
    public IReadOnlyCollection<string> Stray => _stray;

    /// <summary>Its standard error so far.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return _said.ToString();
            }
        }
    }

    /// <summary>The most memory that it has had, in MiB.</summary>
    public long PeakMemory =>
        long.Parse(Processes.Status(Pid, "VmHWM")!.Split(' ')[0], CultureInfo.InvariantCulture)
        >> 10;

    /// <summary>Opens the conversation.</summary>
    public StdioClient Hello()
    {
        Result(
            Ask(
                "initialize",
                new()
                {
                    ["protocolVersion"] = "2025-06-18",
                    ["capabilities"] = new JsonObject(),
                    ["clientInfo"] = new JsonObject { ["name"] = "test", ["version"] = "1" },
                }
            )
        );
        Send("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");
        return this;
    }

    public void Send(string line) => Send(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>As it is: the end of a line is the caller's.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        var input = _process.StandardInput.BaseStream;
        input.Write(bytes);
        input.Flush();
    }

    /// <summary>Sends a request and returns its id.</summary>
    public string Begin(string method, JsonObject parameters)
    {
        var id = string.Create(
            CultureInfo.InvariantCulture,
            $"good-{Interlocked.Increment(ref _last)}"
        );
        Send(Request(id, method, parameters));
        return id;
    }

    /// <summary>A request as a line.</summary>
    public static string Request(string id, string method, JsonObject parameters) =>
        new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["id"] = id,
            ["method"] = method,
            ["params"] = parameters.DeepClone(),
        }.ToJsonString();

    public string BeginCall(string tool, JsonObject arguments) =>
        Begin("tools/call", new() { ["name"] = tool, ["arguments"] = arguments.DeepClone() });

    public bool HasReply(string id) => _replies.ContainsKey(id);

    /// <summary>The whole reply to a request.</summary>
    public JsonElement Reply(string id)
    {
        Eventually.Holds(() => HasReply(id) || _reading.IsCompleted, $"{id} is answered", Patience);
        Assert.True(HasReply(id), $"{id} was not answered. {Said}");
        return _replies[id];
    }

    public JsonElement Ask(string method, JsonObject parameters) =>
        Reply(Begin(method, parameters));

    /// <summary>Calls a tool, which must work, and returns its structured content.</summary>
    public JsonElement Call(string tool, JsonObject arguments)
    {
        var result = CallAnyhow(tool, arguments);
        Assert.False(result.GetProperty("isError").GetBoolean(), result.ToString());
        return result.GetProperty("structuredContent");
    }

    /// <summary>Calls a tool, which must refuse, and returns why.</summary>
    public string Refused(string tool, JsonObject arguments)
    {
        var result = CallAnyhow(tool, arguments);
        Assert.True(result.GetProperty("isError").GetBoolean(), $"{tool} {arguments}: {result}");
        return result.GetProperty("content")[0].GetProperty("text").GetString()!;
    }

    public JsonElement CallAnyhow(string tool, JsonObject arguments) =>
        Result(Reply(BeginCall(tool, arguments)));

    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Goes away without a word: nothing is written any more, and nothing read.</summary>
    public void Vanish()
    {
        _process.StandardInput.Close();
        _process.StandardOutput.Close();
        _process.StandardError.Close();
    }

    /// <summary>Waits for its end and returns the exit code.</summary>
    public int Ended(double seconds = Patience)
    {
        Assert.True(
            _process.WaitForExit(TimeSpan.FromSeconds(seconds)),
            $"agentq mcp has not ended within {seconds} s"
        );
        return _process.ExitCode;
    }

    /// <summary>Closes its input, and holds it against what a server must be to its end.</summary>
    public void EndsWell()
    {
        CloseInput();
        Assert.Equal(0, Ended());
        Assert.True(Task.WhenAll(_reading, _listening).Wait(TimeSpan.FromSeconds(Patience)));
        Assert.True(
            Stray.Count == 0,
            $"{Stray.Count} lines are no messages: {Stray.FirstOrDefault()}"
        );
    }

    public void Dispose()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }

        _process.Dispose();
    }

    private static JsonElement Result(JsonElement reply)
    {
        Assert.True(reply.TryGetProperty("result", out var result), reply.ToString());
        return result;
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _process.StandardOutput.ReadLineAsync() is { } line)
            {
                Take(line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The client has vanished.
        }
    }

    private void Take(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var message = document.RootElement.Clone();
            if (message.GetProperty("jsonrpc").GetString() != "2.0")
            {
                _stray.Enqueue(line);
            }
            else if (
                message.TryGetProperty("id", out var id)
                && id.ValueKind == JsonValueKind.String
            )
            {
                Assert.True(_replies.TryAdd(id.GetString()!, message) || !IsOurs(id.GetString()!));
            }
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            _stray.Enqueue(line);
        }
    }

    private static bool IsOurs(string id) => id.StartsWith("good-", StringComparison.Ordinal);

    private async Task ListenAsync()
    {
        try
        {
            while (await _process.StandardError.ReadLineAsync() is { } line)
            {
                lock (_said)
                {
                    _said.Append(line).Append('\n');
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The client has vanished.
        }
    }
}
