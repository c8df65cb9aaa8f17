using AgentQueue.Tasks;

namespace AgentQueue.Tests.Tasks;

public sealed class ExitStatusTests
{
    [Fact]
    public void A_signal_is_128_and_its_number() =>
        Assert.Equal(new ExitStatus(143, 15), ExitStatus.Killed(15));

    [Theory]
    [InlineData("0\n", 0)]
    [InlineData("255", 255)]
    [InlineData(" 124 \r\n", 124)]
    public void A_recorded_code_is_read(string text, int code)
    {
        Assert.True(ExitStatus.TryParse(text, out var exit));
        Assert.Equal(ExitStatus.Exited(code), exit);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("256")]
    [InlineData("-1")]
    [InlineData("1.0")]
    [InlineData("ok")]
    [InlineData("0\n0")]
    [InlineData("99999999999")]
    public void Anything_else_in_the_file_is_no_exit(string text) =>
        Assert.False(ExitStatus.TryParse(text, out _));

    [Theory]
    [InlineData(0, null, "exited with code 0")]
    [InlineData(3, null, "exited with code 3")]
    [InlineData(137, 9, "ended by signal 9 (KILL)")]
    [InlineData(143, 15, "ended by signal 15 (TERM)")]
    [InlineData(162, 34, "ended by signal 34")]
    public void It_is_told_in_words(int code, int? signal, string words) =>
        Assert.Equal(words, new ExitStatus(code, signal).Describe());
}
