using AgentQueue.Storage;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Storage;

public sealed class DurableFileTests
{
    private const string File = World.Root + "/state.json";

    [Theory, OnEachDisk]
    public void Replacing_makes_the_file_or_changes_it_whole(string disk)
    {
        using var stage = DiskStage.On(disk);
        var durable = new DurableFile(stage.Disk);
        durable.Replace(stage.Path("a"), "old"u8);
        Assert.Equal("old", stage.Text(stage.Path("a")));
        durable.Replace(stage.Path("a"), "new and longer"u8);
        Assert.Equal("new and longer", stage.Text(stage.Path("a")));
        Assert.DoesNotContain(stage.Disk.List(stage.Root), DurableFile.IsLeftover);
    }

    [Theory, OnEachDisk]
    public void Creating_refuses_a_name_that_is_taken(string disk)
    {
        using var stage = DiskStage.On(disk);
        var durable = new DurableFile(stage.Disk);
        Assert.True(durable.TryCreate(stage.Path("a"), "first"u8));
        Assert.False(durable.TryCreate(stage.Path("a"), "second"u8));
        Assert.Equal("first", stage.Text(stage.Path("a")));
        Assert.DoesNotContain(stage.Disk.List(stage.Root), DurableFile.IsLeftover);
    }

    [Theory, OnEachDisk]
    public void A_folder_that_is_not_there_is_named_in_the_error(string disk)
    {
        using var stage = DiskStage.On(disk);
        var path = stage.Path("no/such/file");
        var e = Assert.Throws<QueueException>(() =>
            new DurableFile(stage.Disk).Replace(path, "x"u8)
        );
        Assert.Contains(stage.Path("no/such"), e.Message, StringComparison.Ordinal);
    }

    [Theory, OnEachDisk]
    public void A_folder_in_place_of_the_file_is_left_alone(string disk)
    {
        using var stage = DiskStage.On(disk);
        stage.Disk.CreateFolder(stage.Path("a"));
        var durable = new DurableFile(stage.Disk);
        Assert.Throws<QueueException>(() => durable.Replace(stage.Path("a"), "x"u8));
        Assert.False(durable.TryCreate(stage.Path("a"), "x"u8));
        Assert.DoesNotContain(stage.Disk.List(stage.Root), DurableFile.IsLeftover);
    }

    [Theory]
    [InlineData(".task_a.json.tmp-1f-2-3", true)]
    [InlineData("task_a.json", false)]
    [InlineData("task_a.json.tmp-1", false)]
    [InlineData(".gitignore", false)]
    public void Leftovers_are_known_by_their_names(string name, bool leftover) =>
        Assert.Equal(leftover, DurableFile.IsLeftover(name));

    [Fact]
    public void Whenever_the_power_goes_the_file_is_the_old_or_the_new()
    {
        var states = new HashSet<string>();
        for (var seed = 0; seed < 2000; seed++)
        {
            var fate = new Random(seed);
            var disk = new MemoryDisk(new FakeTime());
            disk.Plant(File, "old content");
            var returned = KillAt(
                disk,
                fate.Next(6),
                p => new DurableFile(p).Replace(File, "the new content"u8)
            );
            disk.LosePower(fate);
            var text = disk.Text(File);
            Assert.Contains(text, new[] { "old content", "the new content" });
            Assert.True(!returned || text == "the new content", $"seed {seed}: lost after return");
            states.Add(text + returned);
        }

        Assert.Equal(3, states.Count);
    }

    [Fact]
    public void Whenever_the_power_goes_a_created_file_is_missing_or_whole()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var fate = new Random(seed);
            var disk = new MemoryDisk(new FakeTime());
            disk.Plant(World.Root + "/.keep", "");
            var returned = KillAt(
                disk,
                fate.Next(6),
                p => new DurableFile(p).TryCreate(File, "the new content"u8)
            );
            disk.LosePower(fate);
            Assert.True(!returned || disk.Has(File), $"seed {seed}: lost after return");
            Assert.True(!disk.Has(File) || disk.Text(File) == "the new content", $"seed {seed}");
        }
    }

    [Fact]
    public void The_model_does_lose_a_file_that_is_written_carelessly()
    {
        var torn = 0;
        for (var seed = 0; seed < 100; seed++)
        {
            var disk = new MemoryDisk(new FakeTime());
            disk.Plant(File, "old content");
            new DurableFile(disk.Process(), sync: false).Replace(File, "the new content"u8);
            disk.LosePower(new Random(seed));
            torn += disk.Text(File) is "old content" or "the new content" ? 0 : 1;
        }

        Assert.InRange(torn, 10, 90);
    }

    [Theory]
    [InlineData("write")]
    [InlineData("rename")]
    [InlineData("sync")]
    public void A_step_that_fails_fails_the_write_and_never_halves_the_file(string step)
    {
        var disk = new MemoryDisk(new FakeTime());
        disk.Plant(File, "old content");
        disk.Before = s =>
        {
            if (s.Kind == step)
            {
                throw new QueueException($"Cannot {step}: No space left on device");
            }
        };
        Assert.Throws<QueueException>(() =>
            new DurableFile(disk.Process()).Replace(File, "the new content"u8)
        );
        Assert.Contains(disk.Text(File), new[] { "old content", "the new content" });
        Assert.DoesNotContain(
            disk.Files(),
            static f => DurableFile.IsLeftover(System.IO.Path.GetFileName(f.Path))
        );
    }

    [Fact]
    public void A_full_disk_keeps_the_old_content()
    {
        var disk = new MemoryDisk(new FakeTime()) { Capacity = 20 };
        disk.Plant(File, "old content");
        var e = Assert.Throws<QueueException>(() =>
            new DurableFile(disk.Process()).Replace(File, "the new content"u8)
        );
        Assert.Contains("No space left", e.Message, StringComparison.Ordinal);
        Assert.Equal("old content", disk.Text(File));
    }

    private static bool KillAt(MemoryDisk disk, int change, Action<MemoryProcess> act)
    {
        var process = disk.Process();
        var first = disk.Changes;
        disk.Before = s =>
        {
            if (s.Changes && s.Number - first >= change)
            {
                process.Die();
            }
        };
        try
        {
            act(process);
            return true;
        }
        catch (ProcessDied)
        {
            return false;
        }
        finally
        {
            disk.Before = null;
        }
    }
}
