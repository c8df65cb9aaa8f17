namespace AgentQueue.EndToEnd.Workflows;

/// <summary>Agents that take no prompt, and what each agent did last.</summary>
public sealed class NamedJobTests
{
    private const string Jobs = """
        "sample": { "command": "/bin/sh", "args": ["-c", "echo out; exit 3"], "description": "A sample" },
        "quiet": { "command": "true" },
        "asks": { "command": "/bin/sh", "args": ["-c", "{prompt}"] },
        "reads": { "command": "cat", "promptVia": "stdin" }
        """;

    [Fact]
    public void A_job_is_started_by_its_name_alone()
    {
        using var box = new Sandbox();
        box.Configure(Jobs);

        var id = box.Run("start", "sample", "--quiet").Gives(0).Text;
        box.Run("run", id, "--wait").Gives(3);
        box.Run("start", "quiet", "--wait").Gives(0);

        Assert.Equal("out\n", box.Log(id));
        Assert.Contains(
            "A sample",
            box.Run("status", "--all").Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("asks")]
    [InlineData("reads")]
    [InlineData("shell")]
    public void Who_takes_a_prompt_is_still_asked_for_it(string agent)
    {
        using var box = new Sandbox();
        box.Configure(Jobs);

        var refused = box.Run("start", agent).Gives(2);

        Assert.Contains("The prompt is missing", refused.Err, StringComparison.Ordinal);
        Assert.Contains("agentq start AGENT", refused.Err, StringComparison.Ordinal);
        Assert.Empty(box.Ids);
    }

    [Fact]
    public void What_each_did_last_is_shown_with_its_end()
    {
        using var box = new Sandbox();
        box.Configure(Jobs);
        box.Run("start", "quiet", "--wait").Gives(0);
        box.Run("start", "sample", "--wait").Gives(3);
        var last = box.Run("start", "sample", "--quiet").Gives(0).Text;
        box.Run("run", last, "--wait").Gives(3);

        var table = box.Run("agents", "--runs").Gives(0).Out;
        var agents = box.Run("agents", "--runs", "--json")
            .Gives(0)
            .Json.GetProperty("agents")
            .EnumerateArray()
            .ToDictionary(a => a.GetProperty("name").GetString()!);

        Assert.Matches($@"\| sample \| failed \| 3 \| .*Z \| {last} \|", table);
        Assert.Matches(@"\| shell \| no runs \| - \|", table);
        Assert.Equal(last, agents["sample"].GetProperty("taskId").GetString());
        Assert.Equal(3, agents["sample"].GetProperty("exitCode").GetInt32());
        Assert.Equal("complete", agents["quiet"].GetProperty("lastRun").GetString());
        Assert.Equal("no runs", agents["asks"].GetProperty("lastRun").GetString());
    }

    [Fact]
    public void What_was_archived_is_still_its_last_run()
    {
        using var box = new Sandbox();
        box.Configure(Jobs);
        var id = box.Run("start", "quiet", "--quiet").Gives(0).Text;
        box.Run("run", id, "--wait").Gives(0);
        Eventually.Holds(
            () =>
            {
                box.Run("archive", "--older-than", "1", "--yes").Gives(0);
                return !File.Exists(box.TaskPath(id));
            },
            "it is old enough to be archived"
        );

        Assert.Contains(
            id,
            box.Run("agents", "quiet", "--runs").Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void That_there_was_no_run_is_not_said_while_a_task_cannot_be_read()
    {
        using var box = new Sandbox();
        box.Configure(Jobs);
        var id = box.Run("start", "quiet", "--quiet").Gives(0).Text;
        File.WriteAllText(box.TaskPath(id), "{ not JSON");

        var shown = box.Run("agents", "--runs").Gives(0);

        Assert.DoesNotContain("no runs", shown.Out, StringComparison.Ordinal);
        Assert.Matches(@"\| quiet \| unknown \|", shown.Out);
        Assert.Contains(id, shown.Err, StringComparison.Ordinal);
    }
}
