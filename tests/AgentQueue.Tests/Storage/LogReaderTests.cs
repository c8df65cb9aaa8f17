using System.Text;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Tests.Storage;

public sealed class LogReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentq-").FullName;

    private string Log => Path.Join(_folder, "log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", 2, "")]
    [InlineData("one", 2, "one")]
    [InlineData("one\n", 1, "one\n")]
    [InlineData("one\ntwo\nthree\n", 2, "two\nthree\n")]
    [InlineData("one\ntwo\nthree", 2, "two\nthree")]
    [InlineData("one\ntwo\nthree\n", 3, "one\ntwo\nthree\n")]
    [InlineData("one\ntwo\nthree\n", 9, "one\ntwo\nthree\n")]
    [InlineData("one\n\n\n", 2, "\n\n")]
    [InlineData("one\ntwo\n", 0, "one\ntwo\n")]
    public void The_last_lines_are_found_from_the_end(string text, int lines, string expected)
    {
        File.WriteAllText(Log, text);
        Assert.Equal(expected, Tail(lines));
    }

    [Theory]
    [InlineData(64 * 1024 - 1)]
    [InlineData(64 * 1024)]
    [InlineData(64 * 1024 + 1)]
    [InlineData(200_000)]
    public void Lines_longer_than_a_piece_are_found_too(int length)
    {
        var line = new string('x', length);
        File.WriteAllText(Log, $"first\n{line}\nlast\n");
        Assert.Equal($"{line}\nlast\n", Tail(2));
        Assert.Equal("last\n", Tail(1));
    }

    [Fact]
    public void What_is_added_later_comes_next()
    {
        File.WriteAllText(Log, "one\n");
        using var log = Open()!;
        Assert.Equal("one\n", Encoding.UTF8.GetString(log.Next()));
        Assert.True(log.Next().IsEmpty);
        File.AppendAllText(Log, "two\n");
        Assert.Equal("two\n", Encoding.UTF8.GetString(log.Next()));
    }

    [Fact]
    public void A_log_that_was_emptied_begins_again()
    {
        File.WriteAllText(Log, "one and more\n");
        using var log = Open()!;
        log.Next();
        File.WriteAllText(Log, "new\n");
        Assert.Equal("new\n", Encoding.UTF8.GetString(log.Next()));
    }

    [Fact]
    public void A_log_that_was_moved_is_read_to_its_end()
    {
        File.WriteAllText(Log, "one\n");
        using var log = Open()!;
        File.Move(Log, Log + ".archived");
        Assert.Equal("one\n", Encoding.UTF8.GetString(log.Next()));
    }

    [Fact]
    public void What_is_no_regular_file_is_no_log()
    {
        Assert.Null(Open());
        Directory.CreateDirectory(Log);
        Assert.Null(Open());
    }

    [Fact]
    public void A_document_takes_the_end_of_what_is_too_long()
    {
        File.WriteAllText(Log, "one\ntwo\nthree\n");
        using var log = Open()!;
        Assert.Equal(("two\nthree\n", false), log.Last(2, 100));
        Assert.Equal(("hree\n", true), log.Last(2, 5));
    }

    private LogReader? Open() => LogReader.TryOpen(ProjectQueue.RealDisk, Log);

    private string Tail(int lines)
    {
        using var log = Open()!;
        log.SeekToLast(lines);
        var text = new MemoryStream();
        while (log.Next() is { IsEmpty: false } piece)
        {
            text.Write(piece);
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }
}
