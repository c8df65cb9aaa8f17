using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>Reads what an agent says about its adapter and the work of its tasks, and complains through its reader.</summary>
internal sealed class AgentWorkReader(ConfigReader reader)
{
    public const string AdapterKey = "adapter";
    public const int MostFixAttempts = 20;
    private const int Most = int.MaxValue;
    private static readonly TimeSpan s_oneSecond = TimeSpan.FromSeconds(1);

    /// <summary>The keys of an agent that are read here.</summary>
    public static readonly string[] AgentKeys =
    [
        AdapterKey,
        "model",
        "permission",
        "account",
        "apiKeys",
        "onLimit",
        "fallback",
        "retryOn",
        "startTimeout",
        "maxUsd",
        "maxTokens",
        "maxTurns",
        "verify",
        "requireChanges",
        "requireClean",
        "fixAttempts",
    ];

    public AgentWork With(AgentWork work, string name, SourceValue value, string key) =>
        name switch
        {
            AdapterKey => work with { Adapter = reader.Text(value, key, mayBeEmpty: false) },
            "model" => work with { Model = reader.Text(value, key, mayBeEmpty: false) },
            "permission" => work with
            {
                // After a complaint nothing is started, but the least is the best guess.
                Permission =
                    reader.Choice<Permission>(value, key, Permissions.Words) ?? Permission.Read,
            },
            "account" => work with { Account = ReadName(value, key) },
            "apiKeys" => work with { ApiKeys = reader.Flag(value, key) ?? true },
            "onLimit" => work with { OnLimit = ReadPolicy(value, key) },
            "fallback" => work with { Fallback = reader.Texts(value, key) ?? [] },
            "retryOn" => work with { RetryOn = ReadClasses(value, key) },
            "startTimeout" => work with { StartTimeout = reader.Length(value, key, s_oneSecond) },
            "maxUsd" => work with { MaxUsd = ReadAmount(value, key) },
            "maxTokens" => work with { MaxTokens = reader.Whole(value, key, 1, Most) },
            "maxTurns" => work with { MaxTurns = reader.Whole(value, key, 1, Most) },
            "verify" => work with { Verify = reader.Texts(value, key) ?? [] },
            "requireChanges" => work with { RequireChanges = reader.Flag(value, key) ?? false },
            "requireClean" => work with { RequireClean = reader.Flag(value, key) ?? false },
            "fixAttempts" => work with
            {
                FixAttempts = reader.Whole(value, key, 0, MostFixAttempts) ?? 0,
            },
            _ => throw new UnreachableException($"{name} is among the known keys and is not read"),
        };

    private string? ReadName(SourceValue value, string key)
    {
        if (reader.Text(value, key) is not { } name)
        {
            return null;
        }

        if (!AgentConfig.IsName(name))
        {
            reader.Error(value.At, key, "is not a name: at most 64 of A-Z a-z 0-9 . _ -");
        }

        return name;
    }

    private LimitPolicy? ReadPolicy(SourceValue value, string key)
    {
        if (reader.Text(value, key) is not { } text)
        {
            return null;
        }

        var policy = LimitPolicy.Parse(text);
        if (policy is null)
        {
            reader.Error(value.At, key, $"must be {LimitPolicy.Words}, not \"{text}\"");
        }

        return policy;
    }

    private System.Collections.Immutable.ImmutableArray<string>? ReadClasses(
        SourceValue value,
        string key
    )
    {
        if (reader.Texts(value, key) is not { } words)
        {
            return null;
        }

        foreach (var word in words)
        {
            if (!ErrorClass.All.Contains(word, StringComparer.Ordinal))
            {
                reader.Error(
                    value.At,
                    key,
                    $"has '{word}', which is no error class{Nearest.Suggestion(word, ErrorClass.All)}"
                );
            }
            else if (!ErrorClass.MayPass(word))
            {
                reader.Error(
                    value.At,
                    key,
                    $"has '{word}', and trying that again changes nothing; somebody must mend it first"
                );
            }
        }

        return words;
    }

    public decimal? ReadAmount(SourceValue value, string key)
    {
        if (
            value.Kind == JsonValueKind.Number
            && decimal.TryParse(
                value.Text,
                NumberStyles.Float,
                CultureInfo.InvariantCulture,
                out var amount
            )
            && amount is > 0 and < 1_000_000
        )
        {
            return amount;
        }

        reader.Error(
            value.At,
            key,
            "must be an amount of dollars, more than 0 and below 1,000,000"
        );
        return null;
    }
}
