using System.Text;

namespace AgentQueue.Tasks;

/// <summary>
/// Splits a command as a POSIX shell does (XCU 2.2, quoting), and does nothing else that a shell does:
/// no variables, no globs, no operators. And the way back.
/// </summary>
internal static class ShellWords
{
    /// <param name="problem">What is wrong, as the end of a sentence; null if all is well.</param>
    public static IReadOnlyList<string> Split(string text, out string? problem)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var isOpen = false;
        var quote = '\0';
        problem = null;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quote != '\0')
            {
                if (c == quote)
                {
                    quote = '\0';
                }
                else if (
                    c == '\\'
                    && quote == '"'
                    && i + 1 < text.Length
                    && IsEscapable(text[i + 1])
                )
                {
                    AppendEscaped(word, text[++i]);
                }
                else
                {
                    word.Append(c);
                }
            }
            else if (c is ' ' or '\t' or '\n' or '\r')
            {
                if (isOpen)
                {
                    words.Add(word.ToString());
                    word.Clear();
                    isOpen = false;
                }
            }
            else if (c is '\'' or '"')
            {
                (quote, isOpen) = (c, true);
            }
            else if (c == '\\')
            {
                if (++i == text.Length)
                {
                    problem = "ends in a backslash";
                    return [];
                }

                AppendEscaped(word, text[i]);
                isOpen = true;
            }
            else
            {
                word.Append(c);
                isOpen = true;
            }
        }

        if (quote != '\0')
        {
            problem = $"has no closing {quote}";
            return [];
        }

        if (isOpen)
        {
            words.Add(word.ToString());
        }

        return words;
    }

    // In double quotes a backslash is one unless it stands before these (XCU 2.2.3).
    private static bool IsEscapable(char c) => c is '$' or '`' or '"' or '\\' or '\n';

    // A backslash and the end of a line go on in the next one.
    private static void AppendEscaped(StringBuilder word, char c)
    {
        if (c != '\n')
        {
            word.Append(c);
        }
    }

    private const string Safe =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:=@%+,";

    /// <summary>As it could be typed into a shell.</summary>
    public static string Join(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    public static string Quote(string text) =>
        text.Length > 0 && text.All(Safe.Contains)
            ? text
            : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
