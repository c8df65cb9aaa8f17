using AgentQueue.Assistants;
using AgentQueue.Tests.Config;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Assistants;

public sealed class SetupPlaceTests : IDisposable
{
    private readonly TempProject _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(".claude/x", null, ".claude/x")]
    [InlineData("${DIR:-.claude}/x", null, ".claude/x")]
    [InlineData("${DIR:-.claude}/x", "relative", ".claude/x")]
    [InlineData("${DIR:-.claude}/x", "/opt/c", "/opt/c/x")]
    [InlineData("${DIR:-.claude}/x", "/home/u/c", "c/x")]
    [InlineData("${DIR:-.claude}", null, ".claude")]
    [InlineData("${DIR:-.}/.claude.json", null, ".claude.json")]
    [InlineData("${DIR:-.}/.claude.json", "/home/u/.c", ".c/.claude.json")]
    public void A_path_may_begin_with_a_variable(string path, string? value, string key) =>
        Assert.Equal(key, UserPlace("/home/u", value).KeyOf(path));

    [Fact]
    public void What_was_set_up_for_a_user_is_on_record_in_the_folder_of_the_configuration()
    {
        Assert.Equal(".config/agentq/assistants.json", UserPlace("/home/u").Manifest);
        Assert.Equal(".agents/assistants.json", SetupPlace.OfProject("/p").Manifest);
        Assert.Equal("~/.claude/x", UserPlace("/home/u").Shown(".claude/x"));
        Assert.Throws<QueueException>(() => UserPlace(""));
    }

    [LinuxFact]
    public void A_link_is_followed_inside_and_refused_outside()
    {
        var outside = Directory.CreateTempSubdirectory("agentq-outside-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Join(_temp.Root, "real"));
            Link("inside", "real");
            Link("outside", outside);
            Link("nowhere", "gone");
            var queue = Directory.CreateDirectory(Path.Join(outside, "queue")).FullName;
            Link(".agents", queue);
            var place = SetupPlace.OfProject(_temp.Root);

            Assert.Equal(Path.Join(_temp.Root, "real/a/b"), place.Resolve("inside/a/b"));
            Assert.Equal(Path.Join(_temp.Root, "new/a/b"), place.Resolve("new/a/b"));
            // The queue may be on another disk; whose it is has been asked before.
            Assert.Equal(Path.Join(queue, "skills/x"), place.Resolve(".agents/skills/x"));
            Assert.Throws<QueueException>(() => place.Resolve("outside/a"));
            Assert.Throws<QueueException>(() => place.Resolve("nowhere"));
            Assert.Throws<QueueException>(() => place.Resolve("nowhere/a"));
            _temp.Write("file", "");
            Assert.Contains(
                "no folder",
                Assert.Throws<QueueException>(() => place.Resolve("file/a")).Message,
                StringComparison.Ordinal
            );
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }

        void Link(string name, string target) =>
            File.CreateSymbolicLink(Path.Join(_temp.Root, name), target);
    }

    private static SetupPlace UserPlace(string home, string? value = null) =>
        SetupPlace.OfUser(name =>
            name switch
            {
                "HOME" => home,
                "DIR" => value,
                _ => null,
            }
        );
}
