using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Cli;

/// <summary>Options whose text is read into its type here, once, with the range in the error.</summary>
internal static class Options
{
    /// <summary>A length of time of at least a second.</summary>
    public static Option<TimeSpan?> Time(
        string name,
        string description,
        params string[] aliases
    ) =>
        new(name, aliases)
        {
            Description = description,
            HelpName = "300|90s|5m|2h",
            CustomParser = result => ParseTime(result, name),
        };

    public static Option<int?> Number(
        string name,
        string description,
        int least,
        int most,
        params string[] aliases
    ) =>
        new(name, aliases)
        {
            Description = description,
            HelpName = "N",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (
                    int.TryParse(
                        text,
                        NumberStyles.AllowLeadingSign,
                        CultureInfo.InvariantCulture,
                        out var number
                    )
                    && number >= least
                    && number <= most
                )
                {
                    return number;
                }

                result.AddError(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{name} must be a whole number from {least} to {most}, not '{text}'"
                    )
                );
                return null;
            },
        };

    /// <summary>Repeatable, one value each time, so that it never swallows what follows.</summary>
    public static Option<string[]> Repeated(
        string name,
        string helpName,
        string description,
        params string[] aliases
    ) =>
        new(name, aliases)
        {
            Description = description,
            HelpName = helpName,
            Arity = ArgumentArity.ZeroOrMore,
            AllowMultipleArgumentsPerToken = false,
            Validators =
            {
                // An empty variable in a script must not quietly mean "none".
                result =>
                {
                    if (
                        result.IdentifierTokenCount > result.Tokens.Count
                        || result.Tokens.Any(static t => t.Value.Trim(' ', ',').Length == 0)
                    )
                    {
                        result.AddError($"{name} wants {helpName}, and was given nothing");
                    }
                },
            },
        };

    /// <summary>As <see cref="Repeated"/>, for ids with commas between them.</summary>
    public static Option<string[]> RepeatedIds(string name, string description) =>
        new(name)
        {
            Description = description,
            HelpName = "ID[,ID]",
            Arity = ArgumentArity.ZeroOrMore,
            AllowMultipleArgumentsPerToken = false,
            CompletionSources = { Completions.Ids },
        };

    public static Option<string?> Text(
        string name,
        string helpName,
        string description,
        params string[] aliases
    ) => new(name, aliases) { Description = description, HelpName = helpName };

    public static Option<bool> Flag(string name, string description, params string[] aliases) =>
        new(name, aliases) { Description = description };

    /// <summary>One of a few words.</summary>
    public static Option<string?> Word(string name, string description, params string[] words) =>
        new(name)
        {
            Description = $"{description}: {string.Join(", ", words)}",
            HelpName = string.Join('|', words),
            CompletionSources =
            {
                _ => words.Select(static w => new System.CommandLine.Completions.CompletionItem(w)),
            },
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (words.Contains(text, StringComparer.Ordinal))
                {
                    return text;
                }

                result.AddError(
                    $"{name} must be one of {string.Join(", ", words)}, not '{text}'{Nearest.Suggestion(text, words)}"
                );
                return null;
            },
        };

    // HelpName also keeps the help from listing whatever could be completed, such as every task.
    public static Argument<string[]> Ids(string description, bool required = true) =>
        new("ID")
        {
            HelpName = "ID",
            Description = description,
            Arity = required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore,
            CompletionSources = { Completions.Ids },
        };

    public static Argument<string> Id(string description) =>
        new("ID")
        {
            Description = description,
            HelpName = "ID",
            CompletionSources = { Completions.Ids },
        };

    private static TimeSpan? ParseTime(ArgumentResult result, string name)
    {
        var text = result.Tokens[0].Value;
        if (Duration.TryParse(text, out var time) && time > TimeSpan.Zero)
        {
            return time;
        }

        result.AddError(
            $"{name} must be a time from 1s to {(int)Duration.Longest.TotalDays}d such as 300, 90s, 5m or 2h, not '{text}'"
        );
        return null;
    }
}
