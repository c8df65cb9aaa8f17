namespace AgentQueue.Tests.Config;

/// <summary>A project folder of its own for one test, gone afterwards.</summary>
internal sealed class TempProject : IDisposable
{
    public TempProject() => Root = Directory.CreateTempSubdirectory("agentq-config-").FullName;

    public string Root { get; }

    public string Write(string path, string text)
    {
        var full = Path.Join(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return full;
    }

    /// <summary>A file with the execute bit; returns its folder, for a PATH.</summary>
    public string Program(string path)
    {
        var full = Write(path, "#!/bin/sh\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(
                full,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
        }

        return Path.GetDirectoryName(full)!;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
