using System.CommandLine;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>What a task may ask of its agent's adapter and of the work, for the verbs that make tasks.</summary>
internal static class WorkOptions
{
    private static readonly Option<string?> s_model = Cli.Options.Text(
        "--model",
        "MODEL",
        "The model, as the agent names it"
    );

    private static readonly Option<string?> s_permission = Cli.Options.Text(
        "--permission",
        "LEVEL",
        "What the agent may do by itself: read, edit (the default) or full"
    );

    private static readonly Option<string[]> s_verify = Cli.Options.Repeated(
        "--verify",
        "COMMAND",
        "It counts as complete only if this succeeds afterwards (repeatable)"
    );

    private static readonly Option<bool> s_changes = Cli.Options.Flag(
        "--require-changes",
        "… only if something in the repository has changed"
    );

    private static readonly Option<bool> s_clean = Cli.Options.Flag(
        "--require-clean",
        "… only if nothing is left uncommitted"
    );

    private static readonly Option<int?> s_fix = Cli.Options.Number(
        "--fix-attempts",
        "How often the agent is told what a check said, and goes on (0)",
        0,
        AgentWorkReader.MostFixAttempts
    );

    private static readonly Option<string?> s_onLimit = Cli.Options.Text(
        "--on-limit",
        "POLICY",
        $"At a usage limit: {LimitPolicy.Words}"
    );

    private static readonly Option<string?> s_usd = Cli.Options.Text(
        "--max-usd",
        "DOLLARS",
        "End it when it has cost more than this"
    );

    private static readonly Option<int?> s_tokens = Cli.Options.Number(
        "--max-tokens",
        "End it when it has used more tokens than this",
        1,
        int.MaxValue
    );

    private static readonly Option<int?> s_turns = Cli.Options.Number(
        "--max-turns",
        "End it when it has taken more turns than this",
        1,
        int.MaxValue
    );

    private static readonly Option<TimeSpan?> s_start = Cli.Options.Time(
        "--start-timeout",
        "End it when it has printed nothing this long after its start"
    );

    public static void AddTo(Command command)
    {
        s_permission.CompletionSources.Add([.. Permissions.Words.Select(static w => w.Word)]);
        s_onLimit.CompletionSources.Add("wait", "fail", "fallback:");
        foreach (
            var option in (Option[])
                [
                    s_model,
                    s_permission,
                    s_verify,
                    s_changes,
                    s_clean,
                    s_fix,
                    s_onLimit,
                    s_usd,
                    s_tokens,
                    s_turns,
                    s_start,
                ]
        )
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Null if nothing was asked for.</summary>
    public static WorkChecks? Checks(ParseResult parsed)
    {
        var checks = new WorkChecks
        {
            Commands =
            [
                .. (parsed.GetValue(s_verify) ?? []).Select(static v =>
                    CheckCommand.Split(v, "--verify")
                ),
            ],
            Changes = parsed.GetValue(s_changes),
            Clean = parsed.GetValue(s_clean),
            FixAttempts = parsed.GetValue(s_fix) ?? 0,
        };
        return checks.IsEmpty && checks.FixAttempts == 0 ? null : checks;
    }

    /// <inheritdoc cref="Checks"/>
    public static AgentOptions? Options(ParseResult parsed)
    {
        var options = new AgentOptions
        {
            Model = parsed.GetValue(s_model) is { } model ? Name(model) : null,
            Permission = parsed.GetValue(s_permission) is { } word
                ? Permissions.Parse(word)
                    ?? throw QueueException.Usage(
                        $"--permission wants read, edit or full, not '{word}'"
                    )
                : null,
            OnLimit = parsed.GetValue(s_onLimit) is { } policy
                ? LimitPolicy.Parse(policy)
                    ?? throw QueueException.Usage(
                        $"--on-limit wants {LimitPolicy.Words}, not '{policy}'"
                    )
                : null,
            MaxUsd = parsed.GetValue(s_usd) is { } amount ? Amount(amount) : null,
            MaxTokens = parsed.GetValue(s_tokens),
            MaxTurns = parsed.GetValue(s_turns),
            StartTimeout = parsed.GetValue(s_start),
        };
        return options == new AgentOptions() ? null : options;
    }

    private static string Name(string model) =>
        string.IsNullOrWhiteSpace(model)
            ? throw QueueException.Usage(
                "--model wants the name of a model, and was given nothing",
                "Leave --model away for the agent's own choice"
            )
            : model;

    private static decimal Amount(string text) =>
        decimal.TryParse(
            text.TrimStart('$'),
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var amount
        ) && amount is > 0 and < 1_000_000
            ? amount
            : throw QueueException.Usage(
                $"--max-usd wants an amount of dollars, more than 0 and below 1,000,000, not '{text}'"
            );
}
