using System.Text;
using AgentQueue.Keeping;
using AgentQueue.Storage;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Keeping;

public sealed class RecordsTests
{
    private static readonly DateTimeOffset s_time = new(2026, 11, 30, 23, 59, 59, 7, TimeSpan.Zero);

    [Theory, OnEachDisk]
    public void Records_come_back_as_they_were_the_newest_first(string disk)
    {
        using var stage = DiskStage.On(disk);
        var records = new Records(stage.Queue);
        var first = Record("git.branch") with
        {
            Arguments = ["git", "-C", "/a b", "checkout\n\u001b[31m"],
            Subject = TempQueue.Id("a").Value,
            Took = TimeSpan.FromMilliseconds(12),
            Output = "line\n\"quoted\" \u2028 ü",
            IsOutputCut = true,
            ExitCode = 128,
        };
        records.Add(first);
        records.Add(Record("git.issue"));

        var list = records.Newest(10);

        Assert.Empty(list.Unreadable);
        Assert.Equal(["git.issue", "git.branch"], list.Records.Select(r => r.Action));
        Assert.Equal(first.Arguments.AsEnumerable(), list.Records[1].Arguments);
        Assert.Equal(first with { Arguments = [] }, list.Records[1] with { Arguments = [] });
        Assert.Single(records.Newest(1).Records);
    }

    [Fact]
    public void All_that_happens_in_a_moment_is_kept()
    {
        using var stage = DiskStage.On("memory");
        var records = new Records(stage.Queue);
        for (var i = 0; i < 20; i++)
        {
            records.Add(Record("a." + i));
        }

        Assert.Equal(
            Enumerable.Range(0, 20).Reverse().Select(i => "a." + i),
            records.Newest(100).Records.Select(r => r.Action)
        );
    }

    [Fact]
    public void An_action_stands_for_those_below_it()
    {
        using var stage = DiskStage.On("memory");
        var records = new Records(stage.Queue);
        records.Add(Record("git.branch"));
        records.Add(Record("github"));

        Assert.Equal(["git.branch"], records.Newest(9, "git").Records.Select(r => r.Action));
        Assert.Empty(records.Newest(9, "git.bran").Records);
    }

    [Fact]
    public void A_month_has_a_file_and_goes_on_in_another_when_that_is_full()
    {
        using var stage = DiskStage.On("memory");
        var records = new Records(stage.Queue) { FullAt = 1 };
        for (var i = 1; i <= 11; i++)
        {
            records.Add(Record("a." + i));
        }

        records.Add(Record("next") with { At = s_time.AddSeconds(2) });
        stage.Write(Path.Join(stage.Queue.Records, "notes.jsonl"), "not ours\n");

        Assert.True(stage.Memory!.Has(Path.Join(stage.Queue.Records, "2026-11-11.jsonl")));
        Assert.True(stage.Memory.Has(Path.Join(stage.Queue.Records, "2026-12.jsonl")));
        Assert.Equal(
            ["next", "a.11", "a.10", "a.9"],
            records.Newest(4).Records.Select(r => r.Action)
        );
        Assert.Equal(12, records.Newest(100).Records.Count);
    }

    [Theory, OnEachDisk]
    public void A_line_that_was_cut_anywhere_harms_neither_its_neighbours_nor_the_next(string disk)
    {
        using var stage = DiskStage.On(disk);
        var records = new Records(stage.Queue);
        records.Add(Record("first"));
        var path = Path.Join(stage.Queue.Records, "2026-11.jsonl");
        var before = Encoding.UTF8.GetBytes(stage.Text(path)!);
        records.Add(Record("torn"));
        var whole = Encoding.UTF8.GetBytes(stage.Text(path)!);
        for (var length = before.Length + 1; length < whole.Length; length++)
        {
            stage.Write(path, whole[..length]);
            Assert.Equal("first", Assert.Single(records.Newest(9).Records).Action);

            records.Add(Record("next"));

            var list = records.Newest(9);
            // Only its end was missing: then the next writer has completed it.
            string[] expected =
                length == whole.Length - 1 ? ["next", "torn", "first"] : ["next", "first"];
            Assert.Equal(expected, list.Records.Select(r => r.Action));
            Assert.Equal(3 - expected.Length, list.Unreadable.Count);
            Assert.All(list.Unreadable, u => Assert.Equal(2, u.Line));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("nonsense")]
    [InlineData("{}")]
    [InlineData("""{"at":1,"action":"a","exitCode":0}""")]
    [InlineData("""{"at":"yesterday","action":"a","exitCode":0}""")]
    [InlineData("""{"at":"2026-11-21T12:00:00Z","action":"a","exitCode":99999999999}""")]
    [InlineData("""{"at":"2026-11-21T12:00:00Z","action":"a","exitCode":0,"arguments":[[]]}""")]
    [InlineData("""{"version":2,"at":"2026-11-21T12:00:00Z","action":"a","exitCode":0}""")]
    [InlineData("""{"at":"2026-11-21T12:00:00Z","action":"\ud800","exitCode":0}""")]
    public void A_line_that_is_no_record_is_told_of_and_passed_over(string line)
    {
        using var stage = DiskStage.On("memory");
        var records = new Records(stage.Queue);
        records.Add(Record("first"));
        stage.Write(
            Path.Join(stage.Queue.Records, "2026-11.jsonl"),
            stage.Text(Path.Join(stage.Queue.Records, "2026-11.jsonl")) + line + "\n"
        );
        records.Add(Record("last"));

        var list = records.Newest(9);

        Assert.Equal(["last", "first"], list.Records.Select(r => r.Action));
        Assert.Equal(
            ("2026-11.jsonl", 2),
            Assert.Single(list.Unreadable) is var u ? (u.File, u.Line) : default
        );
    }

    [Fact]
    public void A_record_that_was_added_outlives_the_power_and_those_before_it_too()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var fate = new Random(seed);
            var world = new World();
            QueueOf(world).Create();
            new Records(QueueOf(world)).Add(Record("first"));
            var added = !Crash.At(
                world,
                fate.Next(12),
                p => new Records(new QueueFolder(World.Root, p.Disk)).Add(Record("second"))
            );
            world.Disk.LosePower(fate);

            var records = new Records(QueueOf(world));
            records.Add(Record("third"));
            var found = records.Newest(9).Records.Select(r => r.Action).ToList();
            Assert.Equal("third", found[0]);
            Assert.Equal("first", found[^1]);
            Assert.True(!added || found.Count == 3, $"seed {seed}: lost after return");
        }
    }

    [Fact]
    public void A_link_in_the_place_of_the_folder_is_not_followed()
    {
        using var stage = DiskStage.On("folder");
        var elsewhere = Directory.CreateDirectory(stage.Path("elsewhere")).FullName;
        Directory.CreateDirectory(stage.Queue.Folder);
        File.CreateSymbolicLink(Path.Join(stage.Queue.Folder, "records"), elsewhere);

        Assert.Throws<QueueException>(() => new Records(stage.Queue).Add(Record("a")));
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
    }

    private static QueueFolder QueueOf(World world) => new(World.Root, world.Disk.Process());

    private static ActionRecord Record(string action) =>
        new()
        {
            At = s_time,
            Action = action,
            ExitCode = 0,
            Took = TimeSpan.Zero,
        };
}
