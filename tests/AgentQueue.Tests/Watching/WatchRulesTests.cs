using System.Text;
using AgentQueue.Config;
using AgentQueue.Watching;

namespace AgentQueue.Tests.Watching;

public sealed class WatchRulesTests
{
    [Theory]
    [InlineData("*.py", "a.py", true)]
    [InlineData("*.py", "src/app/a.py", true)]
    [InlineData("*.py", "a.pyc", false)]
    [InlineData("src/*.py", "src/a.py", true)]
    [InlineData("src/*.py", "src/app/a.py", false)]
    [InlineData("src/*.py", "lib/src/a.py", false)]
    [InlineData("src/**/*.py", "src/a.py", true)]
    [InlineData("src/**/*.py", "src/a/b/c.py", true)]
    [InlineData("src/**", "src/a/b", true)]
    [InlineData("**", "a/b/c", true)]
    [InlineData("**/*.py", "a.py", true)]
    [InlineData("/a.py", "a.py", true)]
    [InlineData("/a.py", "src/a.py", false)]
    [InlineData("./a.py", "a.py", true)]
    [InlineData("./a.py", "src/a.py", false)]
    [InlineData("src", "src/a/b", true)]
    [InlineData("src", "lib/src/a", true)]
    [InlineData("src/", "src/a", true)]
    [InlineData("src/", "src", false)]
    [InlineData("src/app", "src/app/x/y", true)]
    [InlineData("test_*/", "test_data/x", true)]
    [InlineData("src/*", "src/app/x", false)]
    [InlineData("caf?.md", "café.md", true)]
    [InlineData("*é?.md", "caféx.md", true)]
    [InlineData("??.md", "é.md", false)]
    [InlineData("[é-ë].md", "ê.md", true)]
    [InlineData("!a", "!a", true)]
    [InlineData("#a", "#a", true)]
    public void A_glob_is_about_these_paths(string glob, string path, bool isAbout) =>
        Assert.Equal(isAbout, Wants(Rules(glob), path));

    [Fact]
    public void What_a_rule_ignores_is_not_its_own()
    {
        var rules = new WatchRules([
            new(["*.py", "*.md"], ["test_*.py", "build/"], "a", TimeSpan.Zero),
            new(["**"], ["*.py"], "b", TimeSpan.Zero),
        ]);

        Assert.Equal([0], rules.RulesOf("src/x.py"));
        Assert.Equal([0, 1], rules.RulesOf("src/x.md"));
        Assert.Equal([1], rules.RulesOf("build/x.md"));
        Assert.Equal([], rules.RulesOf("test_x.py"));
    }

    [Theory]
    [InlineData(".a.py.swp")]
    [InlineData("src/.a.py.swo")]
    [InlineData("4913")]
    [InlineData("a.py~")]
    [InlineData(".#a.py")]
    [InlineData("#a.py#")]
    [InlineData("a.py___jb_tmp___")]
    [InlineData(".goutputstream-ABCDEF")]
    public void What_an_editor_keeps_beside_a_file_is_nobodys(string path)
    {
        Assert.False(Wants(Rules("**"), path));
        Assert.Empty(Rules("**").RulesOf(path));
    }

    [Theory]
    [InlineData("src/**/*.py", "", true)]
    [InlineData("src/**/*.py", "src/", true)]
    [InlineData("src/**/*.py", "src/a/b/", true)]
    [InlineData("src/**/*.py", "docs/", false)]
    [InlineData("src/app/*.py", "src/", true)]
    [InlineData("src/app/*.py", "src/lib/", false)]
    [InlineData("*.py", "docs/", true)]
    public void A_folder_that_can_hold_nothing_is_passed_over(
        string glob,
        string folder,
        bool may
    ) => Assert.Equal(may, Rules(glob).MayHold(Encoding.UTF8.GetBytes(folder)));

    [Fact]
    public void A_folder_that_every_rule_ignores_is_passed_over()
    {
        var one = new WatchRule(["*.py"], ["vendor", "out*/"], "a", TimeSpan.Zero);

        Assert.False(new WatchRules([one]).MayHold("vendor/"u8));
        Assert.False(new WatchRules([one]).MayHold("src/outer/deep/"u8));
        Assert.True(new WatchRules([one, one with { Ignore = [] }]).MayHold("vendor/"u8));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("./")]
    [InlineData("../x")]
    [InlineData("a/../b")]
    public void A_glob_that_cannot_be_meant_is_refused(string glob)
    {
        var refused = Assert.Throws<QueueException>(() => Rules(glob));

        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.NotNull(refused.Hint);
    }

    private static WatchRules Rules(string glob) =>
        new([new WatchRule([glob], [], "event", WatchRule.DefaultDebounce)]);

    private static bool Wants(WatchRules rules, string path) =>
        rules.Wants(Encoding.UTF8.GetBytes(path));
}
