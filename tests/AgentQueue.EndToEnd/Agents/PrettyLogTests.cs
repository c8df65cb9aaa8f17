namespace AgentQueue.EndToEnd.Agents;

/// <summary>The log of an agent whose output is JSON, as lines to read.</summary>
public sealed class PrettyLogTests : IDisposable
{
    private readonly Sandbox _box = new();
    private readonly FakeCli _claude;

    public PrettyLogTests() => _claude = new FakeCli(_box, "claude");

    public void Dispose() => _box.Dispose();

    private static readonly string[] s_run =
    [
        ClaudeLine.Begin(),
        ClaudeLine.Says("I shall\nwrite it."),
        ClaudeLine.Writes("src/a.cs"),
        ClaudeLine.Runs("make\ttest\u001b[2J"),
        ClaudeLine.TriesAgain(529, "overloaded"),
        "no JSON at all",
        ClaudeLine.Says("Done."),
        ClaudeLine.Ends("Done."),
    ];

    private static readonly string[] s_shown =
    [
        "▶ session session-1, model model-1",
        "I shall",
        "write it.",
        "● Write src/a.cs",
        @"● Bash make test\x1b[2J",
        "↻ tries again: overloaded (HTTP 529)",
        "no JSON at all",
        "Done.",
        "■ the end: 1,000 in, 200 out, 50 from the cache; $0.05",
    ];

    [Fact]
    public void What_it_says_and_does_is_shown_line_by_line()
    {
        var id = Work(s_run);

        Assert.Equal(s_shown, _box.Run("logs", id, "--pretty").Gives(0).Lines);
        Assert.Equal(
            s_shown,
            _box.Run("logs", id, "--pretty", "--json")
                .Gives(0)
                .Json.GetProperty("lines")
                .EnumerateArray()
                .Select(static l => l.GetString())
        );
    }

    [Fact]
    public void The_tail_counts_the_lines_that_are_shown()
    {
        var id = Work(s_run);

        Assert.Equal(s_shown[^3..], _box.Run("logs", id, "--pretty", "-n", "3").Gives(0).Lines);
        Assert.Equal(s_shown, _box.Run("logs", id, "--pretty", "-n", "0").Gives(0).Lines);
        Assert.Equal(
            s_shown[^3..],
            _box.Run("logs", id, "--pretty", "-n", "3", "-f").Gives(0).Lines
        );
    }

    [Fact]
    public void It_is_followed_until_the_end()
    {
        _claude.Plays(
            s_run[..3],
            last: $"until [ -e '{_box.Outside}/go' ]; do sleep 0.05; done; echo '{s_run[^1]}'"
        );
        var id = _box.Run("start", "claude", "Do it", "--run", "--quiet").Gives(0).Text;
        using var following = _box.Begin("logs", id, "--pretty", "-f");
        Eventually.Holds(
            () => following.Out.Contains("● Write src/a.cs\n", StringComparison.Ordinal),
            "what it has done so far is shown"
        );

        File.WriteAllText(Path.Join(_box.Outside, "go"), "");

        Assert.StartsWith("■ the end", following.End().Gives(0).Lines[^1]);
    }

    [Fact]
    public void An_error_is_shown_once_and_as_one()
    {
        var id = Work([ClaudeLine.Begin(), ClaudeLine.Fails("Please run /login", 401)]);

        Assert.Equal(
            [
                "▶ session session-1, model model-1",
                "✗ Please run /login (HTTP 401)",
                "■ the end: 0 in, 0 out; $0.00",
            ],
            _box.Run("logs", id, "--pretty").Gives(0).Lines
        );
    }

    [Fact]
    public void Without_an_adapter_it_is_the_log_as_it_stands()
    {
        var id = _box.Enqueue("echo one; echo two");
        _box.Run("run", id, "--wait").Gives(0);

        var shown = _box.Run("logs", id, "--pretty", "-n", "1").Gives(0);

        Assert.Equal(["two"], shown.Lines);
        Assert.Contains("has no adapter", shown.Err);
        _box.Run("logs", id, "--pretty", "--raw").Gives(2);
    }

    private string Work(string[] lines)
    {
        _claude.Plays(lines);
        _box.Run("start", "claude", "Do it", "--wait");
        return _box.Ids[^1];
    }
}
