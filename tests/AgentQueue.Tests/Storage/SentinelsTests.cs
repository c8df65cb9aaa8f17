using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Storage;

public sealed class SentinelsTests
{
    private const string NoMessage = "The agent reported an error without a message";
    private static readonly TaskId s_id = TaskId.Parse("task_a");

    [Theory]
    [InlineData("", NoMessage, null)]
    [InlineData("  \n", NoMessage, null)]
    [InlineData("it broke\n", "it broke", null)]
    [InlineData("two\nlines", "two\nlines", null)]
    [InlineData("\uFEFFit broke", "it broke", null)]
    [InlineData("""{"error":"it broke","details":"line 3"}""", "it broke", "line 3")]
    [InlineData("""{"error":"","details":null}""", NoMessage, null)]
    [InlineData("""{"details":"line 3"}""", NoMessage, "line 3")]
    [InlineData("""{"error":404,"details":{"a":1}}""", "404", """{"a":1}""")]
    [InlineData("""{"error":["a","b"]}""", """["a","b"]""", null)]
    [InlineData("""{"error":null}""", NoMessage, null)]
    [InlineData("{}", NoMessage, null)]
    [InlineData("""{"error":"half""", """{"error":"half""", null)]
    [InlineData("[1]", "[1]", null)]
    [InlineData("null", "null", null)]
    public void An_error_may_be_text_or_JSON_of_any_kind(
        string content,
        string message,
        string? details
    )
    {
        using var stage = Stage("memory");
        stage.Write(stage.Queue.SentinelFile(s_id, Sentinel.Error), content);
        var error = new Sentinels(stage.Queue).ReadError(s_id);
        Assert.Equal(new ErrorReport(message, details), error);
    }

    [Fact]
    public void An_error_that_is_not_text_is_an_error_all_the_same()
    {
        using var stage = Stage("memory");
        stage.Write(stage.Queue.SentinelFile(s_id, Sentinel.Error), [0xFF, 0x00, 0xC3]);
        Assert.NotNull(new Sentinels(stage.Queue).ReadError(s_id));
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(2_000_000)]
    public void A_long_error_is_cut(int length)
    {
        using var stage = Stage("memory");
        stage.Write(stage.Queue.SentinelFile(s_id, Sentinel.Error), new string('x', length));
        Assert.InRange(new Sentinels(stage.Queue).ReadError(s_id)!.Message.Length, 1, 4001);
    }

    [Fact]
    public void A_cut_never_halves_a_character()
    {
        using var stage = Stage("memory");
        stage.Write(
            stage.Queue.SentinelFile(s_id, Sentinel.Error),
            "x" + string.Concat(Enumerable.Repeat("😀", 3000))
        );
        var message = new Sentinels(stage.Queue).ReadError(s_id)!.Message;
        Assert.EndsWith("😀…", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"error":"\ud800"}""")]
    [InlineData("""{"error":"a","details":"\udc00b"}""")]
    [InlineData("""{"error":"a","reason":"\ud83d"}""")]
    [InlineData("""{"\ud800":1}""")]
    public void An_error_with_half_a_character_is_an_error_all_the_same(string content)
    {
        using var stage = Stage("memory");
        stage.Write(stage.Queue.SentinelFile(s_id, Sentinel.Error), content);
        Assert.NotEmpty(new Sentinels(stage.Queue).ReadError(s_id)!.Message);
    }

    [Fact]
    public void An_error_of_endless_depth_is_taken_as_text()
    {
        using var stage = Stage("memory");
        var deep = "{\"error\":" + new string('[', 1000) + new string(']', 1000) + "}";
        stage.Write(stage.Queue.SentinelFile(s_id, Sentinel.Error), deep);
        Assert.Equal(deep, new Sentinels(stage.Queue).ReadError(s_id)!.Message);
    }

    [Fact]
    public void What_agentq_writes_is_read_back()
    {
        using var stage = Stage("memory");
        var sentinels = new Sentinels(stage.Queue);
        stage.Write(
            stage.Queue.SentinelFile(s_id, Sentinel.Error),
            Sentinels.ErrorContent("gone", Reason.Lost, FakeTime.Start)
        );
        Assert.Equal(new ErrorReport("gone", null, Reason.Lost), sentinels.ReadError(s_id));
        stage.Write(
            stage.Queue.SentinelFile(s_id, Sentinel.ExitCode),
            Sentinels.ExitContent(ExitStatus.Killed(9))
        );
        Assert.Equal(137, sentinels.ReadExit(s_id)?.Code);
        stage.Write(
            stage.Queue.SentinelFile(s_id, Sentinel.Timeout),
            Sentinels.TimeoutContent(TimeSpan.FromSeconds(90), FakeTime.Start)
        );
        Assert.Equal(TimeSpan.FromSeconds(90), sentinels.ReadTimeoutLimit(s_id));
    }

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"timeout":"manual"}""")]
    [InlineData("""{"timeout":"300"}""")]
    [InlineData("""{"timeout":-1}""")]
    [InlineData("""{"timeout":1e300}""")]
    [InlineData("""{"timeout":{}}""")]
    public void A_timeout_that_names_no_limit_is_one_all_the_same(string content)
    {
        using var stage = Stage("memory");
        stage.Write(stage.Queue.SentinelFile(s_id, Sentinel.Timeout), content);
        var sentinels = new Sentinels(stage.Queue);
        Assert.True(sentinels.Exists(s_id, Sentinel.Timeout));
        Assert.True(sentinels.AnyVerdict(s_id));
        Assert.Null(sentinels.ReadTimeoutLimit(s_id));
    }

    [Theory, OnEachDisk]
    public void A_folder_named_like_a_marker_says_nothing(string disk)
    {
        using var stage = Stage(disk);
        foreach (var kind in SentinelNames.All)
        {
            stage.Disk.CreateFolder(stage.Queue.SentinelFile(s_id, kind));
        }

        var sentinels = new Sentinels(stage.Queue);
        Assert.False(sentinels.AnyVerdict(s_id));
        Assert.Null(sentinels.ReadExit(s_id));
        Assert.Null(sentinels.ReadError(s_id));
    }

    [Fact]
    public void A_link_named_like_a_marker_says_nothing()
    {
        using var stage = Stage("folder");
        stage.Write(stage.Path("elsewhere"), "secret");
        File.CreateSymbolicLink(
            stage.Queue.SentinelFile(s_id, Sentinel.Error),
            stage.Path("elsewhere")
        );
        Assert.False(new Sentinels(stage.Queue).AnyVerdict(s_id));
        Assert.Null(new Sentinels(stage.Queue).ReadError(s_id));
    }

    private static DiskStage Stage(string disk)
    {
        var stage = DiskStage.On(disk);
        stage.Queue.Create();
        return stage;
    }
}
