using System.Globalization;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>Reads the budgets of a configuration, and complains through its reader.</summary>
internal sealed class BudgetRuleReader(ConfigReader reader)
{
    public const string RootKey = "budgets";

    public static readonly string[] Keys =
    [
        "usd",
        "tokens",
        "turns",
        "time",
        "per",
        "agent",
        "label",
    ];

    /// <summary>The agents that budgets name, for who knows which there are.</summary>
    public List<(string Name, SourcePlace At, string Key)> Agents { get; } = [];

    private static readonly (string Word, int Choice)[] s_periods = [("day", 1), ("plan", 2)];

    public IEnumerable<BudgetRule> Read(SourceValue value, string key)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            reader.Error(value.At, key, $"must be a list, not {value.KindInWords}");
            yield break;
        }

        for (var i = 0; i < value.Items.Length; i++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{key}[{i}]");
            var rule = new BudgetRule();
            foreach (var member in reader.Members(value.Items[i], path, Keys))
            {
                rule = With(rule, member, ConfigReader.Path(path, member.Name));
            }

            if (rule is { Usd: null, Tokens: null, Turns: null, Time: null })
            {
                reader.Error(value.Items[i].At, path, "has none of usd, tokens, turns and time");
            }
            else
            {
                yield return rule;
            }
        }
    }

    private BudgetRule With(BudgetRule rule, SourceMember member, string key)
    {
        var value = member.Value;
        switch (member.Name)
        {
            case "usd":
                return rule with { Usd = new AgentWorkReader(reader).ReadAmount(value, key) };
            case "tokens":
                return rule with { Tokens = reader.Whole(value, key, 1, int.MaxValue) };
            case "turns":
                return rule with { Turns = reader.Whole(value, key, 1, int.MaxValue) };
            case "time":
                return rule with { Time = reader.Length(value, key, TimeSpan.FromSeconds(1)) };
            case "agent":
                var agent = reader.Text(value, key, mayBeEmpty: false);
                if (agent is not null)
                {
                    Agents.Add((agent, value.At, key));
                }

                return rule with
                {
                    Agent = agent,
                };
            case "label":
                var label = reader.Text(value, key, mayBeEmpty: false);
                if (label?.Contains('=', StringComparison.Ordinal) == false)
                {
                    reader.Error(value.At, key, "must be KEY=VALUE");
                }

                return rule with
                {
                    Label = label,
                };
            default:
                var period = reader.Choice<int>(value, key, s_periods);
                return rule with { PerDay = period == 1, PerPlan = period == 2 };
        }
    }
}
