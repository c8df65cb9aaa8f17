using System.Text;

namespace AgentQueue.Config;

/// <summary>
/// Where text uses variables: <c>{{ name }}</c>, <c>{{ env.NAME }}</c>, either with <c>| raw</c> behind it. Blanks
/// may be left out. Double braces around anything else, as in <c>{{.Names}}</c>, are plain text.
/// </summary>
internal static class VariableText
{
    private const string EnvironmentPrefix = "env.";
    private const string RawMark = "raw";

    /// <summary>A letter or <c>_</c>, then letters, digits, <c>_</c> and <c>-</c>; all of ASCII.</summary>
    public static bool IsName(string text) => text.Length > 0 && NameEnd(text, 0) == text.Length;

    /// <summary>The uses of variables from left to right; none overlaps another.</summary>
    public static IEnumerable<VariableUse> Uses(string text)
    {
        var from = 0;
        while (text.IndexOf("{{", from, StringComparison.Ordinal) is var start and >= 0)
        {
            if (UseAt(text, start) is { } use)
            {
                yield return use;
                from = use.End;
            }
            else
            {
                from = start + 1;
            }
        }
    }

    /// <summary>The text with blanks where it uses variables, so that what stands around them can be looked at.</summary>
    public static string Without(string text)
    {
        if (!text.Contains("{{", StringComparison.Ordinal))
        {
            return text;
        }

        var rest = new StringBuilder(text);
        foreach (var use in Uses(text))
        {
            for (var i = use.Start; i < use.End; i++)
            {
                rest[i] = ' ';
            }
        }

        return rest.ToString();
    }

    private static VariableUse? UseAt(string text, int start)
    {
        var at = SkipBlanks(text, start + 2);
        var isEnvironment =
            string.CompareOrdinal(text, at, EnvironmentPrefix, 0, EnvironmentPrefix.Length) is 0;
        var from = isEnvironment ? at + EnvironmentPrefix.Length : at;
        var end = NameEnd(text, from);
        var name = text[from..end];
        // A variable of the environment has no dash in its name.
        if (name.Length == 0 || (isEnvironment && name.Contains('-', StringComparison.Ordinal)))
        {
            return null;
        }

        at = SkipBlanks(text, end);
        var isRaw = false;
        if (at < text.Length && text[at] == '|')
        {
            at = SkipBlanks(text, at + 1);
            isRaw = string.CompareOrdinal(text, at, RawMark, 0, RawMark.Length) is 0;
            if (!isRaw)
            {
                return null;
            }

            at = SkipBlanks(text, at + RawMark.Length);
        }

        return string.CompareOrdinal(text, at, "}}", 0, 2) is 0
            ? new VariableUse(start, at + 2, name, isEnvironment, isRaw)
            : null;
    }

    private static int SkipBlanks(string text, int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t')
        {
            at++;
        }

        return at;
    }

    private static int NameEnd(string text, int from)
    {
        var end = from;
        while (
            end < text.Length
            && (
                char.IsAsciiLetter(text[end])
                || text[end] == '_'
                || (end > from && (char.IsAsciiDigit(text[end]) || text[end] == '-'))
            )
        )
        {
            end++;
        }

        return end;
    }
}

/// <param name="Start">The first of its characters.</param>
/// <param name="End">The character behind it.</param>
/// <param name="Name">Of the variable, or of the variable of the environment.</param>
/// <param name="IsRaw">It goes into a script of a shell as it is.</param>
internal readonly record struct VariableUse(
    int Start,
    int End,
    string Name,
    bool IsEnvironment,
    bool IsRaw
)
{
    /// <summary><c>{{ name }}</c>, as messages show it.</summary>
    public string Shown => $"{{{{ {Path} }}}}";

    /// <summary><c>name</c>, or <c>env.NAME</c>.</summary>
    public string Path => IsEnvironment ? $"env.{Name}" : Name;
}
