using AgentQueue.Server.Http;

namespace AgentQueue.Tests.Server;

public sealed class RequestGuardTests
{
    private const string Token = "8c6f";
    private static readonly RequestGuard s_guard = new(8765, Token);

    [Theory]
    [InlineData("127.0.0.1:8765", null, null, null)]
    [InlineData("localhost:8765", null, null, null)]
    [InlineData("LOCALHOST:8765", null, "none", null)]
    [InlineData("[::1]:8765", null, "same-origin", null)]
    [InlineData("127.0.0.1:8765", "http://127.0.0.1:8765", "same-origin", null)]
    [InlineData("localhost:8765", "http://localhost:8765", null, null)]
    [InlineData("127.0.0.1", null, null, 403)]
    [InlineData("127.0.0.1:8766", null, null, 403)]
    [InlineData("127.0.0.1:87650", null, null, 403)]
    [InlineData("127.0.0.1.evil.example:8765", null, null, 403)]
    [InlineData("evil.example:8765", null, null, 403)]
    [InlineData("localhost.:8765", null, null, 403)]
    [InlineData("0.0.0.0:8765", null, null, 403)]
    [InlineData("127.0.0.2:8765", null, null, 403)]
    [InlineData("2130706433:8765", null, null, 403)]
    [InlineData("", null, null, 403)]
    [InlineData(null, null, null, 403)]
    [InlineData("127.0.0.1:8765", "null", null, 403)]
    [InlineData("127.0.0.1:8765", "", null, 403)]
    [InlineData("127.0.0.1:8765", "http://evil.example", null, 403)]
    [InlineData("127.0.0.1:8765", "http://evil.example:8765", null, 403)]
    [InlineData("127.0.0.1:8765", "https://127.0.0.1:8765", null, 403)]
    [InlineData("127.0.0.1:8765", "http://127.0.0.1:8766", null, 403)]
    [InlineData("127.0.0.1:8765", "http://127.0.0.1:8765.evil.example", null, 403)]
    [InlineData("127.0.0.1:8765", "http://127.0.0.1:8765/", null, 403)]
    [InlineData("127.0.0.1:8765", "vscode-webview://x", null, 403)]
    [InlineData("127.0.0.1:8765", null, "cross-site", 403)]
    [InlineData("127.0.0.1:8765", null, "same-site", 403)]
    public void Only_who_calls_this_server_by_its_own_name_comes_in(
        string? host,
        string? origin,
        string? fetchSite,
        int? status
    ) =>
        Assert.Equal(
            status,
            s_guard
                .Refusal(
                    Good() with
                    {
                        Hosts = host is null ? [] : [host],
                        Origins = origin is null ? [] : [origin],
                        FetchSite = fetchSite,
                    }
                )
                ?.Status
        );

    [Fact]
    public void Two_hosts_or_two_origins_are_one_too_many()
    {
        const string Own = "127.0.0.1:8765";
        Assert.Equal(403, s_guard.Refusal(Good() with { Hosts = [Own, Own] })?.Status);
        Assert.Equal(
            403,
            s_guard
                .Refusal(Good() with { Origins = ["http://" + Own, "http://evil.example"] })
                ?.Status
        );
    }

    [Theory]
    [InlineData("Bearer 8c6f", null)]
    [InlineData("bearer 8c6f", null)]
    [InlineData("Bearer 8c6", 401)]
    [InlineData("Bearer 8c6f0", 401)]
    [InlineData("Bearer 8C6F", 401)]
    [InlineData("Bearer ", 401)]
    [InlineData("Basic 8c6f", 401)]
    [InlineData("8c6f", 401)]
    [InlineData("", 401)]
    [InlineData(null, 401)]
    public void Only_who_knows_the_token_comes_in(string? header, int? status) =>
        Assert.Equal(status, s_guard.Refusal(Good() with { Authorization = header })?.Status);

    [Theory]
    [InlineData("GET", "/mcp", "application/json", 405)]
    [InlineData("OPTIONS", "/mcp", "application/json", 405)]
    [InlineData("DELETE", "/mcp", "application/json", 405)]
    [InlineData("POST", "/mcp", "application/json; charset=utf-8", null)]
    [InlineData("POST", "/mcp", "text/plain", 415)]
    [InlineData("POST", "/mcp", "application/x-www-form-urlencoded", 415)]
    [InlineData("POST", "/mcp", "application/json-seq", 415)]
    [InlineData("POST", "/mcp", null, 415)]
    [InlineData("POST", "/", "application/json", 404)]
    [InlineData("POST", "/mcp/", "application/json", 404)]
    public void Only_messages_that_no_page_can_send_unasked_come_in(
        string method,
        string path,
        string? type,
        int? status
    ) =>
        Assert.Equal(
            status,
            s_guard
                .Refusal(Good() with { Method = method, Path = path, ContentType = type })
                ?.Status
        );

    private static RequestGuard.Facts Good() =>
        new("POST", "/mcp", ["127.0.0.1:8765"], [], null, "Bearer " + Token, "application/json");
}
