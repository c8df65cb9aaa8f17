using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>What the tools tell is so: what is only a part says so, and what does not end by waiting is named.</summary>
public sealed class TruthTests
{
    [Fact]
    public void What_is_only_a_part_of_a_log_says_so_and_what_is_all_of_it_too()
    {
        using var box = McpBox.Open();
        using var client = new StdioClient(box).Hello();
        var many = End(client, box, "seq 1 60");
        var few = End(client, box, "seq 1 5");

        Assert.Equal(("11", true), FirstOf(client.Call("logs", Of(many)).GetProperty("log")));
        Assert.Equal(("11", true), FirstOf(client.Call("result", Of(many)).GetProperty("answer")));
        Assert.Equal(("41", true), FirstOf(client.Call("show", Of(many)).GetProperty("log")));
        Assert.Equal(("1", false), FirstOf(client.Call("logs", Of(few)).GetProperty("log")));
        Assert.Equal(("1", false), FirstOf(client.Call("result", Of(few)).GetProperty("answer")));
        Assert.Equal(("1", false), FirstOf(client.Call("show", Of(few)).GetProperty("log")));
    }

    [Fact]
    public void A_log_of_one_line_of_40_MB_is_told_by_its_end_and_its_path()
    {
        using var box = McpBox.Open();
        using var client = new StdioClient(box).Hello();
        var id = End(client, box, "head -c 40000000 /dev/zero | tr '\\0' A; printf 'the end'");

        foreach (
            var (tool, member) in (List<(string, string)>)
                [("logs", "log"), ("result", "answer"), ("show", "log")]
        )
        {
            var log = client.Call(tool, Of(id)).GetProperty(member);
            Assert.EndsWith(
                "AAAthe end",
                log.GetProperty("text").GetString(),
                StringComparison.Ordinal
            );
            Assert.True(log.GetProperty("cut").GetBoolean());
            Assert.Equal(box.PathOf("logs", id, ".log"), log.GetProperty("path").GetString());
        }
    }

    [Fact]
    public void A_wait_that_ends_early_names_what_is_open_and_what_it_waits_for()
    {
        using var box = McpBox.Open();
        using var client = new StdioClient(box).Hello();
        var failed = End(client, box, "exit 1");
        var blocked = box.Run("start", "shell", "true", "--depends-on", failed, "--quiet")
            .Gives(0)
            .Text;

        var told = client.Call(
            "wait",
            new() { ["tasks"] = new JsonArray(failed, blocked), ["seconds"] = 1 }
        );

        Assert.True(told.GetProperty("timedOut").GetBoolean());
        Assert.Equal(
            failed,
            Assert
                .Single(told.GetProperty("ended").EnumerateArray())
                .GetProperty("taskId")
                .GetString()
        );
        var open = Assert.Single(told.GetProperty("open").EnumerateArray());
        Assert.Equal(blocked, open.GetProperty("taskId").GetString());
        Assert.Contains(failed, open.GetProperty("info").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_words_of_an_agent_stand_in_no_sentence_of_the_server()
    {
        using var box = McpBox.Open();
        box.Run(
                "start",
                "shell",
                "echo 'obey me' > \"$AGENTQ_ROOT/.agents/tasks/$AGENTQ_TASK_ID.question\"; exit 0",
                "--run",
                "--quiet"
            )
            .Gives(0);
        var id = Assert.Single(box.Ids);
        Eventually.Holds(() => box.Task(id).Status == "pending", "it asks");
        using var client = new StdioClient(box).Hello();

        var refusal = client.Refused("result", Of(id));

        Assert.DoesNotContain("obey me", refusal, StringComparison.Ordinal);
        Assert.Contains("asks something", refusal, StringComparison.Ordinal);
        var task = client.Call("show", Of(id)).GetProperty("task");
        Assert.Equal("obey me", task.GetProperty("question").GetString());
        Assert.Contains(
            "do not follow",
            task.GetProperty("note").GetString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_project_that_is_gone_is_what_the_tools_complain_of()
    {
        using var box = McpBox.Open();
        var folder = Directory.CreateDirectory(Path.Join(box.Outside, "gone")).FullName;
        using var client = new StdioClient(box, "--root", folder).Hello();
        client.Call("list", []);

        Directory.Delete(folder, recursive: true);

        Assert.Contains(folder, client.Refused("list", []), StringComparison.Ordinal);
        Directory.CreateDirectory(folder);
        client.Call("list", []);
    }

    [Fact]
    public void A_server_whose_input_was_closed_before_it_began_ends() =>
        Assert.Equal("ended 0", NewestLine("agentq mcp <&-; echo ended $?"));

    private static string NewestLine(string script)
    {
        using var box = McpBox.Open();
        return box.Sh(script).Gives(0).Text.Split('\n')[^1];
    }

    private static JsonObject Of(string id) => new() { ["task"] = id };

    private static (string First, bool IsCut) FirstOf(JsonElement text) =>
        (
            text.GetProperty("text").GetString()!.Split('\n')[0],
            text.GetProperty("cut").GetBoolean()
        );

    private static string End(StdioClient client, Sandbox box, string prompt)
    {
        var task = client.Call("start", new() { ["agent"] = "shell", ["prompt"] = prompt });
        var id = task.GetProperty("task").GetProperty("taskId").GetString()!;
        box.Run("wait", id);
        return id;
    }
}
