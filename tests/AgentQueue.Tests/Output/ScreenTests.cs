using AgentQueue.Cli.Output;

namespace AgentQueue.Tests.Output;

public class ScreenTests
{
    private readonly MemoryStandardStream _output = new();
    private readonly MemoryStandardStream _error = new();
    private readonly Dictionary<string, string> _environment = new()
    {
        ["TERM"] = "xterm",
        ["LANG"] = "en_US.UTF-8",
    };

    [Fact]
    public void Data_is_held_back_and_written_once()
    {
        var screen = Open();

        screen.Line("one");
        screen.Out("two\n");
        Assert.Equal(0, _output.Writes);

        Assert.Equal(ExitCode.WorkFailed, screen.Finish(ExitCode.WorkFailed));
        Assert.Equal(1, _output.Writes);
        Assert.Equal("one\ntwo\n", _output.Text);
    }

    [Fact]
    public void Much_data_is_written_in_between()
    {
        var screen = Open();
        for (var i = 0; i < 100; i++)
        {
            screen.Out(new string('x', 3000) + "\n");
        }

        screen.Flush();
        Assert.Equal(300_100, _output.Bytes.Length);
        Assert.InRange(_output.Writes, 2, 10);
    }

    [Fact]
    public void Output_is_utf8_without_a_mark_and_survives_lone_surrogates()
    {
        var screen = Open();
        screen.Out("ä\ud800");
        screen.Flush();
        Assert.Equal("c3a4efbfbd", Convert.ToHexStringLower(_output.Bytes));
    }

    [Fact]
    public void Talk_comes_after_the_data_before_it()
    {
        var screen = Open();
        screen.Line("data");
        screen.Talk("talk");
        Assert.Equal("data\n", _output.Text);
        Assert.Equal("talk\n", _error.Text);
    }

    [Fact]
    public void Lines_and_talk_are_made_safe()
    {
        var screen = Open();
        screen.Line("a\e[2J\nb");
        screen.Talk("a\e[2J\nb");
        Assert.Equal("a\\x1b[2J\\nb\n", _output.Text);
        Assert.Equal("a\\x1b[2J\\nb\n", _error.Text);
    }

    [Fact]
    public void An_error_is_a_sentence_and_a_hint()
    {
        Open().Error(new QueueException("No task is called 'x'", "agentq status"));
        Assert.Equal("agentq: No task is called 'x'.\n  hint: agentq status\n", _error.Text);
        Assert.Empty(_output.Bytes);
    }

    [Fact]
    public void An_error_is_made_safe_and_its_further_lines_are_indented()
    {
        Open().Error(new QueueException("Bad\n\e[31magentq: fine!", "one\ntwo"));
        Assert.Equal(
            "agentq: Bad\n  \\x1b[31magentq: fine!\n  hint: one\n        two\n",
            _error.Text
        );
    }

    [Fact]
    public void An_error_is_red_on_a_terminal()
    {
        _error.Columns = 80;
        Open().Error(new QueueException("No"));
        Assert.Equal("\e[31magentq: No.\e[0m\n", _error.Text);
    }

    [Theory]
    [InlineData("TERM", "dumb")]
    [InlineData("NO_COLOR", "1")]
    public void The_environment_can_forbid_colour(string variable, string value)
    {
        _output.Columns = 80;
        Assert.True(Open().Style.Color);
        _environment[variable] = value;
        Assert.False(Open().Style.Color);
    }

    [Fact]
    public void An_option_can_forbid_colour()
    {
        _output.Columns = 80;
        Assert.Equal("x", Open(noColor: true).Paint(Tone.Bad, "x"));
        Assert.Equal("\e[31mx\e[0m", Open().Paint(Tone.Bad, "x"));
    }

    [Fact]
    public void An_empty_NO_COLOR_forbids_nothing()
    {
        _output.Columns = 80;
        _environment["NO_COLOR"] = "";
        Assert.True(Open().Style.Color);
    }

    [Fact]
    public void A_pipe_has_no_colour_and_a_usual_width()
    {
        var screen = Open();
        Assert.Equal(new TextStyle(100), screen.Style);
        Assert.False(screen.CanRedraw);
    }

    [Theory]
    [InlineData(null, 72)]
    [InlineData("40", 40)]
    [InlineData("0", 72)]
    [InlineData("wide", 72)]
    public void The_width_is_that_of_COLUMNS_or_the_terminal(string? columns, int expected)
    {
        _output.Columns = 72;
        if (columns is not null)
        {
            _environment["COLUMNS"] = columns;
        }

        Assert.Equal(expected, Open().Width);
    }

    [Theory]
    [InlineData("C", null, null, true)]
    [InlineData("C", null, "de_DE.utf8", true)]
    [InlineData(null, "de_DE.utf8", "C", false)]
    [InlineData(null, null, "en_US.UTF-8", false)]
    [InlineData("", "", "en_US.UTF-8", false)]
    [InlineData(null, null, null, true)]
    public void The_locale_of_a_terminal_decides_about_ascii(
        string? all,
        string? type,
        string? lang,
        bool ascii
    )
    {
        _output.Columns = 80;
        _environment.Remove("LANG");
        foreach (var (name, value) in new[] { ("LC_ALL", all), ("LC_CTYPE", type), ("LANG", lang) })
        {
            if (value is not null)
            {
                _environment[name] = value;
            }
        }

        Assert.Equal(ascii && !OperatingSystem.IsWindows(), Open().Style.Ascii);
    }

    [Fact]
    public void A_pipe_is_never_ascii_only()
    {
        _environment["LC_ALL"] = "C";
        Assert.False(Open().Style.Ascii);
    }

    [Fact]
    public void A_reader_who_goes_away_leaves_the_exit_code_alone()
    {
        _output.Failure = new ReaderGoneException();
        var screen = Open();
        screen.Line("lost");
        Assert.False(screen.ReaderGone);

        Assert.Equal(ExitCode.Ok, screen.Finish(ExitCode.Ok));
        Assert.True(screen.ReaderGone);
        Assert.Empty(_error.Bytes);
        screen.Line("also lost");
        Assert.Equal(ExitCode.Ok, screen.Finish(ExitCode.Ok));
    }

    [Fact]
    public void Output_that_cannot_be_written_is_an_error_told_once()
    {
        _output.Failure = new IOException("No space left on device");
        var screen = Open();
        screen.Line("lost");

        Assert.Equal(ExitCode.Refused, screen.Finish(ExitCode.Ok));
        Assert.Equal(
            "agentq: The output could not be written: No space left on device.\n",
            _error.Text
        );
        Assert.Equal(ExitCode.Ok, screen.Finish(ExitCode.Ok));
    }

    [Fact]
    public void An_error_is_told_although_the_data_before_it_cannot_be_written()
    {
        _output.Failure = new IOException("No space left on device");
        var screen = Open();
        screen.Line("lost");
        screen.Error(new QueueException("No"));
        Assert.Equal("agentq: No.\n", _error.Text);
    }

    [Fact]
    public void A_closed_stderr_is_borne()
    {
        _error.Failure = new IOException("Bad file descriptor");
        var screen = Open();
        screen.Talk("lost");
        Assert.Equal(ExitCode.Ok, screen.Finish(ExitCode.Ok));
    }

    private Screen Open(bool noColor = false) =>
        new(_output, _error, name => _environment.GetValueOrDefault(name), noColor);
}
