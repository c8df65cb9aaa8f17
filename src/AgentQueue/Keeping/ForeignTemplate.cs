using System.Buffers;
using System.Text;

namespace AgentQueue.Keeping;

/// <summary>
/// The variables in a text of the older tool: <c>{{ name }}</c>, and <c>$NAME</c> in capitals, which meant a
/// variable there and, failing that, the environment. Here both are told apart, and <c>$NAME</c> in a command
/// belongs to its shell unless the file defines it.
/// </summary>
internal sealed class ForeignTemplate(Func<string, bool> isDefined)
{
    private static readonly SearchValues<char> s_meansSomething = SearchValues.Create(
        " \t\r\n*?[]$;&|<>(){}'\"`~#\\!"
    );

    /// <summary>Names that nothing in the file defines and the environment hardly has: whoever ran the command gave them.</summary>
    public SortedSet<string> Missing { get; } = new(StringComparer.Ordinal);

    /// <summary>Names of the file's variables, where the shell would read what they bring: not in quotes.</summary>
    public SortedSet<string> Bare { get; } = new(StringComparer.Ordinal);

    /// <summary>A text for the shell.</summary>
    public string Command(string text) => Translate(text, forShell: true);

    /// <summary>A text that no shell reads, or that comes to one as a whole.</summary>
    public string Text(string text) => Translate(text, forShell: false);

    /// <summary>Whether a shell would make more than one plain word of it, its templates aside.</summary>
    public static bool MeansMore(string translated)
    {
        var rest = translated.AsSpan();
        while (
            rest.IndexOf("{{") is var start and >= 0
            && rest[start..].IndexOf("}}") is var length and >= 0
        )
        {
            if (rest[..start].ContainsAny(s_meansSomething))
            {
                return true;
            }

            rest = rest[(start + length + 2)..];
        }

        return rest.ContainsAny(s_meansSomething);
    }

    /// <summary>The names in <c>{{ }}</c>.</summary>
    public static IEnumerable<string> NamesIn(string translated)
    {
        for (var at = 0; at < translated.Length; at++)
        {
            if (NameAt(translated.AsSpan(at), out var length) is { } name)
            {
                yield return name;
                at += length - 1;
            }
        }
    }

    private string Translate(string text, bool forShell)
    {
        var result = new StringBuilder(text.Length);
        var quote = '\0';
        for (var at = 0; at < text.Length; )
        {
            var rest = text.AsSpan(at);
            if (NameAt(rest, out var length) is { } name)
            {
                result.Append(Reference(name, quote, isSure: false));
            }
            else if (
                DollarAt(rest, out length) is { } variable
                && (!forShell || isDefined(variable))
            )
            {
                result.Append(Reference(variable, quote, isSure: true));
            }
            else
            {
                quote = After(text, at, quote);
                length = 1;
                result.Append(text[at]);
            }

            at += length;
        }

        return result.ToString();
    }

    /// <param name="isSure">What is not defined is of the environment.</param>
    private string Reference(string name, char quote, bool isSure)
    {
        if (isDefined(name))
        {
            if (quote == '\0')
            {
                Bare.Add(name);
            }

            return $"{{{{ {name} }}}}";
        }

        if (isSure || IsOfEnvironment(name))
        {
            return $"{{{{ env.{name} }}}}";
        }

        Missing.Add(name);
        return $"{{{{ {name} }}}}";
    }

    private static char After(string text, int at, char quote) =>
        text[at] switch
        {
            '"' when quote == '"' && text[at - 1] == '\\' => quote,
            '"' or '\'' when quote == '\0' => text[at],
            '"' or '\'' when quote == text[at] => '\0',
            _ => quote,
        };

    private static bool IsOfEnvironment(string name) =>
        DollarAt($"${name}", out var length) is not null && length == name.Length + 1;

    private static string? NameAt(ReadOnlySpan<char> text, out int length)
    {
        length = 0;
        if (!text.StartsWith("{{"))
        {
            return null;
        }

        var rest = text[2..].TrimStart();
        var end = 0;
        while (end < rest.Length && IsOfName(rest[end]))
        {
            end++;
        }

        var name = rest[..end];
        rest = rest[end..].TrimStart();
        if (end == 0 || !rest.StartsWith("}}"))
        {
            return null;
        }

        length = text.Length - rest.Length + 2;
        return name.ToString();
    }

    private static string? DollarAt(ReadOnlySpan<char> text, out int length)
    {
        length = 1;
        if (text is not ['$', (>= 'A' and <= 'Z') or '_', ..])
        {
            return null;
        }

        while (
            length < text.Length
            && (
                char.IsAsciiLetterUpper(text[length])
                || char.IsAsciiDigit(text[length])
                || text[length] == '_'
            )
        )
        {
            length++;
        }

        return text[1..length].ToString();
    }

    /// <summary>Letters and digits of any script, and underscores.</summary>
    public static bool IsName(string name) => name.Length > 0 && name.All(IsOfName);

    private static bool IsOfName(char c) => char.IsLetterOrDigit(c) || c == '_';
}
