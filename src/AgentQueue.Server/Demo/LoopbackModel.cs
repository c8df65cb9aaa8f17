using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AgentQueue.Server.Demo;

/// <summary>
/// A model service on this machine that speaks chat completions with tool calls, not streamed. It knows nothing but
/// what is in a request: <see cref="ModelScript"/> answers.
/// </summary>
internal sealed class LoopbackModel : IAsyncDisposable
{
    private const string Path = "/v1/chat/completions";
    private const int LongestBody = 4 << 20;
    private readonly WebApplication _app;

    private LoopbackModel(WebApplication app, int port)
    {
        _app = app;
        Address = new Uri(
            string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}{Path}")
        );
    }

    /// <summary>Where completions are asked for.</summary>
    public Uri Address { get; }

    public static async Task<LoopbackModel> StartAsync(CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        // The demo decides when it ends; signals are its own.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(static options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = LongestBody;
            options.Listen(IPAddress.Loopback, 0);
        });
        var app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync(stop);
        var address = app
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First();
        return new LoopbackModel(app, new Uri(address).Port);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        if (request.Method != HttpMethods.Post || request.Path != Path)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        JsonObject? question;
        try
        {
            question =
                await JsonNode.ParseAsync(request.Body, cancellationToken: context.RequestAborted)
                as JsonObject;
        }
        catch (JsonException)
        {
            question = null;
        }

        if (question?["messages"] is not JsonArray messages)
        {
            response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        var message = ModelScript.Answer(messages, question["tools"] as JsonArray ?? []);
        var isCall = message.ContainsKey("tool_calls");
        response.ContentType = "application/json";
        await response.WriteAsync(
            new JsonObject
            {
                ["id"] = $"chatcmpl-{messages.Count}",
                ["object"] = "chat.completion",
                ["model"] = (string?)question["model"],
                ["choices"] = new JsonArray(
                    new JsonObject
                    {
                        ["index"] = 0,
                        ["message"] = message,
                        ["finish_reason"] = isCall ? "tool_calls" : "stop",
                    }
                ),
            }.ToJsonString(),
            context.RequestAborted
        );
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
