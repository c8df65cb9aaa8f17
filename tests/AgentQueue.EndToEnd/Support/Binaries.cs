namespace AgentQueue.EndToEnd;

/// <summary>The executables that are tested with: built and published before, never from here.</summary>
internal static class Binaries
{
    private static readonly Lazy<string> s_agentq = new(FindAgentq);

    /// <summary><c>AGENTQ_BINARY</c>, else <c>artifacts/agentq</c> of the checkout that this assembly was built in.</summary>
    public static string Agentq => s_agentq.Value;

    /// <summary>Beside this assembly's own folder in the build's output.</summary>
    public static string FakeAgent { get; } =
        Path.GetFullPath(
            Path.Join(
                AppContext.BaseDirectory,
                "..",
                "..",
                "FakeAgent",
                Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)),
                "fake-agent"
            )
        );

    /// <summary>The root of the checkout.</summary>
    public static string Repository
    {
        get
        {
            for (
                var folder = new DirectoryInfo(AppContext.BaseDirectory);
                folder is not null;
                folder = folder.Parent
            )
            {
                if (File.Exists(Path.Join(folder.FullName, "AgentQueue.sln")))
                {
                    return folder.FullName;
                }
            }

            throw new DirectoryNotFoundException("The tests do not stand in a checkout");
        }
    }

    private static string FindAgentq()
    {
        if (Environment.GetEnvironmentVariable("AGENTQ_BINARY") is { Length: > 0 } named)
        {
            return File.Exists(named)
                ? Path.GetFullPath(named)
                : throw new FileNotFoundException($"AGENTQ_BINARY names {named}, which is no file");
        }

        for (
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            folder is not null;
            folder = folder.Parent
        )
        {
            var candidate = Path.Join(folder.FullName, "artifacts", "agentq");
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new FileNotFoundException(
            "There is no artifacts/agentq: run ./build.sh first, or set AGENTQ_BINARY"
        );
    }
}
