using System.CommandLine;
using AgentQueue.Cli.Output;

namespace AgentQueue.Cli;

/// <summary>A command with examples under its help.</summary>
internal sealed class Verb : Command
{
    public Verb(string name, string description, params string[] examples)
        : base(name, description) => Examples = examples;

    public IReadOnlyList<string> Examples { get; }

    /// <summary>Runs <paramref name="execute"/> with the session that the common options describe.</summary>
    public void Runs(Func<Session, ParseResult, ExitCode> execute) =>
        SetAction(parsed =>
        {
            var session = new Session(parsed);
            try
            {
                return (int)execute(session, parsed);
            }
            finally
            {
                StartFollowers(session);
            }
        });

    private static void StartFollowers(Session session)
    {
        try
        {
            session.Events.StartFollowers();
            session.Events.TellWhatIsLeft();
        }
        catch (QueueException e)
        {
            Session.Screen.Talk(
                $"What follows from an event is stored, but could not be started: {e.Message}",
                Tone.Warn
            );
        }
    }
}
