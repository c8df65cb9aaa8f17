namespace AgentQueue.EndToEnd;

/// <summary>What <c>./build.sh package</c> made: found, never made here.</summary>
internal static class Packages
{
    public static string Folder { get; } = Path.Join(Binaries.Repository, "artifacts");

    public static string Tarball => Find("agentq-*.tar.gz");

    public static string Zip => Find("agentq-*.zip");

    public static string Deb => Find("agentq_*.deb");

    /// <summary>Fails unless this file, out of a package, is the executable that is tested.</summary>
    public static void IsTheExecutable(string path)
    {
        Assert.True(File.Exists(path), $"{path} is not there");
        Assert.True(
            File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(Binaries.Agentq)),
            $"The package holds another executable than {Binaries.Agentq}: run ./build.sh package"
        );
    }

    private static string Find(string pattern) =>
        Directory.GetFiles(Folder, pattern) is [var only]
            ? only
            : throw new FileNotFoundException(
                $"There is not one {pattern} in {Folder}: run ./build.sh package first"
            );
}
