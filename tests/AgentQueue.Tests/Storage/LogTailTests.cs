using AgentQueue.Storage;

namespace AgentQueue.Tests.Storage;

public sealed class LogTailTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentq-log-").FullName;

    [Theory]
    [InlineData("", "")]
    [InlineData("one", "one")]
    [InlineData("one\n\n  two  \n\n", "one\ntwo")]
    [InlineData("1\n2\n3\n4", "2\n3\n4")]
    [InlineData("a\r\nb\r\n", "a\nb")]
    public void The_last_lines_that_are_not_blank_are_read(string log, string tail) =>
        Assert.Equal(tail, LogTail.Lines(Write(log), 3, 100));

    [Fact]
    public void A_log_that_is_not_there_has_no_end() =>
        Assert.Equal("", LogTail.Lines(Path.Join(_folder, "none"), 3, 100));

    [Fact]
    public void A_long_line_is_cut_at_its_start_and_between_characters()
    {
        var tail = LogTail.Lines(Write(string.Concat(Enumerable.Repeat("😀", 50)) + "x"), 3, 10);
        Assert.Equal("…😀😀😀😀x", tail);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string log)
    {
        var path = Path.Join(_folder, "log");
        File.WriteAllText(path, log);
        return path;
    }
}
