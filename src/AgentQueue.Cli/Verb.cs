using System.CommandLine;

namespace AgentQueue.Cli;

/// <summary>A command with examples under its help.</summary>
internal sealed class Verb : Command
{
    public Verb(string name, string description, params string[] examples)
        : base(name, description) => Examples = examples;

    public IReadOnlyList<string> Examples { get; }

    /// <summary>Runs <paramref name="execute"/> with the session that the common options describe.</summary>
    public void Runs(Func<Session, ParseResult, ExitCode> execute) =>
        SetAction(parsed => (int)execute(new Session(parsed), parsed));
}
