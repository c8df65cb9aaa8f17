using AgentQueue.Models;

namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>Agents that people use, as they come from their makers, under agentq.</summary>
[Collection(RealAgentCollection.Name)]
public sealed class WorkTests
{
    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void A_prompt_like_an_option_arrives_as_it_is(string agent)
    {
        const string Prompt =
            "--help 'single' \"double\" `date` $HOME %s \\n {\"a\": [1]}\n\n\tindented\n-- last ünïcödé 🙂 line";
        using var box = new RealAgentBox(agent);
        box.Model.Play(new Turn.Say("Read."));

        var task = box.Work(Prompt);

        Assert.True(task.Status == "complete", box.ToString());
        Assert.True(box.Model.Requests[0].Holds(Prompt), box.ToString());
    }

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void A_prompt_of_200_KiB_arrives_as_it_is(string agent)
    {
        var prompt =
            "- "
            + string.Concat(
                Enumerable
                    .Range(0, 4500)
                    .Select(static i => $"line {i}: what stands here counts, \"all\" of it\n")
            )
            + "end.";
        Assert.InRange(prompt.Length, 200 << 10, 256 << 10);
        using var box = new RealAgentBox(agent);
        box.Model.Play(new Turn.Say("Read."));

        var task = box.Work(prompt);

        Assert.True(task.Status == "complete", box.ToString());
        Assert.True(box.Model.Requests[0].Holds(prompt), box.ToString());
    }

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void Cancel_ends_an_agent_whose_model_never_answers(string agent)
    {
        using var box = new RealAgentBox(agent);
        box.Model.Play(new Turn.Hang());
        var id = box.Begin("Wait for an answer.");
        RealAgentBox.Sees(() => box.Model.Requests.Count > 0, "the model was asked");

        box.Cancel(id);

        Assert.Empty(box.Box.ProcessesOf(id));
        Assert.Equal("cancelled", box.Box.Task(id).Status);
    }

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void Cancel_ends_the_command_that_an_agent_runs(string agent)
    {
        using var box = new RealAgentBox(agent);
        var begun = Path.Join(box.Box.Folder, "begun");
        box.Model.Play(
            new Turn.Shell(
                $"echo $$ > '{begun}.new' && mv '{begun}.new' '{begun}' && exec tail -f /dev/null"
            )
        );
        var id = box.Begin("Run a command without end.");
        RealAgentBox.Sees(() => File.Exists(begun), "the command runs");
        var command = int.Parse(
            File.ReadAllText(begun),
            System.Globalization.CultureInfo.InvariantCulture
        );

        box.Cancel(id);

        Assert.True(Processes.IsGone(command), $"the command {command} lives on");
        Assert.Empty(box.Box.ProcessesOf(id));
        Assert.Equal("cancelled", box.Box.Task(id).Status);
    }
}
