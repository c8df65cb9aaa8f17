using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Agents;

/// <summary>
/// The rules of a stream by the type of a line. Most of what an agent prints is of types that no rule is about,
/// such as what its tools answered: that is told from its first member, and not read further.
/// </summary>
internal sealed class StreamRules
{
    private readonly ImmutableArray<StreamRule> _all;
    private readonly List<(byte[] Type, ImmutableArray<StreamRule> Rules)> _ofType = [];
    private readonly ImmutableArray<StreamRule> _ofOthers;

    public StreamRules(ImmutableArray<StreamRule> rules)
    {
        _all = rules;
        _ofOthers = rules.RemoveAll(static r => TypesOf(r) is not null);
        foreach (
            var type in rules
                .SelectMany(static r => TypesOf(r) ?? [])
                .Distinct(StringComparer.Ordinal)
        )
        {
            _ofType.Add(
                (
                    Encoding.UTF8.GetBytes(type),
                    [
                        .. rules
                            .Where(r => TypesOf(r)?.Contains(type) != false)
                            .Select(static r => r with { When = r.When.RemoveAll(IsOfType) }),
                    ]
                )
            );
        }
    }

    /// <summary>Those that may hold for a line: all of them if it does not begin with its type.</summary>
    /// <exception cref="JsonException">It does not even begin as an object.</exception>
    public ImmutableArray<StreamRule> For(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        if (
            !reader.Read()
            || !reader.Read()
            || reader.TokenType != JsonTokenType.PropertyName
            || !reader.ValueTextEquals("type"u8)
            || !reader.Read()
            || reader.TokenType != JsonTokenType.String
        )
        {
            return _all;
        }

        foreach (var (type, rules) in _ofType)
        {
            if (reader.ValueTextEquals(type))
            {
                return rules;
            }
        }

        return _ofOthers;
    }

    // Null if the rule does not ask for certain types.
    private static ImmutableArray<string>? TypesOf(StreamRule rule) =>
        rule.When.FirstOrDefault(IsOfType)?.Values;

    private static bool IsOfType(StreamCondition condition) =>
        condition is { Begins: null, Has: null, Values.IsEmpty: false }
        && condition.Path.Names is ["type"];
}
