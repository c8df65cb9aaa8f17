using System.Collections.Immutable;
using System.Runtime.Versioning;
using System.Text;
using AgentQueue.Native;
using AgentQueue.Scheduling;

namespace AgentQueue.Tests.Support;

/// <summary>A project with a working folder, a queue and a destination in a real temporary folder.</summary>
[SupportedOSPlatform("linux")]
internal sealed class ArtifactStage : IDisposable
{
    // What .NET has no name for, and so cannot remove.
    private readonly List<byte[]> _bytes = [];

    public ArtifactStage()
        : this(Directory.CreateTempSubdirectory("agentq-artifacts-").FullName) { }

    private ArtifactStage(string root)
    {
        Root = Libc.RealPath(root)!;
        Work = Path.Join(Root, "work");
        Queue = Path.Join(Work, ".agents");
        Destination = Path.Join(Queue, "runs", "r1", "artifacts", "build");
        Directory.CreateDirectory(Queue);
    }

    /// <summary>In memory where that is possible, so that times are not those of a disk.</summary>
    public static ArtifactStage InMemory()
    {
        const string Memory = "/dev/shm";
        return Directory.Exists(Memory)
            ? new ArtifactStage(
                Directory.CreateDirectory(Path.Join(Memory, $"agentq-{Guid.NewGuid():n}")).FullName
            )
            : new ArtifactStage();
    }

    public string Root { get; }

    public string Work { get; init; }

    public string Queue { get; }

    public string Destination { get; }

    public string? Second { get; init; }

    public long NotBeforeNs { get; set; }

    /// <summary>As on a system of which nothing is known.</summary>
    public bool Portable { get; init; }

    /// <summary>Relative to the working folder; returns the whole path.</summary>
    public string WriteText(string path, string text)
    {
        var full = Path.GetFullPath(Path.Join(Work, path));
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return full;
    }

    /// <summary>Files that hold their own paths.</summary>
    public void Write(params ReadOnlySpan<string> paths)
    {
        foreach (var path in paths)
        {
            WriteText(path, path);
        }
    }

    /// <summary>A file whose name is bytes, text or not.</summary>
    public void Write(ReadOnlySpan<byte> name)
    {
        byte[] path = [.. Encoding.UTF8.GetBytes(Work), (byte)'/', .. name, 0];
        var fd = Linux.OpenIn(-100, path, Libc.O_CREAT | Libc.O_WRONLY, 0x180);
        Assert.InRange(fd, 0, int.MaxValue);
        _ = Libc.Close(fd);
        _bytes.Add(path);
    }

    public void Link(string path, string target) =>
        File.CreateSymbolicLink(Path.Join(Work, path), target);

    public ArtifactResult Collect(params ImmutableArray<string> globs) =>
        Artifacts.Collect(
            new ArtifactRequest(globs, Work, Destination, Second, [Queue], NotBeforeNs),
            Portable
        );

    /// <summary>The names of what is collected, without a problem, in order, one a line.</summary>
    public string Names(params ImmutableArray<string> globs)
    {
        var result = Collect(globs);
        Assert.Empty(result.Problems);
        var names = Sorted(result.Kept.Select(static a => a.StoredAs));
        Assert.Empty(names.Except(Files(Destination)));
        return string.Join('\n', names);
    }

    /// <summary>Every file below a folder, by its relative path.</summary>
    public static List<string> Files(string folder) =>
        Directory.Exists(folder)
            ? Sorted(
                Directory
                    .EnumerateFiles(folder, "*", s_all)
                    .Select(f => Path.GetRelativePath(folder, f))
            )
            : [];

    public string Stored(string name) => File.ReadAllText(Path.Join(Destination, name));

    public void Dispose()
    {
        foreach (var path in _bytes)
        {
            _ = Linux.UnlinkIn(-100, path);
        }

        Directory.Delete(Root, recursive: true);
    }

    private static readonly EnumerationOptions s_all = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = 0,
    };

    private static List<string> Sorted(IEnumerable<string> names) =>
        [.. names.Order(StringComparer.Ordinal)];
}
