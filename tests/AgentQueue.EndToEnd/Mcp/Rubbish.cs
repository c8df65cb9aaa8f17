using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>Messages that are wrong in every way that a message can be; the same ones for the same seed.</summary>
internal sealed class Rubbish(int seed)
{
    // Longer than any line may be.
    private const int TooLong = 16 << 20;

    private static readonly string[] s_calls =
    [
        """{"name":"start","arguments":{"agent":"shell","prompt":"true","run":false,"timeout":"5m","priority":5,"depends_on":[],"name":"x"}}""",
        """{"name":"list","arguments":{"state":["failed"],"limit":5,"agent":"shell"}}""",
        """{"name":"show","arguments":{"task":"nosuch"}}""",
        """{"name":"wait","arguments":{"tasks":["nosuch"],"any":true,"seconds":0},"_meta":{"progressToken":"p"}}""",
        """{"name":"cancel","arguments":{"tasks":["nosuch"]}}""",
        """{"name":"retry","arguments":{"task":"nosuch","resume":false,"run":false}}""",
        """{"name":"result","arguments":{"task":"nosuch"}}""",
        """{"name":"logs","arguments":{"task":"nosuch","tail":5}}""",
        """{"name":"run","arguments":{"tasks":["nosuch"],"parallel":2,"drain":false}}""",
        """{"name":"plan_run","arguments":{"plan":"nosuch.yaml","set":{"a":"b"}}}""",
        """{"name":"plan_status","arguments":{"run":"nosuch"}}""",
        """{"name":"trigger","arguments":{"event":"nosuch","vars":{"a":"b"}}}""",
    ];

    private static readonly string[] s_messages =
    [
        .. s_calls.Select(static c =>
            $$"""{"jsonrpc":"2.0","id":"any","method":"tools/call","params":{{c}}}"""
        ),
        """{"jsonrpc":"2.0","id":"any","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}""",
        """{"jsonrpc":"2.0","id":"any","method":"ping","params":{}}""",
        """{"jsonrpc":"2.0","id":"any","method":"tools/list","params":{"cursor":"x"}}""",
        """{"jsonrpc":"2.0","id":"any","method":"resources/read","params":{"uri":"agentq://task/nosuch/log"}}""",
        """{"jsonrpc":"2.0","id":"any","method":"resources/read","params":{"uri":"agentq://plan-run/nosuch"}}""",
        """{"jsonrpc":"2.0","id":"any","method":"resources/subscribe","params":{"uri":"agentq://tasks"}}""",
        """{"jsonrpc":"2.0","id":"any","method":"prompts/get","params":{"name":"delegate","arguments":{"agent":"a","task":"t"}}}""",
        """{"jsonrpc":"2.0","id":"any","method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"delegate"},"argument":{"name":"agent","value":"x"}}}""",
        """{"jsonrpc":"2.0","id":"any","method":"logging/setLevel","params":{"level":"debug"}}""",
        """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"any","reason":"x"}}""",
        """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}""",
        """{"jsonrpc":"2.0","id":"any","result":{"roots":[]}}""",
        """{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x","data":{}}}""",
    ];

    private static readonly string[] s_values =
    [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e999",
        "-1e999",
        "99999999999999999999999999",
        "\"\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\u0000\"",
        "\"a\\u0000b\"",
        "\"--all\"",
        "\"../../etc/passwd\"",
        "[]",
        "{}",
        "[[[]]]",
        "{\"a\":{\"b\":[1,2,{}]}}",
        "\"2.0\"",
        "\"tools/call\"",
        "\"\\u202e\\u001b]52;c;eA==\\u0007\"",
    ];

    private static readonly string[] s_lines =
    [
        "",
        " ",
        "\t\r",
        "\uFEFF",
        "{",
        "}",
        "[]",
        "{}",
        "null",
        "true",
        "0",
        "\"\"",
        "[[]]",
        "[{}]",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
        "{\"id\":1,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"method\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":null}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":[]}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/get\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"x\"}",
        "{'jsonrpc':'2.0'}",
        "POST /mcp HTTP/1.1",
        "Content-Length: 10\r",
        "\u0000\u0000\u0000\u0000",
        "// {\"jsonrpc\":\"2.0\"}",
        "NaN",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",}",
    ];

    private readonly Random _random = new(seed);

    /// <summary>So many of them, each with what it is and its end of line.</summary>
    public IEnumerable<(string What, byte[] Bytes)> Messages(int count)
    {
        foreach (var line in s_lines)
        {
            yield return (line, Line(line));
        }

        for (var i = s_lines.Length; i < count; i++)
        {
            var message = s_messages[_random.Next(s_messages.Length)];
            // The longest are few: each is read to its end.
            yield return i % 250 == 249 ? Huge(message) : Spoiled(message, _random.Next(16));
        }
    }

    private (string, byte[]) Spoiled(string message, int way) =>
        way switch
        {
            0 => ("cut", Line(message[.._random.Next(message.Length)])),
            1 => ("a byte turned", Turned(message)),
            2 => ("a byte that never is", Spliced(message, 0xFF)),
            3 => ("a NUL", Spliced(message, 0)),
            4 => ("a carriage return", Line(message + "\r")),
            5 => ("a mark in front", Line("\uFEFF" + message)),
            6 => ("a batch", Line($"[{message},{message}]")),
            7 => ("two on a line", Line(message + message)),
            8 => ("deep", Line(Replaced(message, Deep()))),
            9 => (
                "a member twice",
                Line(message.Replace("{\"", "{\"jsonrpc\":\"2.0\",\"", StringComparison.Ordinal))
            ),
            10 => ("an id", Line(message.Replace("\"any\"", Value(), StringComparison.Ordinal))),
            11 => (
                "a method",
                Line(message.Replace("/", Value().Trim('"') + "/", StringComparison.Ordinal))
            ),
            12 => (
                "more",
                Line(
                    message.Replace(
                        "\":{\"",
                        $"\":{{\"more\":{Value()},\"",
                        StringComparison.Ordinal
                    )
                )
            ),
            13 => ("less", Line(Without(message))),
            _ => ("another value", Line(Replaced(message, Value()))),
        };

    private (string, byte[]) Huge(string message) =>
        _random.Next(3) switch
        {
            0 => ("16 MiB of a letter", Line(new string('x', TooLong))),
            1 => ("16 MiB in a value", Line(Replaced(message, $"\"{new string('x', TooLong)}\""))),
            _ => (
                "a million members",
                Line(
                    Replaced(
                        message,
                        "{"
                            + string.Join(
                                ',',
                                Enumerable
                                    .Range(0, 1_000_000)
                                    .Select(static i =>
                                        string.Create(CultureInfo.InvariantCulture, $"\"{i}\":0")
                                    )
                            )
                            + "}"
                    )
                )
            ),
        };

    private string Value() => s_values[_random.Next(s_values.Length)];

    private string Deep()
    {
        var depth = (int)Math.Pow(10, 1 + (4 * _random.NextDouble()));
        return _random.Next(2) == 0
            ? new string('[', depth) + new string(']', depth)
            : string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "0" + new string('}', depth);
    }

    private byte[] Turned(string message)
    {
        var bytes = Line(message);
        bytes[_random.Next(bytes.Length - 1)] ^= (byte)(1 << _random.Next(8));
        return bytes;
    }

    private byte[] Spliced(string message, byte value)
    {
        var bytes = Line(message);
        var at = _random.Next(bytes.Length);
        return [.. bytes[..at], value, .. bytes[at..]];
    }

    // Somewhere in the tree stands the text instead of what stood there.
    private string Replaced(string message, string text)
    {
        const string Mark = "\"the place\"";
        var root = JsonNode.Parse(message)!.AsObject();
        var (parent, name) = Place(root);
        parent[name] = "the place";
        return root.ToJsonString().Replace(Mark, text, StringComparison.Ordinal);
    }

    private string Without(string message)
    {
        var root = JsonNode.Parse(message)!.AsObject();
        var (parent, name) = Place(root);
        parent.Remove(name);
        return root.ToJsonString();
    }

    private (JsonObject Parent, string Name) Place(JsonObject root)
    {
        List<(JsonObject, string)> places = [];
        Collect(root);
        return places[_random.Next(places.Count)];

        void Collect(JsonObject json)
        {
            foreach (var (name, value) in json)
            {
                places.Add((json, name));
                if (value is JsonObject inner)
                {
                    Collect(inner);
                }
            }
        }
    }

    private static byte[] Line(string text) => Encoding.UTF8.GetBytes(text + "\n");
}
