using ModelContextProtocol.Server;

namespace AgentQueue.Server.Mcp;

/// <summary>One client on standard input and output; it ends when the input does.</summary>
internal static class StdioServer
{
    // A client that is gone does not read; one that has only closed its end still wants what it asked for.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(10);

    public static async Task RunAsync(QueueServer queue)
    {
        var done = 0;
        await using var input = new BoundedLines(Console.OpenStandardInput(), AnsweredAsync);
        await using var output = Console.OpenStandardOutput();
        await using var transport = new StreamServerTransport(input, output, "agentq");
        var options = queue.Options();
        options.Filters.Message.IncomingFilters.Add(next =>
            async (message, cancel) =>
            {
                try
                {
                    await next(message, cancel);
                }
                finally
                {
                    Interlocked.Increment(ref done);
                }
            }
        );
        await using var server = McpServer.Create(transport, options);
        await server.RunAsync();

        // A line that was no message is never done, and costs the grace.
        async Task AnsweredAsync(int lines)
        {
            var clock = TimeProvider.System;
            var begun = clock.GetTimestamp();
            while (Volatile.Read(ref done) < lines && clock.GetElapsedTime(begun) < s_grace)
            {
                await Task.Delay(s_look);
            }
        }
    }
}
