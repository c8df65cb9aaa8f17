using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Support;

/// <summary>What an agent will do, moment by moment after its start.</summary>
internal sealed class FakeAgent
{
    public List<(TimeSpan At, Action<FakeAgentProcess> Do)> Script { get; } = [];

    public bool IgnoresTerm { get; init; }

    /// <summary>It leaves a process running when it ends.</summary>
    public bool LeavesChild { get; init; }

    /// <summary>It cannot be started at all, for this reason.</summary>
    public string? LaunchError { get; init; }

    public FakeAgent Exit(double seconds, int code = 0) =>
        At(seconds, a => a.End(ExitStatus.Exited(code)));

    public FakeAgent Killed(double seconds, int signal) =>
        At(seconds, a => a.End(ExitStatus.Killed(signal)));

    public FakeAgent Drop(double seconds, Sentinel kind, string content = "") =>
        At(seconds, a => a.Drop(kind, content));

    public FakeAgent Print(double seconds, string text = "…\n") => At(seconds, a => a.Print(text));

    public FakeAgent At(double seconds, Action<FakeAgentProcess> act)
    {
        Script.Add((TimeSpan.FromSeconds(seconds), act));
        return this;
    }
}
