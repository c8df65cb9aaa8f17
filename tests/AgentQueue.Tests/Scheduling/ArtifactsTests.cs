using System.Runtime.Versioning;
using AgentQueue.Native;
using AgentQueue.Scheduling;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

/// <summary>What is collected when a task has ended, and under which names.</summary>
[SupportedOSPlatform("linux")]
public sealed partial class ArtifactsTests
{
    [LinuxTheory]
    [InlineData("*.txt", "a.txt\nbb.txt")]
    [InlineData("?.txt", "a.txt")]
    [InlineData("[ab]*.txt", "a.txt\nbb.txt")]
    [InlineData("[!a]*.txt", "bb.txt")]
    [InlineData("[a-c].txt", "a.txt")]
    [InlineData("out/*", "out/c.log")]
    [InlineData("o?t/*.log", "out/c.log")]
    [InlineData("**/*.log", "out/c.log\nout/deep/er/d.log")]
    [InlineData("**/d.log", "out/deep/er/d.log")]
    [InlineData("out/**/d.log", "out/deep/er/d.log")]
    [InlineData("out/**/deep/**/er/**/*", "out/deep/er/d.log")]
    [InlineData("out/**", "out/c.log\nout/deep/er/d.log")]
    [InlineData("./out/../a.txt", "a.txt")]
    [InlineData("o*/", "out/c.log\nout/deep/er/d.log")]
    [InlineData("o*", "")]
    [InlineData("a.txt/b", "")]
    public void A_glob_takes_what_it_means(string glob, string expected)
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            stage.Write("a.txt", "bb.txt", "out/c.log", "out/deep/er/d.log");
            Assert.Equal(expected, stage.Names(glob));
        }
    }

    [LinuxFact]
    public void A_set_takes_its_brackets_and_characters_beyond_the_first_plane()
    {
        using var stage = new ArtifactStage();
        stage.Write("]", "[", "-", "😀", "ä");
        Assert.Equal("[", stage.Names("["));
        Assert.Equal("]", stage.Names("[]x]"));
        Assert.Equal("-", stage.Names("[a-]"));
        Assert.Equal("ä\n😀", stage.Names("[😀-😂]", "[ä]"));
    }

    [LinuxFact]
    public void A_glob_of_many_stars_takes_no_longer_than_its_length_allows()
    {
        var stars = ArtifactGlob.Parse(string.Concat(Enumerable.Repeat("a*", 100)) + "b", out _)!;
        Assert.False(stars.Segments[0].Matches(new string('a', 255)));
        Assert.True(stars.Segments[0].Matches(new string('a', 254) + "b"));
    }

    [LinuxFact]
    public void Many_folders_of_any_number_look_into_each_folder_once()
    {
        using var stage = new ArtifactStage();
        var deep = string.Join('/', Enumerable.Repeat("a", 150));
        stage.WriteText($"{deep}/x.txt", "x");
        var globs = string.Concat(Enumerable.Repeat("**/a/", 60));
        Assert.Equal($"{deep}/x.txt", stage.Names($"{globs}**/x.txt"));
    }

    [LinuxFact]
    public void A_plain_path_takes_a_file_or_all_that_is_in_a_folder()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            stage.Write("a.txt", "out/b", "out/.hidden/c", "other/d");
            Assert.Equal("a.txt", stage.Names("a.txt"));
            Assert.Equal("out/.hidden/c\nout/b", stage.Names("out"));
            Assert.Equal("out/.hidden/c\nout/b", stage.Names("out/", "missing"));
        }
    }

    [LinuxFact]
    public void Hidden_files_are_taken_only_when_the_dot_is_written()
    {
        using var stage = new ArtifactStage();
        stage.Write(".env", "a", ".git/config", "x/.git/config", "x/.y");
        Assert.Equal("a", stage.Names("*", "?env", "[.]env", "**/config", "*/config"));
        Assert.Equal("x/.git/config", stage.Names("x/.git/**"));
        Assert.Equal(".git/config\nx/.git/config", stage.Names("**/.git/*"));
        Assert.Equal(".env\nx/.y", stage.Names("**/.*"));
    }

    [LinuxFact]
    public void Each_file_is_taken_once_however_many_globs_mean_it()
    {
        using var stage = new ArtifactStage();
        stage.WriteText("out/a", "x");
        Assert.Single(
            stage.Collect("out/a", "out", "**", "../work/out/*", $"{stage.Work}/out/a").Kept
        );
    }

    [LinuxFact]
    public void What_lies_above_the_working_folder_is_stored_below_the_destination()
    {
        using var stage = new ArtifactStage();
        stage.Write("../side/a", "../b", "c");
        Assert.Equal("__up__/b\n__up__/side/a\nc", stage.Names("../side/*", "../b", "../work/c"));
    }

    [LinuxFact]
    public void Absolute_paths_are_stored_by_their_whole_path_unless_they_lie_in_the_working_folder()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            var outside = stage.WriteText("../side/a:b", "x");
            stage.WriteText("in/c", "x");
            var kept = stage.Names($"{stage.Root}/side/*", $"{stage.Work}/in/*", "/no/such/*");
            Assert.Equal($"__abs__{outside.Replace(':', '_')}\nin/c", kept);
        }
    }

    [LinuxFact]
    public void A_working_folder_behind_a_link_works_however_it_is_written()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var real = new ArtifactStage();
            var alias = Path.Join(real.Root, "alias");
            File.CreateSymbolicLink(alias, real.Work);
            File.CreateSymbolicLink($"{alias}2", alias);
            using var stage = new ArtifactStage { Work = alias, Portable = portable };
            real.Write("out/a", "out/b", "out/c", "d", "../e");
            Assert.Equal(
                "__up__/e\nd\nout/a\nout/b\nout/c",
                stage.Names("out/a", $"{alias}/out/b", $"{real.Work}/out/c", $"{alias}2/d", "../e")
            );
        }
    }

    [LinuxFact]
    public void A_glob_with_dots_behind_what_it_does_not_name_is_a_problem()
    {
        using var stage = new ArtifactStage();
        stage.WriteText("a", "x");
        var result = stage.Collect("*/../a", "", "a\0", "a");
        Assert.Equal("a", Assert.Single(result.Kept).StoredAs);
        Assert.Equal(2, result.Problems.Length);
    }

    [LinuxFact]
    public void Neither_the_queue_nor_a_destination_is_ever_looked_into()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            using var twice = new ArtifactStage
            {
                Work = stage.Work,
                Second = Path.Join(stage.Work, "kept", "build"),
                Portable = portable,
            };
            stage.Write("a", ".agents/tasks/t.json");
            foreach (var one in (ArtifactStage[])[twice, stage, twice])
            {
                var result = Artifacts.Collect(
                    new ArtifactRequest(
                        [
                            "**/*",
                            ".agents",
                            ".*/**",
                            ".agents/tasks/*",
                            $"{one.Queue}/**",
                            "../**/*",
                        ],
                        one.Work,
                        one.Destination,
                        one.Second,
                        [stage.Queue, one.Queue, Path.Join(stage.Work, "kept")],
                        0
                    ),
                    portable
                );
                Assert.Equal("a", Assert.Single(result.Kept).StoredAs);
                Assert.Empty(result.Problems);
            }
        }
    }

    [LinuxFact]
    public void Globs_are_taken_as_ever_if_the_working_folder_lies_in_the_queue()
    {
        using var stage = new ArtifactStage();
        using var inside = new ArtifactStage { Work = Path.Join(stage.Queue, "trees", "t1") };
        inside.Write("a", "b");
        var result = Artifacts.Collect(
            new ArtifactRequest(
                ["a", $"{inside.Work}/b"],
                inside.Work,
                inside.Destination,
                null,
                [stage.Queue],
                0
            )
        );
        Assert.Equal(["a", "b"], result.Kept.Select(static a => a.StoredAs));
    }

    [LinuxFact]
    public void Files_that_were_there_before_the_task_are_not_its_artifacts()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            stage.Write("old", "changed");
            var started = Began(stage, FileStat.Of(Path.Join(stage.Work, "changed"))!.Value);
            stage.Write("new", "changed");
            // Whoever sets a file back in time has still changed it.
            File.SetLastWriteTimeUtc(Path.Join(stage.Work, "new"), DateTime.UnixEpoch);
            stage.NotBeforeNs = started;
            Assert.Equal("changed\nnew", stage.Names("old", "new", "changed"));
            Assert.Empty(Artifacts.Unmatched(["old"], stage.Work, [stage.Queue]));
        }
    }

    [LinuxFact]
    public void A_copy_has_the_content_the_time_and_the_right_to_run()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage
            {
                Portable = portable,
                Second = Directory.CreateTempSubdirectory("agentq-second-").FullName,
            };
            var time = new DateTime(2001, 2, 3, 4, 5, 6, 789, DateTimeKind.Utc);
            var content = new byte[3_000_001];
            new Random(1).NextBytes(content);
            File.WriteAllBytes(Path.Join(stage.Work, "run"), content);
            File.SetUnixFileMode(
                Path.Join(stage.Work, "run"),
                (UnixFileMode)Convert.ToInt32("6755", 8)
            );
            File.SetLastWriteTimeUtc(Path.Join(stage.Work, "run"), time);
            stage.WriteText("empty", "");
            stage.WriteText("plain", "x");
            Assert.Equal("empty\nplain\nrun", stage.Names("*"));
            foreach (var folder in (string[])[stage.Destination, stage.Second])
            {
                Assert.Equal(content, File.ReadAllBytes(Path.Join(folder, "run")));
                Assert.Equal(time, File.GetLastWriteTimeUtc(Path.Join(folder, "run")));
                Assert.Equal("rwx------", ModeOf(Path.Join(folder, "run")));
                Assert.Equal("rw-------", ModeOf(Path.Join(folder, "plain")));
                Assert.Equal(3, ArtifactStage.Files(folder).Count);
            }

            Directory.Delete(stage.Second, recursive: true);
        }
    }

    [LinuxFact]
    public void A_retry_replaces_what_the_attempt_before_it_left()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            stage.WriteText("a", "first, and longer");
            stage.Collect("a");
            File.WriteAllText(Path.Join(stage.Destination, ".artifact.tmp-dead"), "half");
            stage.WriteText("a", "second");
            Assert.Equal("a", stage.Names("a"));
            Assert.Equal("second", stage.Stored("a"));
        }
    }

    [LinuxFact]
    public void Globs_without_a_file_are_told()
    {
        using var stage = new ArtifactStage();
        stage.Write("a.txt", "out/b", ".agents/c");
        Directory.CreateDirectory(Path.Join(stage.Work, "empty"));
        stage.Link("link", "a.txt");
        Fifo.Make(Path.Join(stage.Work, "pipe"), 0x180);
        Assert.Equal(
            ["*.md", "empty", "link", "pipe", ".agents/c", "*/../a", "out/b/c"],
            Artifacts.Unmatched(
                ["*.txt", "*.md", "out", "empty", "link", "pipe", ".agents/c", "*/../a", "out/b/c"],
                stage.Work,
                [stage.Queue]
            )
        );
        Assert.Equal(["x"], Artifacts.Unmatched(["x"], "/no/such/folder", []));
    }

    private static string ModeOf(string path)
    {
        var mode = (int)File.GetUnixFileMode(path);
        return string.Concat(
            Enumerable.Range(0, 9).Select(i => (mode & (0x100 >> i)) != 0 ? "rwx"[i % 3] : '-')
        );
    }

    // The file system's clock goes in steps, so a file tells when the next step has come.
    private static long Began(ArtifactStage stage, FileStat before)
    {
        while (true)
        {
            var mark = stage.WriteText("../mark", "x");
            if (FileStat.Of(mark)!.Value.ChangedNs is var now && now > before.ChangedNs)
            {
                return now;
            }
        }
    }
}
