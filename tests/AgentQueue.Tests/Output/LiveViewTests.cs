using AgentQueue.Cli.Output;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Output;

public class LiveViewTests
{
    private readonly MemoryStandardStream _output = new() { Columns = 20, Rows = 6 };

    [Fact]
    public void Each_frame_is_one_write_over_the_frame_before()
    {
        using (var view = Open())
        {
            view.Draw(["one", "two", "three"]);
            view.Draw(["one", "\e[32mTWO\e[0m"]);
            Assert.Equal(2, _output.Writes);
        }

        VerifyOutput();
    }

    [Fact]
    public void A_frame_that_is_too_tall_says_what_is_missing()
    {
        using (var view = Open())
        {
            view.Draw([.. Enumerable.Range(1, 9).Select(i => $"line {i}")]);
        }

        VerifyOutput();
    }

    [Fact]
    public void The_last_character_of_a_full_line_is_not_erased()
    {
        using var view = Open();
        view.Draw([new string('x', 20), new string('y', 19)]);
        Assert.Contains("xxx\n", _output.Text, StringComparison.Ordinal);
        Assert.Contains("yyy\e[K\n", _output.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_resized_terminal_begins_empty()
    {
        using var view = Open();
        view.Draw(["one"]);
        _output.Columns = 15;
        view.Draw(["two"]);
        Assert.Contains("\e[H\e[J" + "two", _output.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_cursor_comes_back_once_and_nothing_is_drawn_afterwards()
    {
        var view = Open();
        view.Draw(["one"]);
        view.Dispose();
        var ended = _output.Text;
        Assert.EndsWith("\e[?7h\e[?25h", ended, StringComparison.Ordinal);
        view.Draw(["two"]);
        view.Dispose();
        Assert.Equal(ended, _output.Text);
    }

    private LiveView Open() =>
        new(
            new Screen(
                _output,
                new MemoryStandardStream(),
                name => name == "LANG" ? "C.UTF-8" : null
            )
        );

    private void VerifyOutput(
        [System.Runtime.CompilerServices.CallerMemberName] string member = ""
    ) => Snapshot.Verify(_output.Text.Replace('\e', '←').Replace('\r', '⏎'), member: member);
}
