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
            var memory = new MemoryDisk(Time);
            memory.Plant(World.Root + "/.keep", "");
            Disk = memory.Process();
        }

        Queue = new QueueFolder(Root, Disk);
    }

    public static DiskStage On(string disk) => new(disk == "folder");

    public FakeTime Time { get; } = new();
    public string Root { get; }
    public IDisk Disk { get; }
    public QueueFolder Queue { get; }

    public string Path(string name) => System.IO.Path.Join(Root, name);

    public void Write(string path, string content) => Write(path, Encode(content));

    public void Write(string path, byte[] content)
    {
        Disk.Delete(path);
        Disk.WriteNew(path, content, sync: false);
    }

    /// <summary>Lets so much time pass that every file is told from a later version by its time.</summary>
    public void Age()
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        if (_real)
        {
            foreach (var file in Directory.EnumerateFiles(Queue.Tasks))
            {
                File.SetLastWriteTimeUtc(file, FakeTime.Start.UtcDateTime);
            }
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
