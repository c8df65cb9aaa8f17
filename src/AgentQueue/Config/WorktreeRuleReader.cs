using System.Collections.Immutable;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>Reads what the configuration says about worktrees, and complains through its reader.</summary>
internal sealed class WorktreeRuleReader(ConfigReader reader)
{
    /// <summary>Of an agent.</summary>
    public const string AgentKey = "worktree";

    /// <summary>Of the project.</summary>
    public const string RootKey = "worktrees";

    public static readonly string[] Keys =
    [
        "root",
        "setup",
        "setupTimeout",
        "teardown",
        "teardownTimeout",
    ];

    private static readonly TimeSpan s_oneSecond = TimeSpan.FromSeconds(1);

    /// <summary>True, false, or an object, which means true.</summary>
    public AgentDefinition With(AgentDefinition agent, SourceValue value, string key) =>
        agent with
        {
            Worktree =
                value.Kind == JsonValueKind.Object ? Read(value, key) with { IsDefault = true }
                : reader.Flag(value, key) is true ? WorktreeRule.None with { IsDefault = true }
                : null,
        };

    /// <summary>Of several files the first that says something counts.</summary>
    public WorktreeRule Add(WorktreeRule rule, SourceMember member) =>
        rule.Or(Read(member.Value, member.Name));

    private WorktreeRule Read(SourceValue value, string key)
    {
        var rule = WorktreeRule.None;
        foreach (var member in reader.Members(value, key, Keys))
        {
            var path = ConfigReader.Path(key, member.Name);
            rule = member.Name switch
            {
                "root" => rule with { Root = reader.Text(member.Value, path, mayBeEmpty: false) },
                "setup" => rule with { Setup = ReadCommands(member.Value, path) },
                "setupTimeout" => rule with
                {
                    SetupTimeout = reader.Length(member.Value, path, s_oneSecond),
                },
                "teardown" => rule with { Teardown = ReadCommands(member.Value, path) },
                "teardownTimeout" => rule with
                {
                    TeardownTimeout = reader.Length(member.Value, path, s_oneSecond),
                },
                _ => rule,
            };
        }

        return rule;
    }

    /// <summary>What an agent says, as JSON.</summary>
    public static string Write(WorktreeRule rule)
    {
        var members = new List<string>();
        Add("root", rule.Root is { } root ? ConfigText.Quote(root) : null);
        Add("setup", Commands(rule.Setup));
        Add("setupTimeout", Length(rule.SetupTimeout));
        Add("teardown", Commands(rule.Teardown));
        Add("teardownTimeout", Length(rule.TeardownTimeout));
        return members.Count == 0
            ? ConfigText.Flag(rule.IsDefault)
            : $"{{ {string.Join(", ", members)} }}";

        void Add(string key, string? json)
        {
            if (json is not null)
            {
                members.Add($"\"{key}\": {json}");
            }
        }

        static string? Length(TimeSpan? time) =>
            time is { } length ? ConfigText.Quote(ConfigText.Length(length)) : null;

        static string? Commands(ImmutableArray<ImmutableArray<string>>? commands) =>
            commands is { } some
                ? $"[{string.Join(", ", some.Select(static c => $"[{string.Join(", ", c.Select(ConfigText.Quote))}]"))}]"
                : null;
    }

    // One command as a list of words, or a list of commands.
    private ImmutableArray<ImmutableArray<string>>? ReadCommands(SourceValue value, string key)
    {
        if (
            value.Kind != JsonValueKind.Array
            || !value.Items.Any(static i => i.Kind == JsonValueKind.Array)
        )
        {
            return reader.Texts(value, key) is not { } words ? null
                : words.IsEmpty ? []
                : [Checked(words, value, key)];
        }

        var commands = ImmutableArray.CreateBuilder<ImmutableArray<string>>();
        for (var i = 0; i < value.Items.Length; i++)
        {
            var path = $"{key}[{i}]";
            if (reader.Texts(value.Items[i], path) is { } words)
            {
                commands.Add(Checked(words, value.Items[i], path));
            }
        }

        return commands.ToImmutable();
    }

    private ImmutableArray<string> Checked(
        ImmutableArray<string> words,
        SourceValue value,
        string key
    )
    {
        if (words.IsEmpty || string.IsNullOrWhiteSpace(words[0]))
        {
            reader.Error(value.At, key, "names no program");
        }

        return words;
    }
}
