namespace AgentQueue.Plans;

/// <summary>The name of a plan or of a documented task: a file's name on every system, and a word in a comment of HTML.</summary>
internal static class PlanName
{
    private const int Longest = 64;

    private static readonly string[] s_devices = ["con", "prn", "aux", "nul"];

    /// <exception cref="QueueException">It is not to be used; the rule is told.</exception>
    public static string Require(string name) =>
        IsSafe(name)
            ? name
            : throw QueueException.Usage(
                $"'{name}' is not to be used as a name",
                $"A name has 1 to {Longest} of A-Z a-z 0-9 . _ -, the first and the last a letter or digit, no two of . and - side by side, does not end in .yaml, .yml or .json, and is none that Windows keeps for devices, such as nul"
            );

    public static bool IsSafe(string name) =>
        name.Length is > 0 and <= Longest
        && char.IsAsciiLetterOrDigit(name[0])
        && char.IsAsciiLetterOrDigit(name[^1])
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
        && !name.Zip(name.Skip(1)).Any(static two => two is ('.' or '-', '.' or '-'))
        && Path.GetExtension(name).ToLowerInvariant() is not (".yaml" or ".yml" or ".json")
        && !IsDevice(name.Split('.')[0].ToLowerInvariant());

    private static bool IsDevice(string stem) =>
        s_devices.Contains(stem, StringComparer.Ordinal)
        || (
            stem.Length == 4
            && (
                stem.StartsWith("com", StringComparison.Ordinal)
                || stem.StartsWith("lpt", StringComparison.Ordinal)
            )
            && char.IsAsciiDigit(stem[3])
        );
}
