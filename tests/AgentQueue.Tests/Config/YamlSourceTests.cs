using System.Text;
using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public sealed class YamlSourceTests
{
    [Theory]
    [InlineData("a: 1\nb: {c 1\nd: {e: 1}, f: 2}\n", 2)]
    [InlineData("...\na: 1\n", 2)]
    public void A_text_that_the_scanner_gives_up_on_is_refused_with_its_place(string text, int line)
    {
        Assert.Null(YamlSource.Parse(Encoding.UTF8.GetBytes(text), out var problem));
        Assert.Equal("it cannot be read from here on", problem.Reason);
        Assert.InRange(problem.At.Line, 1, line);
    }
}
