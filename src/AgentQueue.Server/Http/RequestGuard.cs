using System.Security.Cryptography;
using System.Text;

namespace AgentQueue.Server.Http;

/// <summary>
/// Who may ask: a program that knows the token and speaks to this server by its own name. A page in a browser can
/// reach loopback too, under any name that its owner's DNS gives it (DNS rebinding): so Host and Origin are held
/// against the names of this server, and nothing is ever said to another.
/// </summary>
internal sealed class RequestGuard(int port, string token)
{
    private readonly string[] _hosts = [$"127.0.0.1:{port}", $"localhost:{port}", $"[::1]:{port}"];

    private readonly byte[] _token = SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>The HTTP status to refuse with, and why; null if it may come in.</summary>
    public (int Status, string Why)? Refusal(Facts request)
    {
        if (
            request.Hosts is not [var host]
            || !_hosts.Contains(host, StringComparer.OrdinalIgnoreCase)
        )
        {
            return (403, "This server is not known by that name");
        }

        if (request.Origins.Count > 0 && !IsOurs(request.Origins))
        {
            return (403, "Requests of other sites are refused");
        }

        if (request.FetchSite is not (null or "same-origin" or "none"))
        {
            return (403, "Requests of other sites are refused");
        }

        if (request.Path != "/mcp")
        {
            return (404, "The address ends with /mcp");
        }

        if (!IsToken(request.Authorization))
        {
            return (401, "The header 'Authorization: Bearer TOKEN' is missing or wrong");
        }

        return request.Method != "POST" ? (405, "Only POST")
            : !IsJson(request.ContentType) ? (415, "Only application/json")
            : null;
    }

    private bool IsOurs(IReadOnlyList<string?> origins) =>
        origins is [{ } origin]
        && origin.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        && _hosts.Contains(origin["http://".Length..], StringComparer.OrdinalIgnoreCase);

    // Hashed first, so that the time tells neither the length nor how much of it was right.
    private bool IsToken(string? header) =>
        header is not null
        && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(header["Bearer ".Length..].Trim())),
            _token
        );

    private static bool IsJson(string? type) =>
        type?.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase)
        == true;

    /// <summary>What of a request the guard looks at, each header as it came.</summary>
    public sealed record Facts(
        string Method,
        string Path,
        IReadOnlyList<string?> Hosts,
        IReadOnlyList<string?> Origins,
        string? FetchSite,
        string? Authorization,
        string? ContentType
    );
}
