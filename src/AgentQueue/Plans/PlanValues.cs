using System.Globalization;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Plans;

/// <summary>Reads what several keys of a plan have in common. Each method returns null after it has complained.</summary>
internal sealed class PlanValues(ConfigReader reader)
{
    /// <summary>
    /// Characters in the texts of all tasks, filled in, those of a matrix counted for each of its tasks: a
    /// small file with large values in many places must not need gigabytes.
    /// </summary>
    public const int MostText = 64 * 1024 * 1024;

    // What a text costs besides its characters, more or less, so that many empty ones are not for nothing.
    private const int LeastText = 16;

    private long _room = MostText;

    /// <summary>There is more text than there may be; that was said, and nothing is filled in any more.</summary>
    public bool IsSpent => _room < 0;

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

    public string? AgentName(SourceValue value, string key, PlanText scope)
    {
        if (Filled(value, key, scope) is not { } name)
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

        return Fill(value, text, key, scope);
    }

    /// <summary>A text that stands in <paramref name="value"/>, filled in; as it is after a complaint.</summary>
    public string Fill(SourceValue value, string text, string key, PlanText scope)
    {
        if (IsSpent)
        {
            return text;
        }

        var filled = scope.Fill(text, _room, out var problem);
        if (problem is not null)
        {
            reader.Error(value.At, key, problem);
        }

        Spend(filled?.Length ?? long.MaxValue, value, key);
        return filled ?? text;
    }

    /// <summary>Counts what is kept for each task of a matrix; false, once after a complaint, if it is too much.</summary>
    public bool Spend(long length, SourceValue value, string key)
    {
        if (IsSpent)
        {
            return false;
        }

        _room -= Math.Max(length, LeastText);
        if (IsSpent)
        {
            reader.Error(
                value.At,
                key,
                "has more text, filled in, than is left of the 64 MiB of characters that a whole plan may have"
            );
        }

        return !IsSpent;
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
