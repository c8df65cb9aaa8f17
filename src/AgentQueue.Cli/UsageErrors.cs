using System.CommandLine;
using System.CommandLine.Parsing;
using AgentQueue.Config;

namespace AgentQueue.Cli;

/// <summary>Turns what the parser could not make sense of into one sentence and what to type instead.</summary>
internal static class UsageErrors
{
    public static QueueException From(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var help = command is RootCommand ? "agentq --help" : $"agentq {Path(parsed)} --help";
        var unmatched = parsed.UnmatchedTokens is [var first, ..] ? first : null;
        if ((Misspelt(parsed) ?? unmatched) is { } unknown)
        {
            return Unknown(command, unknown, Path(parsed), help);
        }

        if (command is { Action: null, Subcommands.Count: > 0 } and not RootCommand)
        {
            var names = command.Subcommands.Select(static c => c.Name);
            return QueueException.Usage(
                $"agentq {Path(parsed)} needs one of {string.Join(", ", names)}",
                $"See {help}"
            );
        }

        var message = parsed.Errors[0].Message.TrimEnd('.');
        return QueueException.Usage(message, $"See {help}");
    }

    /// <summary>
    /// An argument that looks like an option: most likely one that was misspelt. What is meant as it stands
    /// comes after <c>--</c>.
    /// </summary>
    public static string? Misspelt(ParseResult parsed) =>
        parsed.Tokens.Any(static t => t.Type == TokenType.DoubleDash)
            ? null
            : parsed
                .CommandResult.Children.OfType<ArgumentResult>()
                .SelectMany(static a => a.Tokens)
                .Select(static t => t.Value)
                .FirstOrDefault(static v => v.Length > 1 && v[0] == '-');

    private static QueueException Unknown(Command command, string unknown, string path, string help)
    {
        if (unknown.StartsWith('-') && unknown.Length > 1)
        {
            var options = command
                .Options.Concat(CommonOptions.All)
                .SelectMany(static o => o.Aliases.Prepend(o.Name))
                .ToList();
            if (options.Contains(unknown))
            {
                return QueueException.Usage(
                    $"'{unknown}' stands behind --, where everything is text",
                    "Put the options before it"
                );
            }

            return QueueException.Usage(
                $"{(path.Length == 0 ? "agentq" : "agentq " + path)} has no option '{unknown}'{Nearest.Suggestion(unknown, options)}",
                path == "start"
                    ? "If it is the prompt, put -- before it, or give it on standard input or in a --prompt-file"
                    : $"See {help}"
            );
        }

        if (command.Subcommands.Count > 0)
        {
            var verbs =
                command is RootCommand
                    ? Verbs.All.Select(static v => v.Name)
                    : command.Subcommands.Select(static c => c.Name);
            return QueueException.Usage(
                $"There is no verb '{unknown}'{Nearest.Suggestion(unknown, verbs)}",
                $"See {help}"
            );
        }

        return QueueException.Usage(
            $"agentq {path} takes no further argument '{unknown}'",
            path == "start" ? "Put the prompt in quotes" : $"See {help}"
        );
    }

    private static string Path(ParseResult parsed)
    {
        var names = new List<string>();
        for (
            SymbolResult? at = parsed.CommandResult;
            at is CommandResult { Command: not RootCommand } c;
            at = at.Parent
        )
        {
            names.Insert(0, c.Command.Name);
        }

        return string.Join(' ', names);
    }
}
