using System.Text;
using AgentQueue.Watching;

namespace AgentQueue.Tests.Watching;

public sealed class GitIgnoreTests
{
    // What git 2.39 says of each was asked once; the end-to-end tests ask it again, over trees of files.
    [Theory]
    [InlineData("foo", "foo", true)]
    [InlineData("foo", "a/b/foo", true)]
    [InlineData("foo", "foobar", false)]
    [InlineData("foo", "foo/below", true)]
    [InlineData("/foo", "foo", true)]
    [InlineData("/foo", "a/foo", false)]
    [InlineData("a/foo", "a/foo", true)]
    [InlineData("a/foo", "b/a/foo", false)]
    [InlineData("foo/", "foo", false)]
    [InlineData("foo/", "foo/x", true)]
    [InlineData("foo/", "a/foo/x", true)]
    [InlineData("*.o", "x.o", true)]
    [InlineData("*.o", "a/b/.o", true)]
    [InlineData("*.o", "x.os", false)]
    [InlineData("/*.o", "a/x.o", false)]
    [InlineData("a/*", "a/b", true)]
    [InlineData("a/*/c", "a/b/c", true)]
    [InlineData("a/*/c", "a/b/b/c", false)]
    [InlineData("a/**/c", "a/c", true)]
    [InlineData("a/**/c", "a/b/b/c", true)]
    [InlineData("a/**/c", "ab/c", false)]
    [InlineData("**/c", "c", true)]
    [InlineData("**/b/c", "a/b/c", true)]
    [InlineData("**/b/c", "a/bb/c", false)]
    [InlineData("a/**", "a/b/c", true)]
    [InlineData("a/**", "a", false)]
    [InlineData("/**", "a/b", true)]
    [InlineData("a/b**c", "a/bxc", true)]
    [InlineData("a/x**/c", "a/x/y/c", true)]
    [InlineData("a/*x**/c", "a/x/y/c", false)]
    [InlineData("fo?", "foo", true)]
    [InlineData("fo?", "fo", false)]
    [InlineData("a?b/x", "a/b/x", false)]
    [InlineData("caf?", "café", false)]
    [InlineData("caf??", "café", true)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("[^a-c]x", "dx", true)]
    [InlineData("[]-]x", "]x", true)]
    [InlineData("[]-]x", "-x", true)]
    [InlineData("[a\\]]x", "]x", true)]
    [InlineData("[[:digit:]]x", "7x", true)]
    [InlineData("[[:digit:]]x", "ax", false)]
    [InlineData("[[:nothing:]]x", "ax", false)]
    [InlineData("[abc", "[abc", false)]
    [InlineData("a[/]b", "a/b", false)]
    [InlineData("\\*", "*", true)]
    [InlineData("\\*", "x", false)]
    [InlineData("\\#x", "#x", true)]
    [InlineData("#x", "#x", false)]
    [InlineData("\\!x", "!x", true)]
    [InlineData("x\\", "x", false)]
    [InlineData("x\\", "x\\", false)]
    [InlineData("x  ", "x", true)]
    [InlineData("x\\ ", "x ", true)]
    [InlineData("x\\ ", "x", false)]
    [InlineData("x y", "x y", true)]
    [InlineData("x\t", "x", false)]
    [InlineData("x\r", "x", true)]
    [InlineData("\uFEFFx", "x", true)]
    [InlineData("*\n!*.c", "a.c", false)]
    [InlineData("*\n!*.c", "a.h", true)]
    [InlineData("!*.c\n*", "a.c", true)]
    [InlineData("a/\n!a/b", "a/b", true)]
    [InlineData("a/*\n!a/b", "a/b", false)]
    [InlineData("/\n!\n\n", "a", false)]
    [InlineData("Foo", "foo", false)]
    public void A_pattern_means_what_it_means_to_git(string patterns, string path, bool ignored)
    {
        if (OperatingSystem.IsLinux() || patterns != "Foo")
        {
            Assert.Equal(ignored, IsIgnored(Root(patterns), path));
        }
    }

    [Theory]
    [InlineData(".git/config")]
    [InlineData("sub/.git/config")]
    [InlineData("sub/.git")]
    [InlineData(".agents/tasks/task_1.json")]
    public void Git_and_the_queue_are_ignored_whatever_is_written(string path) =>
        Assert.True(IsIgnored(Root("!.git\n!.agents\n!*"), path));

    [Theory]
    [InlineData(".gitignore")]
    [InlineData(".github/x")]
    [InlineData(".agents.md")]
    [InlineData("docs/.agents")]
    public void What_is_only_called_alike_is_not(string path) =>
        Assert.False(IsIgnored(Root(""), path));

    [Fact]
    public void The_nearest_file_decides_and_counts_from_its_own_folder()
    {
        var above = Root("*.log\n/only");
        var below = above.With("a/"u8, "!keep.log\n/only"u8);

        Assert.True(IsIgnored(above, "keep.log"));
        Assert.False(Ignores(below, "a/keep.log"));
        Assert.True(Ignores(below, "a/other.log"));
        Assert.True(Ignores(below, "a/only"));
        Assert.False(Ignores(below, "a/b/only"));
    }

    [Fact]
    public void A_project_within_a_repository_obeys_what_stands_above_it()
    {
        var top = Directory.CreateTempSubdirectory("agentq-ignore-").FullName;
        try
        {
            var project = Directory.CreateDirectory(Path.Join(top, "packages", "one")).FullName;
            Directory.CreateDirectory(Path.Join(top, ".git", "info"));
            File.WriteAllText(Path.Join(top, ".git", "info", "exclude"), "excluded\n*.a");
            File.WriteAllText(Path.Join(top, ".gitignore"), "packages/*/out\n!x.a");
            File.WriteAllText(Path.Join(top, "packages", ".gitignore"), "/one/deep");

            var outside = GitIgnore.Outside(project, out var files);

            Assert.True(IsIgnored(outside, "out/x"));
            Assert.True(IsIgnored(outside, "deep"));
            Assert.True(IsIgnored(outside, "src/excluded"));
            Assert.True(IsIgnored(outside, "y.a"));
            Assert.False(IsIgnored(outside, "x.a"));
            Assert.False(IsIgnored(outside, "src/out"));
            Assert.Contains(Path.Join(top, ".git", "info", "exclude"), files);
            Assert.Contains(Path.Join(top, "packages", ".gitignore"), files);
        }
        finally
        {
            Directory.Delete(top, recursive: true);
        }
    }

    [Fact]
    public void Many_stars_do_not_make_it_slow()
    {
        var pattern = PathPattern.OfGit(
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("**/a*", 30)) + "x"),
            ignoreCase: false
        );
        var path = Encoding.UTF8.GetBytes(
            string.Join('/', Enumerable.Repeat(new string('a', 20), 40))
        );

        Assert.False(pattern.Matches(path));
    }

    private static GitIgnore Root(string patterns) =>
        GitIgnore.None.With(""u8, Encoding.UTF8.GetBytes(patterns));

    private static bool Ignores(GitIgnore ignore, string path) =>
        ignore.IsIgnored(Encoding.UTF8.GetBytes(path), isFolder: false);

    // As a tree is walked: what lies in an ignored folder is ignored.
    private static bool IsIgnored(GitIgnore ignore, string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == '/' && ignore.IsIgnored(bytes.AsSpan(0, i), isFolder: true))
            {
                return true;
            }
        }

        return ignore.IsIgnored(bytes, isFolder: false);
    }
}
