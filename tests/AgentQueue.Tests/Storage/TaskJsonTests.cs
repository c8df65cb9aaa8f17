using System.Text;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Storage;

public sealed class TaskJsonTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");

    [Fact]
    public void What_is_written_is_read_back_whole()
    {
        for (var seed = 0; seed < 1000; seed++)
        {
            var task = new RandomTasks(seed).Next();
            var bytes = TaskJson.Write(task);
            var read = TaskJson.Read(bytes, task.Id);
            Assert.True(
                TaskText.Of(task) == TaskText.Of(read),
                $"seed {seed}\n{TaskText.Of(task)}\n{TaskText.Of(read)}"
            );
            Assert.Equal(bytes, TaskJson.Write(read));
        }
    }

    [Fact]
    public void Members_that_are_not_known_survive_a_rewrite_byte_for_byte()
    {
        var json = Minimal(
            """ "x": 1.50, "later": {"b": [1, {"c": null}], "a": "\u00e9"}, "list": [] """
        );
        var rewritten = Encoding.UTF8.GetString(TaskJson.Write(Read(json) with { Attempt = 2 }));
        var read = Read(rewritten);
        Assert.Equal(["x", "later", "list"], read.Unknown.Select(static u => u.Key));
        Assert.Equal("1.50", read.Unknown[0].Value.GetRawText());
        Assert.Contains(
            """{"b": [1, {"c": null}], "a": "\u00e9"}""",
            rewritten,
            StringComparison.Ordinal
        );
        Assert.Equal(2, read.Attempt);
    }

    [Theory]
    [InlineData("", "it is not valid JSON")]
    [InlineData("[]", "it is not a JSON object")]
    [InlineData("null", "it is not a JSON object")]
    [InlineData("{}", "it has no taskId")]
    [InlineData("""{"taskId":"task_b"}""", "the taskId in it is not the file's name")]
    [InlineData("""{"taskId":7}""", "the taskId in it is not the file's name")]
    [InlineData("""{"taskId":"task_a"}""", "its status is ''")]
    [InlineData("""{"taskId":"task_a","status":"Done"}""", "its status is 'Done'")]
    [InlineData("""{"taskId":"task_a","status":"pending"}""", "it has no agent")]
    [InlineData("""{"taskId":"task_a","status":"pending","agent":"x"}""", "it has no prompt")]
    [InlineData("""{"version":2}""", "a newer agentq wrote it (format 2; this one knows 1)")]
    [InlineData("""{"status":"pending","status":"failed"}""", "'status' stands in it twice")]
    [InlineData("""{"x":1,"x":2}""", "'x' stands in it twice")]
    [InlineData("""{"dependsOn":["../x"]}""", "a dependency in it is not a task id")]
    [InlineData("""{"prompt":"\ud800"}""", "it holds text that is not valid Unicode")]
    [InlineData("{,}", "it is not valid JSON (line 1)")]
    public void What_cannot_be_used_is_refused_with_the_reason(string json, string reason)
    {
        var e = Assert.Throws<FormatException>(() => Read(json));
        Assert.StartsWith(reason, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("""{"\ud800": 1}""")]
    public void Half_a_character_in_a_member_that_is_not_known_is_kept(string value)
    {
        var bytes = TaskJson.Write(Read(Minimal($"\"x\": {value}")));
        Assert.Contains(value, Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
        Assert.Equal(bytes, TaskJson.Write(TaskJson.Read(bytes, s_id)));
    }

    [Fact]
    public void Half_a_character_in_a_message_is_written_as_a_replacement()
    {
        var task = Read(Minimal()) with
        {
            State = new TaskState.Failed(null, FakeTime.Start, Reason.Exit, "half \ud83d"),
        };
        var read = TaskJson.Read(TaskJson.Write(task), task.Id);
        Assert.Equal("half \ufffd", Assert.IsType<TaskState.Failed>(read.State).Message);
    }

    [Fact]
    public void Text_after_the_object_is_refused() =>
        Assert.Throws<FormatException>(() => Read(Minimal() + "{}"));

    [Fact]
    public void A_file_of_endless_depth_is_refused() =>
        Assert.Throws<FormatException>(() =>
            Read("{\"x\":" + new string('[', 100_000) + new string(']', 100_000) + "}")
        );

    [Fact]
    public void Invalid_bytes_in_a_text_are_refused()
    {
        var json = Encoding.UTF8.GetBytes(Minimal(""" "name": "?" """));
        json[Array.LastIndexOf(json, (byte)'?')] = 0xFF;
        Assert.Throws<FormatException>(() => TaskJson.Read(json, s_id));
    }

    [Fact]
    public void A_byte_order_mark_is_passed_over() =>
        Assert.Equal("do it", Read("\uFEFF" + Minimal()).Prompt);

    [Theory]
    [InlineData("\"priority\": 99", 10)]
    [InlineData("\"priority\": -3", 1)]
    [InlineData("\"priority\": null", 5)]
    [InlineData("\"priority\": \"8\"", 8)]
    [InlineData("\"priority\": 1e400", 10)]
    [InlineData("\"priority\": {\"a\": 1}", 5)]
    [InlineData("\"x\": 0", 5)]
    public void A_number_out_of_range_is_brought_into_it(string member, int priority) =>
        Assert.Equal(priority, Read(Minimal(member)).Priority);

    [Theory]
    [InlineData("\"timeout\": 0")]
    [InlineData("\"timeout\": -5")]
    [InlineData("\"timeout\": null")]
    [InlineData("\"timeout\": \"soon\"")]
    public void A_limit_of_nothing_is_none(string member) =>
        Assert.Null(Read(Minimal(member)).Timeout);

    [Fact]
    public void Paths_in_the_file_are_not_believed()
    {
        var task = Read(
            Minimal(""" "planFile": "/etc/passwd", "logFile": "../../../etc/shadow" """)
        );
        var text = Encoding.UTF8.GetString(TaskJson.Write(task));
        Assert.DoesNotContain("etc", text, StringComparison.Ordinal);
        Assert.Contains(".agents/logs/task_a.log", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_written_file_ends_with_a_line_end_and_has_readable_text()
    {
        var text = Encoding.UTF8.GetString(
            TaskJson.Write(Read(Minimal(""" "name": "é漢'<b>" """)))
        );
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        Assert.Contains("é漢'<b>", text, StringComparison.Ordinal);
    }

    private static string Minimal(string more = "\"x\": 1") =>
        $$"""{ "taskId": "task_a", "status": "pending", "agent": "coder", "prompt": "do it", {{more}} }""";

    private static AgentTask Read(string json) => TaskJson.Read(Encoding.UTF8.GetBytes(json), s_id);
}
