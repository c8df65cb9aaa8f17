using System.Reflection;
using AgentQueue.Storage;
using Xunit.Sdk;

namespace AgentQueue.Tests.Support;

/// <summary>A test of Storage runs once over the disk in memory and once in a real folder.</summary>
internal sealed class OnEachDiskAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        [
            ["memory"],
            ["folder"],
        ];
}

/// <summary>An empty project on one kind of disk, gone after the test.</summary>
internal sealed class DiskStage : IDisposable
{
    private readonly bool _real;

    private DiskStage(bool real)
    {
        _real = real;
        Root = real ? Directory.CreateTempSubdirectory("agentq-storage-").FullName : World.Root;
        if (real)
        {
            Disk = new UnixDisk();
        }
        else
        {
            Memory = new MemoryDisk(Time);
            Memory.Plant(World.Root + "/.keep", "");
            Disk = Memory.Process();
        }

        Queue = new QueueFolder(Root, Disk);
    }

    public static DiskStage On(string disk) => new(disk == "folder");

    public FakeTime Time { get; } = new();
    public string Root { get; }
    public IDisk Disk { get; }

    /// <summary>Null on a real folder.</summary>
    public MemoryDisk? Memory { get; }
    public QueueFolder Queue { get; }

    public string Path(string name) => System.IO.Path.Join(Root, name);

    public void Write(string path, string content) => Write(path, Encode(content));

    public void Write(string path, byte[] content)
    {
        Disk.Delete(path);
        Disk.WriteNew(path, content, sync: false);
    }

    /// <summary>As an editor does that writes into the file itself.</summary>
    public void Overwrite(string path, byte[] content)
    {
        if (_real)
        {
            File.WriteAllBytes(path, content);
        }
        else
        {
            Memory!.Drop(Memory.Process(), path, System.Text.Encoding.UTF8.GetString(content));
        }
    }

    /// <summary>Lets so much time pass that every file is told from a later version by its time.</summary>
    public void Age() => Age(TimeSpan.FromMilliseconds(200));

    /// <summary>As <see cref="Age()"/>, for the folder.</summary>
    public void AgeFolder() => Age(TimeSpan.FromSeconds(3.1));

    private void Age(TimeSpan time)
    {
        Time.Advance(time);
        if (_real)
        {
            // No program can set the time of a change.
            Thread.Sleep(time);
        }
    }

    public string? Text(string path) =>
        Disk.Read(path, 1 << 20) is { Status: ReadStatus.Ok } read
            ? System.Text.Encoding.UTF8.GetString(read.Content)
            : null;

    public static byte[] Encode(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    public void Dispose()
    {
        if (_real)
        {
            Directory.Delete(Root, recursive: true);
        }
    }
}
