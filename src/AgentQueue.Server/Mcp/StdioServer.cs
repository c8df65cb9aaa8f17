using System.Runtime.InteropServices;
using AgentQueue.Native;
using ModelContextProtocol.Server;

namespace AgentQueue.Server.Mcp;

/// <summary>One client on standard input and output; it ends when the input does, or with INT, TERM or HUP.</summary>
internal static class StdioServer
{
    // A client that is gone does not read; one that has only closed its end still wants what it asked for.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(10);

    private static readonly PosixSignal[] s_ends =
    [
        PosixSignal.SIGINT,
        PosixSignal.SIGTERM,
        PosixSignal.SIGHUP,
    ];

    public static async Task RunAsync(QueueServer queue)
    {
        if (IsInputClosed())
        {
            return;
        }

        var done = 0;
        using var over = new CancellationTokenSource();
        // Killed by the signal it would leave its waits behind.
        using var signals = new Signals(over);
        await using var input = new BoundedLines(Console.OpenStandardInput(), AnsweredAsync);
        await using var output = new WholeLines(Console.OpenStandardOutput());
        await using var transport = new StreamServerTransport(input, output, "agentq");
        var options = queue.Options();
        options.Filters.Message.IncomingFilters.Add(next =>
            async (message, cancel) =>
            {
                using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel, over.Token);
                try
                {
                    await next(message, end.Token);
                }
                finally
                {
                    Interlocked.Increment(ref done);
                }
            }
        );
        await using var server = McpServer.Create(transport, options);
        try
        {
            await server.RunAsync(over.Token);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // That is its end.
        }

        // A line that was no message is never done, and costs the grace. So does a wait that goes on.
        async Task AnsweredAsync(int lines)
        {
            var clock = TimeProvider.System;
            var begun = clock.GetTimestamp();
            while (Volatile.Read(ref done) < lines && clock.GetElapsedTime(begun) < s_grace)
            {
                await Task.Delay(s_look);
            }

            await over.CancelAsync();
        }
    }

    // A caller that closed it leaves its number to the next file that is opened, which is one of the runtime's own. Only
    // what a program inherits outlives its start.
    private static bool IsInputClosed() =>
        !OperatingSystem.IsWindows() && Libc.IsCloseOnExec(0) is not false;

    private sealed class Signals(CancellationTokenSource over) : IDisposable
    {
        private readonly List<PosixSignalRegistration> _all =
        [
            .. s_ends.Select(signal =>
                PosixSignalRegistration.Create(
                    signal,
                    context =>
                    {
                        context.Cancel = true;
                        over.Cancel();
                    }
                )
            ),
        ];

        public void Dispose() => _all.ForEach(static r => r.Dispose());
    }
}
