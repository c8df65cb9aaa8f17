using System.Text.Json;

namespace AgentQueue.Agents;

/// <summary>Errors that services put into errors.</summary>
internal static class ErrorText
{
    private const int Deepest = 4;
    private const int Longest = 2000;

    /// <summary>
    /// An error whose text is, or ends in, the JSON of another one becomes that one; its status and its word are
    /// kept unless the outer one has its own.
    /// </summary>
    public static StreamError Unwrap(StreamError error)
    {
        for (var depth = 0; depth < Deepest; depth++)
        {
            if (error.Message is not { } text || Inner(text) is not { } inner)
            {
                break;
            }

            error = new StreamError(
                inner.Message ?? error.Message,
                error.Type ?? inner.Type,
                error.Status ?? inner.Status
            );
            if (inner.Message is null)
            {
                break;
            }
        }

        return error.Message is { Length: > Longest } message
            ? error with
            {
                Message = message[..Longest] + "…",
            }
            : error;
    }

    private static StreamError? Inner(string text)
    {
        var begin = text.IndexOf('{', StringComparison.Ordinal);
        var end = text.LastIndexOf('}');
        if (begin < 0 || end <= begin)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(text.AsMemory(begin, end - begin + 1));
            var root = document.RootElement;
            if (
                root.TryGetProperty("error", out var named)
                && named.ValueKind == JsonValueKind.Object
            )
            {
                root = named;
            }

            return new StreamError(
                Text(root, "message") ?? Text(root, "error"),
                Text(root, "type") ?? Text(root, "status"),
                Status(root, "status") ?? Status(root, "code") ?? Status(root, "statusCode")
            );
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement value, string name) =>
        value.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.String
            ? found.GetString()
            : null;

    private static int? Status(JsonElement value, string name) =>
        value.TryGetProperty(name, out var found)
        && (
            (found.ValueKind == JsonValueKind.Number && found.TryGetInt32(out var number))
            || (
                found.ValueKind == JsonValueKind.String
                && int.TryParse(found.GetString(), out number)
            )
        )
        && number is >= 100 and < 600
            ? number
            : null;
}
