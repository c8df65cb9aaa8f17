using System.Text.Json;
using ModelContextProtocol;

namespace AgentQueue.Server.Demo;

/// <summary>
/// <c>agentq demo --agents</c>: a session with a coding assistant that uses the queue, in which everything is real but
/// the model. Nothing of it is left behind.
/// </summary>
internal static class AgentsDemo
{
    private const string Sentence =
        "The release is tomorrow. Please write its notes, check the links in docs/ and run the tests.";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <returns>0; or 128 and the number of the signal that has ended it.</returns>
    /// <exception cref="QueueException">It did not go as told.</exception>
    public static async Task<int> RunAsync(Arguments.Demo arguments)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new QueueException(
                "The agents of this demo are scripts of sh, which Windows does not have",
                "Run it in WSL, or see agentq --help"
            );
        }

        using var stop = new Interruption(s_limit);
        try
        {
            await using var project = new DemoProject(arguments.Program);
            await PlayAsync(arguments, project, stop.Token);
            return (int)ExitCode.Ok;
        }
        catch (Exception e) when (stop.Code is not null && e is not QueueException)
        {
            // Whatever it was doing, it was told to end; what had begun is put away by now.
            return stop.Code!.Value;
        }
        catch (OperationCanceledException)
        {
            throw new QueueException(
                $"The demo has not come to its end within {s_limit.TotalSeconds:0} seconds",
                "The machine may be busy: try again"
            );
        }
        catch (Exception e)
            when (e is HttpRequestException or IOException or McpException or JsonException)
        {
            throw new QueueException(
                $"The demo did not go as told: {e.Message}",
                "Look for what is wrong here: agentq doctor",
                cause: e
            );
        }
    }

    private static async Task PlayAsync(
        Arguments.Demo arguments,
        DemoProject project,
        CancellationToken stop
    )
    {
        project.Fill();
        await using var model = await LoopbackModel.StartAsync(stop);
        await using var queue = await McpChild.StartAsync(arguments.Program, project.Folder, stop);
        var told = new Transcript(arguments.NoColor, stop);
        await told.TellAsync(
            $"A session with a coding assistant, in a small project that was made for it: {project.Folder}"
        );
        using var session = new AssistantSession(told, queue, model.Address);
        await session.RunAsync(Sentence, stop);
        await CheckAsync(queue, stop);
        await told.TellAsync(
            "",
            "What was real: the project and its queue, `agentq mcp` and every call above, four tasks with their processes, a failure and its retry.",
            $"What was not: the model, a script at {model.Address.Authority} that answers by what came back. The agents were small shell scripts.",
            "To have it in your own assistant: agentq setup"
        );
    }

    // The session tells what came back; this is asked of the queue itself.
    private static async Task CheckAsync(McpChild queue, CancellationToken stop)
    {
        var counts = Conversation.Parse(await queue.CallAsync("list", [], stop))?["counts"];
        var (complete, failed) = ((int?)counts?["complete"], (int?)counts?["failed"]);
        if ((complete, failed) != (3, 1))
        {
            throw new QueueException(
                $"The demo did not go as told: {complete} tasks are complete and {failed} have failed, not 3 and 1",
                "What their agents said stands above"
            );
        }
    }
}
