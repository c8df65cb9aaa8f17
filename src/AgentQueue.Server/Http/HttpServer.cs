using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using AgentQueue.Scheduling;
using AgentQueue.Server.Mcp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace AgentQueue.Server.Http;

/// <summary>
/// The queue over the protocol's Streamable HTTP, for several clients at once, on loopback only. Every request stands
/// for itself: there are no sessions to be kept, mixed up or left behind. It ends with INT or TERM.
/// </summary>
internal sealed class HttpServer(QueueProgram program, int port, Action<string, string> tellAddress)
{
    /// <summary>In bytes; as much as a line may have on standard input.</summary>
    private const int LongestBody = BoundedLines.LongestLine;

    private const int MostConnections = 64;
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private readonly QueueServer _queue = new(program);

    /// <exception cref="QueueException">The port is taken, or the token's file cannot be written.</exception>
    public async Task RunAsync()
    {
        await using var app = Build();
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        RequestGuard? guard = null;
        var ending = app.Lifetime.ApplicationStopping;
        app.Run(context => AnswerAsync(context, guard!, ending));
        try
        {
            await app.StartAsync();
        }
        catch (IOException e)
        {
            throw new QueueException(
                $"Port {port} cannot be used: {e.Message}",
                "Take another: --port N, or none for a free one",
                cause: e
            );
        }

        var address = new Uri(
            app.Services.GetRequiredService<IServer>()
                .Features.Get<IServerAddressesFeature>()!
                .Addresses.First()
        );
        guard = new RequestGuard(address.Port, token);
        using var file = new TokenFile(
            new ProjectQueue(program.Project, TimeProvider.System).Queue,
            address.Port,
            token
        );
        tellAddress(
            string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{address.Port}/mcp"),
            file.Path
        );
        await app.WaitForShutdownAsync();
    }

    // Empty: no settings are read from files in the current folder or from the environment.
    private WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = LongestBody;
            options.Limits.MaxConcurrentConnections = MostConnections;
            // Who holds a connection and says nothing makes room for others.
            options.Limits.RequestHeadersTimeout = s_silence;
            options.Limits.KeepAliveTimeout = s_silence;
            options.Listen(IPAddress.Loopback, port);
        });
        // For requests that are not even whole; the host's own patience is half a minute.
        builder.Services.Configure<HostOptions>(static options =>
            options.ShutdownTimeout = s_patience
        );
        return builder.Build();
    }

    private async Task AnswerAsync(
        HttpContext context,
        RequestGuard guard,
        CancellationToken ending
    )
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers["X-Content-Type-Options"] = "nosniff";
        response.Headers.CacheControl = "no-store";
        if (guard.Refusal(FactsOf(request)) is var (status, why))
        {
            response.StatusCode = status;
            if (status == StatusCodes.Status405MethodNotAllowed)
            {
                response.Headers.Allow = "POST";
            }

            await PlainAsync(response, why + "\n");
            return;
        }

        if (await ReadAsync(context) is { } message)
        {
            // A wait goes on neither for a client that has gone nor when the server is to end.
            using var over = CancellationTokenSource.CreateLinkedTokenSource(
                context.RequestAborted,
                ending
            );
            await ServeAsync(message, response, over.Token);
        }
    }

    private static RequestGuard.Facts FactsOf(HttpRequest request) =>
        new(
            request.Method,
            request.Path.Value ?? "",
            [.. request.Headers.Host],
            [.. request.Headers.Origin],
            request.Headers["Sec-Fetch-Site"].FirstOrDefault(),
            request.Headers.Authorization.FirstOrDefault(),
            request.ContentType
        );

    private static async Task<JsonRpcMessage?> ReadAsync(HttpContext context)
    {
        try
        {
            var type = (System.Text.Json.Serialization.Metadata.JsonTypeInfo<JsonRpcMessage>)
                McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(JsonRpcMessage));
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            var bytes = body.GetBuffer().AsSpan(0, (int)body.Length);
            // What is not UTF-8 would arrive as other characters.
            if (Utf8.IsValid(bytes) && JsonSerializer.Deserialize(bytes, type) is { } message)
            {
                return message;
            }
        }
        catch (BadHttpRequestException e)
        {
            context.Response.StatusCode = e.StatusCode;
            await PlainAsync(context.Response, e.Message + "\n");
            return null;
        }
        catch (JsonException)
        {
            // Answered below.
        }

        await NoMessageAsync(context.Response);
        return null;
    }

    private static Task NoMessageAsync(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status400BadRequest;
        response.ContentType = "application/json";
        return response.WriteAsync(
            """{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"This is no JSON-RPC message"}}"""
        );
    }

    private async Task ServeAsync(
        JsonRpcMessage message,
        HttpResponse response,
        CancellationToken cancel
    )
    {
        response.ContentType = "text/event-stream";
        await using var transport = new StreamableHttpServerTransport { Stateless = true };
        await using var server = McpServer.Create(transport, _queue.Options());
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var running = server.RunAsync(over.Token);
        try
        {
            if (!await transport.HandlePostRequestAsync(message, response.Body, cancel))
            {
                response.ContentType = null;
                response.StatusCode = StatusCodes.Status202Accepted;
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Nobody is there for the answer.
        }
        catch (JsonException) when (!response.HasStarted)
        {
            // The transport itself reads what an initialize says.
            await NoMessageAsync(response);
        }
        finally
        {
            await over.CancelAsync();
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static Task PlainAsync(HttpResponse response, string text)
    {
        response.ContentType = "text/plain; charset=utf-8";
        return response.WriteAsync(text, Encoding.UTF8);
    }
}
