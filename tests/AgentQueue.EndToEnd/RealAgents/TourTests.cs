using AgentQueue.Models;

namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>The README's tour with an agent that people use; only its model is a stand-in.</summary>
[Collection(RealAgentCollection.Name)]
public sealed class TourTests
{
    [Theory]
    [RealAgent("claude")]
    public void The_tour_with_a_real_agent_prints_what_the_readme_shows(string agent)
    {
        using var box = new RealAgentBox(agent);
        box.Box.Configure("\"claude\": { \"adapter\": \"claude\" }");
        box.Model.Play(
            new Turn.Write(Path.Join(box.Box.Folder, "hello.txt"), "Hello\n"),
            new Turn.Say("I have written hello.txt."),
            new Turn.Say("Yes: it says Hello.")
        );
        Readme.Check(box.Box, "console claude", RealAgentBox.Patience);
    }
}
