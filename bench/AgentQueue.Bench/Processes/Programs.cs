namespace AgentQueue.Bench;

/// <summary>Programs that may or may not be installed; nothing is installed from here.</summary>
internal static class Programs
{
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Join(folder, name))
            .FirstOrDefault(File.Exists);

    /// <exception cref="MissingToolException">It is not installed; the message says what to install.</exception>
    public static string Need(string name, string package) =>
        Find(name)
        ?? throw new MissingToolException($"{name} is missing here: apt-get install {package}");
}
