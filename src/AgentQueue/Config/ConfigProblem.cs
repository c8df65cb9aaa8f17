namespace AgentQueue.Config;

internal enum ProblemSeverity
{
    Error,
    Warning,
}

/// <summary>Something wrong, or doubtful, in a file that a person wrote.</summary>
/// <param name="File">Relative to the project root, as people name it.</param>
/// <param name="Line">Counted from 1; 0 when the file as a whole is meant.</param>
/// <param name="Key">The path of the key: <c>agents.claude.timeout</c>; empty for the file as a whole.</param>
/// <param name="Message">The reason, without file, line and key.</param>
internal sealed record ConfigProblem(
    string File,
    int Line,
    string Key,
    ProblemSeverity Severity,
    string Message
)
{
    /// <summary>Counted from 1; 0 where only the line is known.</summary>
    public int Column { get; init; }

    public bool IsError => Severity == ProblemSeverity.Error;

    /// <summary>One sentence: <c>agent-config.json:12: agents.claude.timeuot is not known; did you mean …</c></summary>
    public override string ToString()
    {
        var place = (Line, Column) switch
        {
            (0, _) => File,
            (_, 0) => $"{File}:{Line}",
            _ => $"{File}:{Line}:{Column}",
        };
        return Key.Length > 0 ? $"{place}: {Key} {Message}" : $"{place}: {Message}";
    }

    /// <summary>Refuses to go on if any of <paramref name="problems"/> is an error; names the first.</summary>
    /// <param name="command">What tells all of them.</param>
    public static void ThrowIfError(
        IReadOnlyList<ConfigProblem> problems,
        string command = "agentq config validate"
    )
    {
        if (problems.FirstOrDefault(p => p.IsError) is not { } first)
        {
            return;
        }

        var others = problems.Count(p => p.IsError) - 1;
        throw QueueException.Usage(
            others > 0 ? $"{first} (and {others} more)" : first.ToString(),
            $"Type '{command}' for all that is wrong"
        );
    }
}
