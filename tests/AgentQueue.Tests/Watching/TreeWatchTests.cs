using AgentQueue.Config;
using AgentQueue.Tests.Support;
using AgentQueue.Watching;
using static AgentQueue.Watching.ChangeKind;

namespace AgentQueue.Tests.Watching;

/// <summary>With real folders: what is tested is what the system tells.</summary>
public sealed class TreeWatchTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly string _base = Directory.CreateTempSubdirectory("agentq-watch-").FullName;
    private readonly string _root;
    private TreeWatch? _watch;

    public TreeWatchTests() => _root = Directory.CreateDirectory(Path.Join(_base, "p")).FullName;

    public void Dispose()
    {
        _watch?.Dispose();
        Directory.Delete(_base, recursive: true);
    }

    [LinuxFact]
    public void What_is_there_at_the_beginning_is_no_change()
    {
        Write("a.py");
        Write("src/b.py");
        Write("src/c.txt");
        Begin("*.py");

        Assert.Equal((2, 2), (_watch!.Files, _watch.Folders));
        Assert.Empty(_watch.Read().Changes);
    }

    [LinuxFact]
    public void A_file_is_created_modified_and_deleted()
    {
        Begin("*.py");
        Write("a.py");
        Seen(new FileChange("a.py", Created));
        Write("a.py", "more");
        Seen(new FileChange("a.py", Modified));
        File.Delete(PathOf("a.py"));
        Seen(new FileChange("a.py", Deleted));
        Assert.Equal(0, _watch!.Files);
    }

    [LinuxFact]
    public void A_save_that_leaves_the_size_as_it_was_is_seen_each_time()
    {
        Write("a.py", "1");
        Begin("*.py");
        for (var i = 0; i < 20; i++)
        {
            Write("a.py", (i % 10).ToString(System.Globalization.CultureInfo.InvariantCulture));
            Seen(new FileChange("a.py", Modified));
        }
    }

    [LinuxFact]
    public void A_file_that_is_only_read_or_gets_other_rights_has_not_changed()
    {
        Write("a.py", "1");
        File.SetLastWriteTimeUtc(PathOf("a.py"), DateTime.UnixEpoch.AddYears(40));
        Begin("*.py");
        _ = File.ReadAllText(PathOf("a.py"));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(PathOf("a.py"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        using (File.OpenWrite(PathOf("a.py"))) { }

        Write("last.py");
        Seen(new FileChange("last.py", Created));
    }

    [LinuxFact]
    public void A_file_made_at_once_in_new_folders_is_seen_and_what_follows_there_too()
    {
        Begin("*.py");
        Write("x/y/z/a.py");
        Seen(new FileChange("x/y/z/a.py", Created));
        Write("x/y/b.py");
        Seen(new FileChange("x/y/b.py", Created));
        Assert.Equal(4, _watch!.Folders);
    }

    [LinuxFact]
    public void A_folder_that_is_renamed_takes_its_files_along()
    {
        Write("old/in/a.py");
        Begin("*.py");
        Directory.Move(PathOf("old"), PathOf("new"));
        Seen(new("old/in/a.py", Deleted), new("new/in/a.py", Created));
        Write("new/in/b.py");
        Seen(new FileChange("new/in/b.py", Created));
    }

    [LinuxFact]
    public void A_folder_that_is_removed_and_made_again_is_watched_again()
    {
        Write("d/a.py");
        Begin("*.py");
        for (var i = 0; i < 20; i++)
        {
            Directory.Delete(PathOf("d"), recursive: true);
            Write("d/a.py");
            SeenLast("d/a.py");
            Write("d/b.py");
            SeenLast("d/b.py");
            File.Delete(PathOf("d/b.py"));
            SeenLast("d/b.py");
        }

        Assert.Equal((1, 2), (_watch!.Files, _watch.Folders));
    }

    [LinuxFact]
    public void A_folder_in_the_place_of_a_file_and_the_other_way_round_are_seen()
    {
        Write("x.py");
        Begin("*.py", "in/*");
        File.Delete(PathOf("x.py"));
        Write("x.py/y.py");
        SeenLast("x.py/y.py");
        Directory.Delete(PathOf("x.py"), recursive: true);
        Write("x.py");
        SeenLast("x.py");
        Assert.Equal((1, 1), (_watch!.Files, _watch.Folders));
    }

    [LinuxFact]
    public void What_is_ignored_is_neither_told_nor_entered()
    {
        Write(".gitignore", "node_modules/\n*.log");
        Write("node_modules/x/a.py");
        Write(".git/a.py");
        Write(".agents/a.py");
        Begin("**");
        Write("node_modules/x/b.py");
        Write("a.log");
        Write(".git/b.py");
        Write(".agents/b.py");
        Write("sub/node_modules/c.py");
        Write("a.py");

        Seen(new FileChange("a.py", Created));
        Assert.Equal((2, 2), (_watch!.Files, _watch.Folders));
    }

    [LinuxFact]
    public void What_comes_into_view_when_the_ignored_changes_has_not_changed_itself()
    {
        Write(".gitignore", "out/\n*.log");
        Write("out/a.py");
        Write("a.log");
        Write("b.txt");
        Begin("*.py", "*.log", "*.txt");
        Write(".gitignore", "*.txt");
        Quietly(() => _watch!.Files == 2);
        Write("out/a.py", "more");
        Seen(new FileChange("out/a.py", Modified));
        Write("a.log", "more");
        Seen(new FileChange("a.log", Modified));
        Write("b.txt", "more");
        File.Delete(PathOf(".gitignore"));
        Quietly(() => _watch!.Files == 3);
        Write("b.txt", "still more");
        Seen(new FileChange("b.txt", Modified));
    }

    [LinuxFact]
    public void A_file_that_comes_with_other_rules_is_new_nevertheless()
    {
        Write("old.log");
        Begin("*.py", "*.log");
        Write(".gitignore", "old.log");
        Write("new.py");
        Write("new.log");

        Seen(new("new.py", Created), new("new.log", Created));
    }

    [LinuxFact]
    public void What_comes_into_view_by_another_rule_has_not_changed_itself()
    {
        Write("a.py");
        Write("docs/a.md");
        Begin("*.py");
        _watch!.Change(Rules("docs/*.md"));
        Assert.Equal((1, 2), (_watch.Files, _watch.Folders));
        Assert.Empty(_watch.Read().Changes);
        Write("docs/a.md", "more");
        Write("a.py", "more");
        Seen(new FileChange("docs/a.md", Modified));
    }

    [LinuxFact]
    public void Links_are_not_followed()
    {
        Write("../outside/a.py");
        Directory.CreateSymbolicLink(PathOf("link"), Path.Join(_base, "outside"));
        Begin("*.py");
        Directory.CreateSymbolicLink(PathOf("other"), Path.Join(_base, "outside"));
        Write("../outside/b.py");
        Write("last.py");

        Seen(new FileChange("last.py", Created));
        Assert.Equal((1, 1), (_watch!.Files, _watch.Folders));
    }

    [LinuxFact]
    public void A_file_elsewhere_is_watched_as_soon_as_its_folder_is_there()
    {
        Begin("*.py");
        var seen = 0;
        _watch!.Also(Path.Join(_base, "later", "log"), () => seen++);
        Write("../later/log");
        Write("a.py");
        Seen(new FileChange("a.py", Created));
        Write("../later/log", "more");
        Quietly(() => seen > 0);
        Write("../later/other");
        var before = seen;
        Write("b.py");
        Seen(new FileChange("b.py", Created));
        Assert.Equal(before, seen);
    }

    [LinuxFact]
    public void A_project_that_is_renamed_or_removed_is_gone()
    {
        Write("src/a.py");
        Begin("*.py");
        Directory.Move(_root, _root + "2");
        _watch!.Wait(s_patience);
        var news = _watch.Read();

        Assert.True(news.IsGone);
        Assert.Empty(news.Changes);
    }

    [LinuxFact]
    public void A_wait_is_ended_from_another_thread()
    {
        Begin("*.py");
        _watch!.Wake();
        _watch.Wait(null);
        Assert.Empty(_watch.Read().Changes);
    }

    [Fact]
    public void A_look_again_finds_what_nobody_told()
    {
        foreach (var name in (string[])["same.py", "longer.py", "gone.py", "d/gone.py", "e/x.py"])
        {
            Write(name);
        }

        File.SetLastWriteTimeUtc(PathOf("same.py"), DateTime.UnixEpoch.AddYears(40));
        using var tree = new KnownTree(_root, Rules("*.py"), new Silence());
        tree.TakeUp();
        Assert.Equal((5, 3), (tree.FileCount, tree.FolderCount));
        Write("longer.py", "much longer than before");
        Write("new.py");
        Write("n/m/new.py");
        File.Delete(PathOf("gone.py"));
        Directory.Delete(PathOf("d"), recursive: true);

        tree.LookAgain();

        Assert.Equal(
            [
                new("d/gone.py", Deleted),
                new("gone.py", Deleted),
                new("longer.py", Modified),
                new("n/m/new.py", Created),
                new("new.py", Created),
            ],
            tree.Changes.OrderBy(static c => c.Path, StringComparer.Ordinal)
        );
        Assert.Equal((5, 4), (tree.FileCount, tree.FolderCount));
        tree.Changes.Clear();
        tree.LookAgain();
        Assert.Empty(tree.Changes);
    }

    [Fact]
    public void By_the_means_of_other_systems_it_is_seen_too()
    {
        Write("src/old.py");
        using var watch = new PortableTreeWatch(_root, Rules("*.py"), TimeProvider.System);
        watch.Begin();
        _watch = watch;
        Write("src/a.py");
        SeenLast("src/a.py");
        Write("n/b.py");
        SeenLast("n/b.py");
        Directory.Delete(PathOf("src"), recursive: true);
        SeenLast("src/a.py");
        // The folder's own end is told after those of its files.
        Settle(() =>
        {
            watch.Read();
            return (watch.Files, watch.Folders) == (1, 2);
        });
        _watch = null;
    }

    private void Begin(params string[] globs) =>
        _watch = TreeWatch.Begin(_root, Rules(globs), TimeProvider.System);

    private static WatchRules Rules(params string[] globs) =>
        new([new WatchRule([.. globs], [], "event", WatchRule.DefaultDebounce)]);

    private string PathOf(string path) => Path.GetFullPath(path, _root);

    private void Write(string path, string text = "")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        File.WriteAllText(PathOf(path), text);
    }

    // Exactly these, each perhaps told more than once.
    private void Seen(params FileChange[] expected)
    {
        var seen = new List<FileChange>();
        Settle(() =>
        {
            seen.AddRange(_watch!.Read().Changes);
            return expected.All(seen.Contains);
        });
        var names = expected.Select(static c => c.Path).ToHashSet(StringComparer.Ordinal);
        Assert.All(seen, c => Assert.Contains(c.Path, names));
    }

    // Among others.
    private void SeenLast(string path)
    {
        var last = "";
        Settle(() =>
        {
            last = _watch!.Read().Changes is [.., var change] ? change.Path : last;
            return last == path;
        });
    }

    private void Quietly(Func<bool> isSo) =>
        Settle(() =>
        {
            Assert.Empty(_watch!.Read().Changes);
            return isSo();
        });

    private void Settle(Func<bool> isSo)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (!isSo())
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(begun) < s_patience,
                "It was not seen in time"
            );
            _watch!.Wait(TimeSpan.FromMilliseconds(50));
        }
    }

    private sealed class Silence : IFolderWatcher
    {
        public void Enter(WatchedFolder folder, string path) { }

        public void Leave(WatchedFolder folder) { }
    }
}
