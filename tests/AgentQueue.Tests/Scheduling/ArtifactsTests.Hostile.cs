using System.Diagnostics;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using AgentQueue.Native;
using AgentQueue.Scheduling;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

/// <summary>Whatever a task leaves lying around.</summary>
public sealed partial class ArtifactsTests
{
    [LinuxFact]
    public void Links_are_neither_collected_nor_followed()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            stage.Write("../secret/key", "a/real");
            stage.Link("file", "../secret/key");
            stage.Link("folder", "../secret");
            stage.Link("a/self", "..");
            stage.Link("dead", "nowhere");
            Assert.Equal("a/real", stage.Names("**", "*/*", "*/key", "a"));

            // One that the plan names is worth a word.
            var result = stage.Collect("file", "folder", "folder/key", $"{stage.Work}/folder/*");
            Assert.Empty(result.Kept);
            Assert.Equal(2, result.Problems.Length);
            Assert.All(
                result.Problems,
                static p => Assert.EndsWith("is a link, which is not followed", p)
            );
        }
    }

    [LinuxFact]
    public void Pipes_sockets_and_devices_are_passed_over()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            stage.WriteText("a", "x");
            Fifo.Make(Path.Join(stage.Work, "pipe"), 0x180);
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, 0);
            socket.Bind(new UnixDomainSocketEndPoint(Path.Join(stage.Work, "socket")));
            Assert.Equal("a", stage.Names("*", "pipe", "socket", "/dev/null", "/dev/tty*"));
        }
    }

    [LinuxFact]
    public void Names_with_anything_in_them_come_out_harmless_and_distinct()
    {
        using var stage = new ArtifactStage();
        stage.Write("new\nline", "new\tline", "it's \"quoted\" $(x)", "c:d", "\u001b[31m", "-rf");
        stage.Write("bad-\xff\xfe"u8);
        stage.Write([(byte)'b', (byte)'a', (byte)'d', (byte)'-', 0xff, 0xfd]);
        Assert.Equal(
            string.Join(
                '\n',
                (
                    (string[])
                        [
                            "-rf",
                            "_[31m",
                            "bad-__",
                            "bad-ÿþ",
                            "c_d",
                            "it's \"quoted\" $(x)",
                            "new_line",
                            "new_line__case2",
                        ]
                ).Order(StringComparer.Ordinal)
            ),
            stage.Names("*")
        );
    }

    [LinuxFact]
    public void A_byte_that_is_no_text_is_one_character_of_a_glob()
    {
        using var stage = new ArtifactStage();
        stage.Write([0xff]);
        stage.Write([0xff, 0xfe]);
        Directory.CreateDirectory(Path.Join(stage.Work, "x"));
        Assert.Equal("_", stage.Names("?"));
        Assert.Equal("_\n__", stage.Names("??", "*"));
    }

    [LinuxFact]
    public void Names_that_differ_only_in_case_get_a_number_before_their_extension()
    {
        using var stage = new ArtifactStage();
        stage.Write("a.txt", "A.txt", "a.TXT", "Dir/x", "dir/x", "dir/y", "c:d", "c_d/e");
        for (var turn = 0; turn < 2; turn++)
        {
            var kept = stage.Collect("**").Kept.Select(static a => a.StoredAs);
            Assert.Equal(
                [
                    "A.txt",
                    "Dir/x",
                    "a__case2.TXT",
                    "a__case3.txt",
                    "c_d",
                    "c_d__case2/e",
                    "dir__case2/x",
                    "dir__case2/y",
                ],
                kept.Order(StringComparer.Ordinal)
            );
        }
    }

    [LinuxFact]
    public void Long_names_are_shortened_and_stay_distinct()
    {
        using var stage = new ArtifactStage();
        var name = new string('x', 250);
        stage.Write($"{name}A.txt", $"{name}a.txt", $"{new string('ä', 126)}.a", "B/b", "b/b");
        var kept = stage.Collect("**").Kept;
        Assert.Equal(5, kept.Length);
        Assert.Equal(5, ArtifactStage.Files(stage.Destination).Count);
        Assert.Single(kept, static a => a.StoredAs.Contains('~'));
        Assert.All(
            kept,
            static a => Assert.Equal(Path.GetExtension(a.Source), Path.GetExtension(a.StoredAs))
        );
    }

    [LinuxFact]
    public void Names_like_our_own_do_not_mix_with_them()
    {
        using var stage = new ArtifactStage();
        stage.Write("__up__/a", "../a", ".artifact.tmp-1", "__abs__/b");
        Assert.Equal(
            "_.artifact.tmp-1\n__abs__/b\n__up__/a\n__up__/a__case2",
            stage.Names("__up__/a", "__abs__/b", ".artifact*", "../a")
        );
    }

    [LinuxFact]
    public void A_link_that_was_put_into_the_destination_leads_nowhere()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            stage.Write("out/a", "b");
            Directory.CreateDirectory(Path.Join(stage.Root, "elsewhere"));
            Directory.CreateDirectory(stage.Destination);
            var target = Path.Join(stage.Root, "elsewhere");
            File.CreateSymbolicLink(Path.Join(stage.Destination, "out"), target);
            File.CreateSymbolicLink(Path.Join(stage.Destination, "b"), Path.Join(target, "b"));
            var result = stage.Collect("out", "b");
            Assert.Equal("b", Assert.Single(result.Kept).StoredAs);
            Assert.Single(result.Problems);
            Assert.Empty(ArtifactStage.Files(target));
            Assert.Equal("b", stage.Stored("b"));
        }
    }

    [LinuxFact]
    public void A_folder_or_file_that_becomes_a_link_meanwhile_leads_nowhere()
    {
        using var stage = new ArtifactStage();
        stage.WriteText("../secret/deep/a", "secret");
        stage.WriteText("swap/deep/a", "ours");
        stage.Link("link", "../secret");
        stage.WriteText("file", "ours");
        stage.Link("link2", "../secret/deep/a");
        var swap = Path.Join(stage.Work, "swap");
        var turns = 0;
        using var ended = new CancellationTokenSource();
        var swapper = new Thread(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                Swap(swap, Path.Join(stage.Work, "link"));
                Swap(Path.Join(stage.Work, "file"), Path.Join(stage.Work, "link2"));
                Interlocked.Increment(ref turns);
            }
        });
        swapper.Start();
        try
        {
            for (var turn = 0; turn < 200; turn++)
            {
                var seen = Volatile.Read(ref turns);
                var result = stage.Collect("swap/deep/a", "swap", "s*/**/a", "**", "file");
                Assert.All(result.Kept, a => Assert.Equal("ours", stage.Stored(a.StoredAs)));
                SpinWait.SpinUntil(() => Volatile.Read(ref turns) > seen);
            }
        }
        finally
        {
            ended.Cancel();
            swapper.Join();
        }

        Assert.All(
            ArtifactStage.Files(stage.Destination),
            f => Assert.Equal("ours", stage.Stored(f))
        );

        static void Swap(string path, string link)
        {
            _ = Libc.Rename(path, $"{path}.aside");
            _ = Libc.Rename(link, path);
            _ = Libc.Rename(path, link);
            _ = Libc.Rename($"{path}.aside", path);
        }
    }

    [LinuxFact]
    public void A_file_that_is_written_to_meanwhile_is_a_problem_and_leaves_no_half_copy()
    {
        using var stage = new ArtifactStage();
        var path = stage.WriteText("growing", new string('x', 1 << 20));
        using var ended = new CancellationTokenSource();
        var writer = new Thread(() =>
        {
            using var file = new FileStream(
                path,
                FileMode.Open,
                FileAccess.Write,
                FileShare.ReadWrite
            );
            while (!ended.IsCancellationRequested)
            {
                file.SetLength((1 << 20) + file.Position);
                file.Position = (file.Position + 1) % 4096;
            }
        });
        writer.Start();
        try
        {
            string? said = null;
            for (var turn = 0; said is null; turn++)
            {
                Assert.InRange(turn, 0, 10_000);
                var result = stage.Collect("growing");
                Assert.Equal(1, result.Kept.Length + result.Problems.Length);
                said = result.Problems.FirstOrDefault();
            }

            Assert.Equal($"{path} was written to while it was copied", said);
        }
        finally
        {
            ended.Cancel();
            writer.Join();
        }

        Assert.Subset(
            new HashSet<string>(["growing"]),
            ArtifactStage.Files(stage.Destination).ToHashSet()
        );
    }

    [LinuxFact]
    public void Files_that_vanish_or_cannot_be_read_are_sentences()
    {
        using var stage = new ArtifactStage();
        stage.Write("a", "shut/b", "closed");
        using var ended = new CancellationTokenSource();
        var remover = new Thread(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                File.Delete(stage.WriteText("gone/c", "x"));
                Directory.Delete(Path.Join(stage.Work, "gone"));
            }
        });
        remover.Start();
        try
        {
            for (var turn = 0; turn < 200; turn++)
            {
                Assert.Contains(stage.Collect("**").Kept, static a => a.StoredAs == "a");
            }
        }
        finally
        {
            ended.Cancel();
            remover.Join();
        }

        if (Libc.EffectiveUser() == 0)
        {
            // Nothing is shut for root.
            return;
        }

        File.SetUnixFileMode(Path.Join(stage.Work, "closed"), UnixFileMode.None);
        File.SetUnixFileMode(Path.Join(stage.Work, "shut"), UnixFileMode.None);
        var result = stage.Collect("**");
        Assert.Equal(2, result.Problems.Length);
        File.SetUnixFileMode(Path.Join(stage.Work, "shut"), UnixFileMode.UserExecute);
        Assert.Equal("shut/b", Assert.Single(stage.Collect("shut/b").Kept).StoredAs);
        File.SetUnixFileMode(
            Path.Join(stage.Work, "shut"),
            UnixFileMode.UserExecute | UnixFileMode.UserRead | UnixFileMode.UserWrite
        );
    }

    [LinuxFact]
    public void Files_larger_than_the_disk_are_said_once_and_leave_nothing_behind()
    {
        foreach (var portable in (bool[])[false, true])
        {
            using var stage = new ArtifactStage { Portable = portable };
            var free = FileSystemFacts.Of(stage.Root)!.Value.FreeBytes;
            if (free > 1L << 42)
            {
                // No file system need take a file that is twice as large.
                return;
            }

            foreach (var name in (string[])["huge1", "huge2", "huge3"])
            {
                using var file = File.Create(Path.Join(stage.Work, name));
                file.SetLength(free * 2);
            }

            stage.WriteText("small", "x");
            var result = stage.Collect("*");
            Assert.Equal("small", Assert.Single(result.Kept).StoredAs);
            Assert.Contains("no room for", Assert.Single(result.Problems));
            Assert.Equal(["small"], ArtifactStage.Files(stage.Destination));
        }
    }

    [LinuxFact]
    public void A_destination_that_cannot_be_made_is_a_sentence()
    {
        using var stage = new ArtifactStage { Second = "/dev/null/x" };
        stage.WriteText("a", "x");
        var result = stage.Collect("a");
        Assert.Single(result.Kept);
        Assert.Single(result.Problems);
        File.WriteAllText(Path.Join(stage.Queue, "file"), "");
        var none = Artifacts.Collect(
            new ArtifactRequest(
                ["a"],
                stage.Work,
                Path.Join(stage.Queue, "file", "x"),
                null,
                [stage.Queue],
                0
            )
        );
        Assert.Empty(none.Kept);
        Assert.Single(none.Problems);
    }

    [LinuxFact]
    public void After_so_many_files_it_stops_and_says_so()
    {
        using var stage = new ArtifactStage();
        stage.Write("old");
        stage.NotBeforeNs = Began(stage, FileStat.Of(Path.Join(stage.Work, "old"))!.Value);
        stage.Write("out/1", "out/2", "out/3");
        var request = new ArtifactRequest(
            ["*", "out"],
            stage.Work,
            stage.Destination,
            null,
            [stage.Queue],
            stage.NotBeforeNs
        );
        Assert.Empty(Artifacts.Collect(request, mostFiles: 3).Problems);
        var result = Artifacts.Collect(request, mostFiles: 2);
        Assert.Equal(["out/1", "out/2"], result.Kept.Select(static a => a.StoredAs));
        Assert.StartsWith("There are more than 2 artifacts", Assert.Single(result.Problems));
    }

    [LinuxFact]
    public void After_so_many_names_it_stops_and_says_so()
    {
        using var stage = new ArtifactStage();
        stage.Write("a/1", "a/2", "a/3", "b/4", "b/5");
        Assert.Equal((5, ""), Look(most: 8));
        Assert.Equal((4, $"{stage.Work}/b"), Look(most: 6));
        Assert.Equal((3, $"{stage.Work}/a"), Look(most: 5));

        (int Found, string Behind) Look(int most)
        {
            var problems = new List<string>();
            var found = 0;
            new ArtifactWalk(
                stage.Work,
                new ExcludedFolders([stage.Queue]),
                problems.Add,
                mostEntries: most
            ).Visit([ArtifactGlob.Parse("*/*", out _)!], (_, _, _) => ++found > 0);
            return (
                found,
                problems.SingleOrDefault() is { } said
                    ? Regex
                        .Match(said, $"^More than {most} files .* behind (.*) was not$")
                        .Groups[1]
                        .Value
                    : ""
            );
        }
    }

    [LinuxFact]
    public void A_folder_in_a_folder_without_end_is_left_alone()
    {
        using var stage = new ArtifactStage();
        stage.Write(string.Join('/', Enumerable.Repeat("d", 250)) + "/a");
        stage.WriteText("b", "x");
        var result = stage.Collect("**");
        Assert.Equal("b", Assert.Single(result.Kept).StoredAs);
        Assert.Contains("lies deeper than 200 folders", Assert.Single(result.Problems));
    }

    [LinuxFact]
    public void Problems_are_counted_when_they_are_many()
    {
        using var stage = new ArtifactStage();
        for (var i = 0; i < 150; i++)
        {
            stage.Link($"{i}", "nowhere");
        }

        var result = stage.Collect([.. Enumerable.Range(0, 150).Select(static i => $"{i}")]);
        Assert.Equal(101, result.Problems.Length);
        Assert.Equal("… and 50 more such problems", result.Problems[^1]);
    }

    [LinuxFact]
    public void Five_times_as_many_files_take_about_five_times_as_long()
    {
        var few = Best(1_000);
        var many = Best(5_000);
        Assert.InRange(many / few, 0, 5 * 4);

        static double Best(int count)
        {
            using var stage = ArtifactStage.InMemory();
            for (var i = 0; i < count; i++)
            {
                // The hardest names: all differ in case alone.
                var bits = Enumerable.Range(0, 13).Select(b => (i >> b & 1) == 0 ? 'a' : 'A');
                stage.Write($"out/{string.Concat(bits)}.txt");
            }

            return Enumerable
                .Range(0, 3)
                .Select(_ =>
                {
                    var watch = Stopwatch.StartNew();
                    Assert.Equal(count, stage.Collect("out/**/*.txt", "**").Kept.Length);
                    return watch.Elapsed.TotalSeconds;
                })
                .Min();
        }
    }
}
