using AgentQueue.Tasks;

namespace AgentQueue.Tests.Tasks;

public sealed class DurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("300", 300)]
    [InlineData("90s", 90)]
    [InlineData("5m", 300)]
    [InlineData("2h", 7200)]
    [InlineData("7d", 604800)]
    [InlineData(" 5M ", 300)]
    [InlineData("007", 7)]
    [InlineData("315360000", 315360000)]
    [InlineData("3650d", 315360000)]
    public void A_number_and_a_unit_are_read(string text, long seconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("s")]
    [InlineData("-5")]
    [InlineData("+5")]
    [InlineData("1.5h")]
    [InlineData("1,5")]
    [InlineData("5 m")]
    [InlineData("5min")]
    [InlineData("1h30m")]
    [InlineData("0x10")]
    [InlineData("1e3")]
    [InlineData("٣")]
    [InlineData("315360001")]
    [InlineData("3651d")]
    [InlineData("99999999999999999999")]
    [InlineData("9223372036854775807d")]
    public void Anything_else_is_refused(string text)
    {
        Assert.False(Duration.TryParse(text, out var duration));
        Assert.Equal(default, duration);
    }

    [Theory]
    [InlineData(-5, "0s")]
    [InlineData(0, "0s")]
    [InlineData(59.9, "59s")]
    [InlineData(60, "1m")]
    [InlineData(330, "5m 30s")]
    [InlineData(3600, "1h")]
    [InlineData(7500, "2h 5m")]
    [InlineData(3601, "1h")]
    [InlineData(86400, "1d")]
    [InlineData(273600, "3d 4h")]
    public void It_is_shown_in_two_units_at_most(double seconds, string text) =>
        Assert.Equal(text, Duration.Format(TimeSpan.FromSeconds(seconds)));
}
