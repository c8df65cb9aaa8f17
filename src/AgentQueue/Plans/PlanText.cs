using System.Collections.Immutable;
using System.Text;
using AgentQueue.Config;

namespace AgentQueue.Plans;

/// <summary>
/// Fills in what a plan's texts name: <c>${params.NAME}</c> and <c>${matrix.NAME}</c> when it is read,
/// <c>${inputs.NAME}</c> and <c>${tasks.ID.FACT}</c> when the task starts. Any other <c>${</c> is text, for
/// the shells that know it. What was filled in is not looked at again.
/// </summary>
internal sealed class PlanText
{
    public const string Tasks = "tasks";
    public const string Inputs = "inputs";
    private const string Params = "params";
    private const string Matrix = "matrix";

    /// <summary>What of another task can be named: its two logs, its result, the folder of its artifacts.</summary>
    public static readonly string[] Facts = ["log", "stderr", "result", "outputs"];

    public static readonly IReadOnlyDictionary<string, string> Nothing = ImmutableDictionary<
        string,
        string
    >.Empty;

    private readonly IReadOnlyDictionary<string, string> _parameters;
    private readonly IReadOnlyDictionary<string, string> _matrix;

    private PlanText(
        IReadOnlyDictionary<string, string> parameters,
        IReadOnlyDictionary<string, string> matrix
    ) => (_parameters, _matrix) = (parameters, matrix);

    public static PlanText InTask(
        IReadOnlyDictionary<string, string> parameters,
        IReadOnlyDictionary<string, string> matrix
    ) => new(parameters, matrix);

    /// <summary>Begins with a letter or digit; 1 to 128 of <c>[A-Za-z0-9._-]</c>.</summary>
    public static bool IsId(string text) =>
        text.Length is > 0 and <= PlanTask.LongestId
        && char.IsAsciiLetterOrDigit(text[0])
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>Begins with a letter; 1 to 64 of <c>[A-Za-z0-9_-]</c>.</summary>
    public static bool IsName(string text) =>
        text.Length is > 0 and <= 64
        && char.IsAsciiLetter(text[0])
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    /// <param name="most">How long the whole may become.</param>
    /// <param name="problem">As the end of a sentence; null if all is well.</param>
    /// <returns>Null if it would become longer than that.</returns>
    public string? Fill(string text, long most, out string? problem)
    {
        problem = null;
        if (text.Length > most)
        {
            return null;
        }

        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return text;
        }

        var filled = new StringBuilder();
        var from = 0;
        foreach (var (start, end, kind, name) in References(text))
        {
            if (kind is Tasks or Inputs)
            {
                continue;
            }

            var known = kind == Params ? _parameters : _matrix;
            if (!known.TryGetValue(name, out var value))
            {
                problem =
                    $"names ${{{kind}.{name}}}, and there is none{Nearest.Suggestion(name, known.Keys)}";
                return text;
            }

            if (filled.Length + (start - from) + (long)value.Length > most)
            {
                return null;
            }

            // It would be filled in a second time when the task starts.
            if (References(value).Any())
            {
                problem = $"gets a value with a placeholder in it from ${{{kind}.{name}}}";
                return text;
            }

            filled.Append(text, from, start - from).Append(value);
            from = end;
        }

        return filled.Length + (long)(text.Length - from) > most
            ? null
            : filled.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>Fills in the paths of other tasks when one starts.</summary>
    public static string FillPaths(
        string text,
        IReadOnlyDictionary<string, string> inputs,
        Func<string, string, string> pathOf
    )
    {
        var filled = new StringBuilder();
        var from = 0;
        foreach (var (start, end, kind, name) in References(text))
        {
            var value = kind switch
            {
                Inputs when inputs.TryGetValue(name, out var input) => FillPaths(
                    input,
                    ImmutableDictionary<string, string>.Empty,
                    pathOf
                ),
                Tasks when SplitFact(name) is var (id, fact) => pathOf(id, fact),
                _ => null,
            };
            if (value is not null)
            {
                filled.Append(text, from, start - from).Append(value);
                from = end;
            }
        }

        return from == 0 ? text : filled.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>The id and the fact of <c>build.log</c>; null if it has no such end. Ids may have dots.</summary>
    public static (string Id, string Fact)? SplitFact(string name)
    {
        var dot = name.LastIndexOf('.');
        return dot > 0 && Facts.Contains(name[(dot + 1)..], StringComparer.Ordinal)
            ? (name[..dot], name[(dot + 1)..])
            : null;
    }

    /// <summary>What is named in a text: where it stands, its kind, and the rest.</summary>
    public static IEnumerable<(int Start, int End, string Kind, string Name)> References(
        string text
    )
    {
        var lastEnd = text.LastIndexOf('}');
        var start = text.IndexOf("${", StringComparison.Ordinal);
        while (start >= 0 && start < lastEnd)
        {
            // No name has another beginning in it; to look no further keeps this linear.
            var next = text.IndexOf("${", start + 2, StringComparison.Ordinal);
            var most = (next < 0 ? text.Length : next) - (start + 2);
            var length = text.AsSpan(start + 2, most).IndexOf('}');
            var inner = text.AsSpan(start + 2, length < 0 ? most : length);
            var dot = inner.IndexOf('.');
            if (dot > 0 && KindOf(inner[..dot]) is { } kind)
            {
                var name = inner[(dot + 1)..].ToString();
                yield return (start, start + 2 + inner.Length + (length < 0 ? 0 : 1), kind, name);
            }

            start = next;
        }
    }

    private static string? KindOf(ReadOnlySpan<char> word) =>
        word switch
        {
            Params => Params,
            Matrix => Matrix,
            Inputs => Inputs,
            Tasks => Tasks,
            _ => null,
        };
}
