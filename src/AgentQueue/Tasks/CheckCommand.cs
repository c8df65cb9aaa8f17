using System.Collections.Immutable;

namespace AgentQueue.Tasks;

/// <summary>A command that checks work, as people write it in one line.</summary>
internal static class CheckCommand
{
    /// <summary>What a shell would do something with; without one each is an argument, which nobody means who writes it.</summary>
    public static readonly string[] Operators = ["|", "||", "&", "&&", ";", "<", ">", ">>"];

    /// <summary>Its words, by the quoting of POSIX; no shell reads them.</summary>
    /// <param name="what">Where it was written, at the beginning of a sentence.</param>
    /// <exception cref="QueueException">It is none.</exception>
    public static ImmutableArray<string> Split(string line, string what)
    {
        var words = ShellWords.Split(line, out var problem);
        if (problem is not null)
        {
            throw QueueException.Usage($"{what}: '{line}' {problem}", "Quote it as for a shell");
        }

        if (words.Count == 0)
        {
            throw QueueException.Usage(
                $"{what} wants a command, and was given nothing",
                "Name a program and its arguments: \"make test\""
            );
        }

        return words.FirstOrDefault(Operators.Contains) is { } found
            ? throw QueueException.Usage(
                $"{what}: '{line}' has {found}, and no shell reads it",
                $"Give it to one: sh -c {ShellWords.Quote(line)}; or give several commands"
            )
            : [.. words];
    }
}
