using System.Globalization;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Plans;

/// <summary>Reads what several keys of a plan have in common. Each method returns null after it has complained.</summary>
internal sealed class PlanValues(ConfigReader reader)
{
    /// <summary>False, after a complaint, if the member's own name cannot be one that texts refer to.</summary>
    public bool IsName(SourceMember member, string key)
    {
        if (PlanText.IsName(member.Name))
        {
            return true;
        }

        reader.Error(
            member.At,
            key,
            "is not a name: letters, digits, '_' and '-' only, beginning with a letter"
        );
        return false;
    }

    public string? Id(SourceValue value, string key)
    {
        if (reader.Text(value, key, mayBeEmpty: false) is not { } id)
        {
            return null;
        }

        if (PlanText.IsId(id))
        {
            return id;
        }

        reader.Error(
            value.At,
            key,
            "must begin with a letter or a digit and have at most 128 of A-Z a-z 0-9 . _ -"
        );
        return null;
    }

    public string? AgentName(SourceValue value, string key)
    {
        if (reader.Text(value, key, mayBeEmpty: false) is not { } name)
        {
            return null;
        }

        if (AgentConfig.IsName(name))
        {
            return name;
        }

        reader.Error(value.At, key, "is not a name for an agent");
        return null;
    }

    /// <summary>Text that is not blank, with what stands in <c>${…}</c> filled in.</summary>
    public string? Filled(SourceValue value, string key, PlanText scope, bool mayBeEmpty = false)
    {
        if (reader.Text(value, key, mayBeEmpty) is not { } text)
        {
            return null;
        }

        var filled = scope.Fill(text, out var problem);
        if (problem is not null)
        {
            reader.Error(value.At, key, problem);
        }

        return filled;
    }

    /// <summary>A parameter or a value of a matrix: numbers and truth are texts as they stand there.</summary>
    public string? Value(SourceValue value, string key) =>
        value.Kind switch
        {
            JsonValueKind.Number => value.Text,
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => reader.Text(value, key),
        };

    public static string Item(string key, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{key}[{index}]");
}
