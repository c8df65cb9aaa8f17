using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>Over HTTP only a program of this user is served, by this server's own name, and nobody else learns or changes anything.</summary>
public sealed class HttpTests : IDisposable
{
    // In bytes; the limit is 8 MiB.
    private const int TooLong = (8 << 20) + 1;
    private const int ManyConnections = 100;

    private readonly Sandbox _box = McpBox.Open();
    private readonly Running _server;
    private readonly string _tokenFile;
    private readonly int _port;
    private readonly RawHttp _http;

    public HttpTests()
    {
        (_server, var url, _tokenFile) = _box.Serve();
        _port = url.Port;
        _http = new RawHttp(_port, File.ReadAllText(_tokenFile).Trim());
    }

    public void Dispose()
    {
        _server.Dispose();
        _box.Dispose();
    }

    [Fact]
    [Trait("Fault", "S12")]
    public void A_name_or_an_origin_that_is_not_the_servers_own_is_refused() =>
        Fault.Inject(
            "S12",
            fault =>
            {
                var own = _http.Own;
                var wrong = new string[][]
                {
                    ["Host: evil.example"],
                    [$"Host: evil.example:{_port}"],
                    [$"Host: 127.0.0.1.evil.example:{_port}"],
                    [$"Host: localhost.evil.example:{_port}"],
                    ["Host: 127.0.0.1"],
                    [$"Host: 127.0.0.1:{_port + 1}"],
                    [$"Host: 127.0.0.1:{_port}0"],
                    [$"Host: 127.0.0.2:{_port}"],
                    [$"Host: 0.0.0.0:{_port}"],
                    [$"Host: 2130706433:{_port}"],
                    [$"Host: localhost.:{_port}"],
                    [$"Host: user@{own}"],
                    ["Host: "],
                    [],
                    [$"Host: {own}", $"Host: {own}"],
                    [$"Host: {own}", "Host: evil.example"],
                    [$"Host: {own}", "Origin: http://evil.example"],
                    [$"Host: {own}", $"Origin: http://evil.example:{_port}"],
                    [$"Host: {own}", "Origin: null"],
                    [$"Host: {own}", $"Origin: https://{own}"],
                    [$"Host: {own}", "Origin: http://127.0.0.1"],
                    [$"Host: {own}", $"Origin: http://{own}.evil.example"],
                    [$"Host: {own}", $"Origin: http://evil.example/{own}"],
                    [$"Host: {own}", $"Origin: http://{own}", "Origin: http://evil.example"],
                    [$"Host: {own}", "Sec-Fetch-Site: cross-site"],
                    [$"Host: {own}", "Sec-Fetch-Site: same-site"],
                    [$"Host: {own}", $"Origin: http://{own}", "Sec-Fetch-Site: cross-site"],
                };
                foreach (var headers in wrong)
                {
                    fault.Injected();
                    IsRefused([.. headers, .. _http.Good[1..]], 400, 403);
                }

                foreach (
                    var headers in new string[][]
                    {
                        [$"Host: {own}"],
                        [$"Host: localhost:{_port}", $"Origin: http://localhost:{_port}"],
                        [$"Host: [::1]:{_port}", "Sec-Fetch-Site: none"],
                        [$"Host: {own}", $"Origin: http://{own}", "Sec-Fetch-Site: same-origin"],
                    }
                )
                {
                    IsServed([.. headers, .. _http.Good[1..]]);
                }
            }
        );

    [Fact]
    [Trait("Fault", "S11")]
    public void What_a_page_of_another_site_can_send_is_refused_and_changes_nothing() =>
        Fault.Inject(
            "S11",
            fault =>
            {
                var id = _box.Enqueue("true");
                var before = _box.Picture();
                string[] host = [$"Host: {_http.Own}"];
                const string Json = "Content-Type: application/json";
                foreach (
                    var headers in new string[][]
                    {
                        [Json],
                        [Json, "Authorization: Bearer "],
                        [Json, "Authorization: Bearer x"],
                        [Json, _http.Token + "0"],
                        [Json, _http.Token[..^1]],
                        [Json, _http.Token.ToUpperInvariant()],
                        [Json, _http.Token.Replace("Bearer", "Basic", StringComparison.Ordinal)],
                        [Json, "Cookie: token=" + _http.Token.Split(' ')[^1]],
                    }
                )
                {
                    fault.Injected();
                    IsRefused([.. host, .. headers], 401);
                }

                // What a form or a simple request may have as its type.
                foreach (
                    var type in new[]
                    {
                        "text/plain",
                        "application/x-www-form-urlencoded",
                        "multipart/form-data; boundary=x",
                        "text/plain; application/json",
                        "application/jsonp",
                        "",
                    }
                )
                {
                    fault.Injected();
                    IsRefused([.. host, _http.Token, "Content-Type: " + type], 415);
                }

                foreach (
                    var method in new[]
                    {
                        "GET",
                        "HEAD",
                        "PUT",
                        "DELETE",
                        "PATCH",
                        "OPTIONS",
                        "TRACE",
                        "post",
                    }
                )
                {
                    fault.Injected(2);
                    IsRefused(_http.Good, method, 400, 405);
                    // As a browser asks first.
                    IsRefused(
                        [
                            .. host,
                            "Origin: http://evil.example",
                            "Access-Control-Request-Method: POST",
                            "Access-Control-Request-Headers: authorization",
                        ],
                        method,
                        400,
                        403
                    );
                }

                foreach (var path in new[] { "/", "/mcp/", "/MCP", "/mcp/../", "//mcp", "/token" })
                {
                    fault.Injected();
                    IsQuiet(_http.Ask("POST " + path, _http.Good, Start()), 400, 404);
                }

                Assert.Equal(before, _box.Picture());
                Assert.Equal("pending", _box.Task(id).Status);
                // The same message, rightly sent, does change something.
                Assert.Equal(200, _http.Ask("POST /mcp", _http.Good, Start()).Status);
                Assert.Equal(2, _box.Ids.Count);
            }
        );

    [Fact]
    [Trait("Fault", "S14")]
    public void It_listens_on_loopback_only_and_its_token_is_its_users_alone() =>
        Fault.Inject(
            "S14",
            fault =>
            {
                fault.Injected();
                Assert.Equal(
                    UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    File.GetUnixFileMode(_tokenFile)
                );
                Assert.Equal(64, File.ReadAllText(_tokenFile).Trim().Length);
                var ours = IPGlobalProperties
                    .GetIPGlobalProperties()
                    .GetActiveTcpListeners()
                    .Where(e => e.Port == _port);
                Assert.All(ours, static e => Assert.True(IPAddress.IsLoopback(e.Address)));
                Assert.NotEmpty(ours);
                Assert.DoesNotContain(
                    File.ReadAllText(_tokenFile).Trim(),
                    _server.Out + _server.Err + Processes.CommandLine(_server.Pid),
                    StringComparison.Ordinal
                );

                Processes.Signal(_server.Pid, Processes.Term);
                _server.End().Gives(0);
                Assert.False(File.Exists(_tokenFile), "the token is gone with its server");
            }
        );

    [Needs(Machine.Root)]
    [Trait("Fault", "S14")]
    public void Another_user_reaches_the_port_and_gets_neither_the_token_nor_an_answer() =>
        Fault.Inject(
            "S14",
            fault =>
            {
                fault.Injected();
                // As on a machine where everybody may look into the project.
                _box.Sh("chmod o+rx .. . && chmod -f o+rx .agents .agents/run; true").Gives(0);
                var other = _box.Sh(
                    $"setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'id -u; cat {_tokenFile}'"
                );
                Assert.Equal(1, other.Code);
                Assert.Equal("65534", other.Text);
                IsRefused([$"Host: {_http.Own}", "Content-Type: application/json"], 401);
            }
        );

    [Fact]
    public async Task Two_clients_are_served_at_once_and_a_wait_of_one_holds_up_nothing()
    {
        var id = _box.RunInBackground("exec sleep 300");
        var wait = Task.Run(() => _http.Post(Wait(id)));
        Eventually.Holds(() => _box.Waits() == 1, "one waits");

        IsServed(_http.Good);
        Assert.False(wait.IsCompleted);
        _box.Run("cancel", id).Gives(0);

        var told = await wait.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Contains("cancelled", told.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_told_to_end_in_a_wait_ends_soon_and_leaves_nothing()
    {
        var id = _box.RunInBackground("exec sleep 300");
        var wait = Task.Run(() => _http.Post(Wait(id)));
        Eventually.Holds(() => _box.Waits() == 1, "somebody waits");
        using var hanging = _http.Connect();
        hanging.GetStream().Write("POST /mcp HTTP/1.1\r\n"u8);

        Processes.Signal(_server.Pid, Processes.Term);

        _server.End(10).Gives(0);
        Eventually.Holds(() => _box.Waits() == 0, "no wait is left", 5);
        await wait.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.False(File.Exists(_tokenFile));
    }

    [Fact]
    [Trait("Fault", "F28")]
    public void Bodies_that_are_too_long_or_no_message_are_refused_and_the_server_goes_on() =>
        Fault.Inject(
            "F28",
            fault =>
            {
                var bodies = new List<byte[]>
                {
                    Array.Empty<byte>(),
                    "{"u8.ToArray(),
                    "[]"u8.ToArray(),
                    "null"u8.ToArray(),
                    "\0"u8.ToArray(),
                    Encoding.ASCII.GetBytes(new string('[', 100_000)),
                    Encoding.ASCII.GetBytes(new string('x', TooLong)),
                    Encoding.Latin1.GetBytes(
                        """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"start","arguments":{"agent":"shell","prompt":"ÿ"}}}"""
                    ),
                };
                foreach (var body in bodies)
                {
                    fault.Injected();
                    IsQuiet(_http.Ask("POST /mcp", _http.Good, body), 0, 400, 413);
                }

                foreach (
                    var (what, bytes) in new Rubbish(Fault.Seed).Messages(Fault.Count(150, 5000))
                )
                {
                    fault.Injected();
                    var answer = _http.Ask("POST /mcp", _http.Good, bytes);
                    Assert.True(
                        answer.Status is 0 or 200 or 202 or 400 or 413,
                        $"{what}: {Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 400)))} gives {answer}"
                    );
                }

                Assert.DoesNotContain(_box.Tasks, static t => t.Text("prompt")!.Contains('\uFFFD'));
                IsServed(_http.Good);
                Assert.False(_server.HasEnded);
            },
            seeded: true
        );

    [Fact]
    [Trait("Fault", "F28")]
    public void A_hundred_connections_that_hang_are_bounded_and_end() =>
        Fault.Inject(
            "F28",
            fault =>
            {
                List<TcpClient> hanging = [];
                try
                {
                    for (var i = 0; i < ManyConnections; i++)
                    {
                        fault.Injected();
                        var client = _http.Connect();
                        hanging.Add(client);
                        if (i % 2 == 0)
                        {
                            client.GetStream().Write("POST /mcp HTTP/1.1\r\nHost: "u8);
                        }
                    }

                    var memory = long.Parse(
                        Processes.Status(_server.Pid, "VmRSS")!.Split(' ')[0],
                        CultureInfo.InvariantCulture
                    );
                    Assert.InRange(memory >> 10, 1, 512);
                }
                finally
                {
                    hanging.ForEach(static c => c.Dispose());
                }

                // Those beyond the limit were closed at once, and the others are gone: there is room again.
                Eventually.Holds(
                    () => _http.Post(List()).Status == 200,
                    "a good request is served again"
                );
            }
        );

    private void IsServed(string[] headers)
    {
        var answer = _http.Ask("POST /mcp", headers, Encoding.UTF8.GetBytes(List()));
        Assert.True(answer.Status == 200, $"{string.Join(", ", headers)}: {answer}");
        Assert.False(
            answer.Message.GetProperty("result").GetProperty("isError").GetBoolean(),
            answer.ToString()
        );
        HasNoForeignAccess(answer);
    }

    private void IsRefused(string[] headers, params int[] statuses) =>
        IsRefused(headers, "POST", statuses);

    private void IsRefused(string[] headers, string method, params int[] statuses)
    {
        var body = method is "GET" or "HEAD" ? null : Start();
        IsQuiet(_http.Ask($"{method} /mcp", headers, body), statuses);
    }

    // Refused, in a few words, and nothing by which a browser would let a page read it.
    private static void IsQuiet(RawHttp.Answer answer, params int[] statuses)
    {
        Assert.True(statuses.Contains(answer.Status), answer.ToString());
        Assert.True(answer.Body.Length < 300, answer.ToString());
        HasNoForeignAccess(answer);
    }

    private static void HasNoForeignAccess(RawHttp.Answer answer) =>
        Assert.DoesNotContain(
            answer.Headers,
            static h =>
                h.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)
                || h.StartsWith("Set-Cookie", StringComparison.OrdinalIgnoreCase)
                || h.StartsWith("Server:", StringComparison.OrdinalIgnoreCase)
        );

    private static string List() =>
        StdioClient.Request("1", "tools/call", new() { ["name"] = "list" });

    private static byte[] Start() =>
        Encoding.UTF8.GetBytes(
            StdioClient.Request(
                "1",
                "tools/call",
                new()
                {
                    ["name"] = "start",
                    ["arguments"] = new JsonObject
                    {
                        ["agent"] = "shell",
                        ["prompt"] = "true",
                        ["run"] = false,
                    },
                }
            )
        );

    private static string Wait(string id) =>
        StdioClient.Request(
            "1",
            "tools/call",
            new()
            {
                ["name"] = "wait",
                ["arguments"] = new JsonObject { ["tasks"] = new JsonArray(id) },
            }
        );
}
