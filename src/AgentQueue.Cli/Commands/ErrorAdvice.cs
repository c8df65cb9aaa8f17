using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>What to do about an error of a class.</summary>
internal static class ErrorAdvice
{
    /// <param name="end">The task that failed.</param>
    public static string Of(AgentResult result, AgentTask end)
    {
        var (id, agent) = (end.Id, end.Agent);
        return result.Error?.Class switch
        {
            ErrorClass.Auth =>
                $"Log {agent} in, or set its key where agentq is run; then agentq retry {id} --run",
            ErrorClass.Quota or ErrorClass.RateLimit when result.ResetsAt is { } at =>
                $"Its account is served again at {TimeText.At(at)}; then agentq retry {id} --run",
            ErrorClass.Quota =>
                $"Wait until its account is served again, or take another agent; then agentq retry {id} --run",
            ErrorClass.RateLimit or ErrorClass.Overloaded =>
                $"It may pass: agentq retry {id} --run",
            ErrorClass.Context => "Ask for less in one task, or begin a new session",
            ErrorClass.Permission =>
                "Start it again with more permission: agentq start … --permission full",
            ErrorClass.Timeout or ErrorClass.Stalled =>
                $"See how far it came: agentq logs {id}; try again: agentq retry {id} --run",
            ErrorClass.Spawn => "See whether it is installed: agentq agents",
            ErrorClass.Killed => $"Try again: agentq retry {id} --run",
            _ =>
                $"See what it did: agentq logs {id}{(result.Adapter.Length > 0 ? " --pretty" : "")}",
        };
    }
}
