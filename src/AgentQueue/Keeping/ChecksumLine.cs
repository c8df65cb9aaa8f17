using System.Buffers;
using System.Text;

namespace AgentQueue.Keeping;

/// <summary>
/// A line of a checksum list as <c>sha256sum</c> writes and reads it: the digits, two spaces (or a space
/// and a star), the name. A name with a line break or a backslash is escaped, and the line begins with a
/// backslash then.
/// </summary>
internal sealed record ChecksumLine(string Hash, string File)
{
    private const string Escaped = "\\\n\r";
    private static readonly SearchValues<char> s_digits = SearchValues.Create(
        "0123456789abcdefABCDEF"
    );

    public override string ToString()
    {
        if (File.AsSpan().IndexOfAny(Escaped) < 0)
        {
            return $"{Hash}  {File}";
        }

        var name = new StringBuilder(File)
            .Replace(@"\", @"\\")
            .Replace("\n", @"\n")
            .Replace("\r", @"\r");
        return $@"\{Hash}  {name}";
    }

    /// <summary>Null for a line that is none.</summary>
    public static ChecksumLine? TryParse(string line)
    {
        var isEscaped = line.StartsWith('\\');
        var digits = line.AsSpan(isEscaped ? 1 : 0);
        var end = digits.IndexOf(' ');
        if (
            end < 1
            || digits.Length < end + 3
            || digits[end + 1] is not (' ' or '*')
            || digits[..end].ContainsAnyExcept(s_digits)
        )
        {
            return null;
        }

        var name = digits[(end + 2)..].ToString();
        return (isEscaped ? Unescape(name) : name) is { } file
            ? new ChecksumLine(digits[..end].ToString().ToLowerInvariant(), file)
            : null;
    }

    // Null for an escape that nobody writes: to guess would check another file.
    private static string? Unescape(string name)
    {
        var text = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] != '\\')
            {
                text.Append(name[i]);
                continue;
            }

            i++;
            char? meant =
                i == name.Length
                    ? null
                    : name[i] switch
                    {
                        '\\' => '\\',
                        'n' => '\n',
                        'r' => '\r',
                        _ => null,
                    };
            if (meant is null)
            {
                return null;
            }

            text.Append(meant);
        }

        return text.ToString();
    }
}
