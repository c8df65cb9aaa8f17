using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using AgentQueue.Native;
using AgentQueue.Tasks;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Config;

/// <summary>
/// Turns the values of one configuration file into values of the program, and collects what is wrong
/// with them instead of stopping at the first. Each reading method returns null after it has complained.
/// </summary>
internal sealed class ConfigReader(string file)
{
    public const long LargestFile = 10 * 1024 * 1024;
    private const int MostProblems = 100;
    private const int LongestMessage = 1000;

    private readonly List<ConfigProblem> _problems = [];

    /// <summary>The name by which people know the file.</summary>
    public string FileName => file;

    public IReadOnlyList<ConfigProblem> Problems => _problems;

    public bool HasErrors => _problems.Exists(p => p.IsError);

    /// <summary>False once no further warning would be kept, so that looking for doubts is in vain.</summary>
    public bool TakesWarnings => _problems.Count < MostProblems;

    /// <summary>No further problem would be kept: to look for more is in vain.</summary>
    public bool IsFull => _problems.Count >= MostProblems && HasErrors;

    public void Error(SourcePlace at, string key, string message) =>
        Add(at, key, ProblemSeverity.Error, message);

    public void Warn(SourcePlace at, string key, string message) =>
        Add(at, key, ProblemSeverity.Warning, message);

    // A file made to hurt has a million of them, each with a million digits. The first error is always kept.
    private void Add(SourcePlace at, string key, ProblemSeverity severity, string message)
    {
        if (_problems.Count < MostProblems || (severity == ProblemSeverity.Error && !HasErrors))
        {
            _problems.Add(
                new ConfigProblem(file, at.Line, Short(key), severity, Short(message))
                {
                    Column = at.Column,
                }
            );
        }
    }

    private static string Short(string text) =>
        text.Length > LongestMessage ? text[..LongestMessage] + "…" : text;

    /// <summary>The object that the file holds; null if there is no file, or after a complaint.</summary>
    public SourceValue? ReadFile(string path, Func<FileStat, QueueException?>? doubt = null) =>
        ReadBytes(path, file, doubt) is { } bytes ? ReadRoot(bytes) : null;

    public SourceValue? ReadRoot(ReadOnlySpan<byte> json)
    {
        var root = SourceValue.Parse(json, out var problem);
        if (root is null)
        {
            Error(new(problem.Line), "", $"this is not JSON: {problem.Reason}");
        }
        else if (root.Kind != JsonValueKind.Object)
        {
            Error(root.At, "", $"the file must hold an object, not {root.KindInWords}");
            root = null;
        }

        return root;
    }

    /// <summary>The whole file, or null if it does not exist.</summary>
    /// <exception cref="QueueException">It exists and cannot be read, or is larger than <see cref="LargestFile"/>.</exception>
    /// <param name="doubt">Why not to use what was opened, or null; asked on Unix.</param>
    public static byte[]? ReadBytes(
        string path,
        string shownAs,
        Func<FileStat, QueueException?>? doubt = null
    )
    {
        try
        {
            using var file = Open(path, shownAs, doubt);
            if (file is null)
            {
                return null;
            }

            var length = RandomAccess.GetLength(file);
            if (length > LargestFile)
            {
                throw QueueException.Usage(
                    $"{shownAs} is larger than 10 MB",
                    $"Check that it is the file that was meant: ls -l {shownAs}"
                );
            }

            var bytes = new byte[length];
            var read = 0;
            int count;
            while (
                read < bytes.Length
                && (count = RandomAccess.Read(file, bytes.AsSpan(read), read)) > 0
            )
            {
                read += count;
            }

            return read == bytes.Length ? bytes : bytes[..read];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException(
                $"{shownAs} cannot be read: {e.Message}",
                $"Check who owns it and its folder: ls -la {System.IO.Path.GetDirectoryName(path)}",
                cause: e
            );
        }
    }

    // A link is followed, since people keep their configuration elsewhere; a fifo, which would never be
    // read to its end, is refused. What is looked at is the open file, not whatever has the name by now.
    private static SafeFileHandle? Open(
        string path,
        string shownAs,
        Func<FileStat, QueueException?>? doubt
    )
    {
        if (OperatingSystem.IsWindows())
        {
            return Directory.Exists(path) ? throw IsFolder(shownAs) : File.OpenHandle(path);
        }

        var fd = Libc.Open(path, Libc.O_RDONLY | Libc.O_NONBLOCK);
        if (fd < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno is Libc.ENOENT or Libc.ENOTDIR
                ? null
                : throw new QueueException(
                    $"{shownAs} cannot be read: {Marshal.GetPInvokeErrorMessage(errno)}",
                    $"Check who owns it and its folder: ls -la {System.IO.Path.GetDirectoryName(path)}"
                );
        }

        var file = new SafeFileHandle(fd, ownsHandle: true);
        var problem = FileStat.Of(fd) switch
        {
            { IsRegular: true } stat => doubt?.Invoke(stat),
            { IsFolder: true } => IsFolder(shownAs),
            _ => QueueException.Usage(
                $"{shownAs} is not a regular file",
                "Write what comes out of it into a file, and name that one"
            ),
        };
        if (problem is not null)
        {
            file.Dispose();
            throw problem;
        }

        return file;
    }

    private static QueueException IsFolder(string shownAs) =>
        QueueException.Usage(
            $"{shownAs} is a folder, not a file",
            $"Name a file in it: ls {shownAs}"
        );

    /// <summary>
    /// The members of an object, each once: complains about names that stand there twice and about
    /// those that are not in <paramref name="known"/> (null: any name will do).
    /// </summary>
    public IEnumerable<SourceMember> Members(
        SourceValue value,
        string key,
        IReadOnlyCollection<string>? known
    )
    {
        if (value.Kind != JsonValueKind.Object)
        {
            WrongKind(value, key, "an object");
            yield break;
        }

        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var member in value.Members)
        {
            var path = Path(key, member.Name);
            if (!seen.TryAdd(member.Name, member.Line))
            {
                Error(member.At, path, $"stands here twice, first in line {seen[member.Name]}");
            }
            else if (known is not null && !known.Contains(member.Name, StringComparer.Ordinal))
            {
                Error(
                    member.At,
                    path,
                    $"is not a known key{Nearest.Suggestion(member.Name, known)}"
                );
            }
            else
            {
                yield return member;
            }
        }
    }

    /// <summary>Text without NUL, which would cut it short on its way into a process.</summary>
    public string? Text(SourceValue value, string key, bool mayBeEmpty = true)
    {
        if (value.Kind != JsonValueKind.String)
        {
            WrongKind(value, key, "text");
            return null;
        }

        if (value.Text!.Contains('\0', StringComparison.Ordinal))
        {
            Error(value.At, key, "must not contain a NUL character");
            return null;
        }

        if (!mayBeEmpty && string.IsNullOrWhiteSpace(value.Text))
        {
            Error(value.At, key, "must not be empty");
            return null;
        }

        return value.Text;
    }

    public ImmutableArray<string>? Texts(SourceValue value, string key)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            WrongKind(value, key, "a list of texts");
            return null;
        }

        var texts = ImmutableArray.CreateBuilder<string>(value.Items.Length);
        for (var i = 0; i < value.Items.Length; i++)
        {
            if (Text(value.Items[i], $"{key}[{i}]") is { } text)
            {
                texts.Add(text);
            }
        }

        return texts.Count == value.Items.Length ? texts.MoveToImmutable() : null;
    }

    public bool? Flag(SourceValue value, string key)
    {
        if (value.Kind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.Kind == JsonValueKind.True;
        }

        WrongKind(value, key, "true or false");
        return null;
    }

    public int? Whole(SourceValue value, string key, int least, int most)
    {
        if (value.Kind != JsonValueKind.Number)
        {
            WrongKind(value, key, "a whole number");
            return null;
        }

        if (
            int.TryParse(
                value.Text,
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out var number
            )
            && number >= least
            && number <= most
        )
        {
            return number;
        }

        Error(
            value.At,
            key,
            string.Create(
                CultureInfo.InvariantCulture,
                $"must be a whole number from {least} to {most}, not {value.Text}"
            )
        );
        return null;
    }

    /// <summary>A length of time: a number of seconds, or text that <see cref="Duration"/> reads.</summary>
    public TimeSpan? Length(SourceValue value, string key, TimeSpan least)
    {
        if (value.Kind is not (JsonValueKind.Number or JsonValueKind.String))
        {
            WrongKind(value, key, "a number of seconds or text such as \"5m\"");
            return null;
        }

        if (!Duration.TryParse(value.Text, out var length))
        {
            Error(
                value.At,
                key,
                $"must be whole seconds or text such as \"90s\", \"5m\", \"2h\", at most ten years, not {Shown(value)}"
            );
            return null;
        }

        if (length < least)
        {
            Error(value.At, key, $"must be at least {Duration.Format(least)}, not {Shown(value)}");
            return null;
        }

        return length;
    }

    /// <summary>One of the words of <paramref name="choices"/>.</summary>
    public TChoice? Choice<TChoice>(
        SourceValue value,
        string key,
        ReadOnlySpan<(string Word, TChoice Choice)> choices
    )
        where TChoice : struct
    {
        if (Text(value, key) is not { } text)
        {
            return null;
        }

        var words = new List<string>(choices.Length);
        foreach (var (word, choice) in choices)
        {
            if (word == text)
            {
                return choice;
            }

            words.Add(word);
        }

        Error(
            value.At,
            key,
            $"must be one of {string.Join(", ", words)}, not {Shown(value)}{Nearest.Suggestion(text, words)}"
        );
        return null;
    }

    public static string Path(string key, string name) => key.Length == 0 ? name : $"{key}.{name}";

    private void WrongKind(SourceValue value, string key, string wanted) =>
        Error(value.At, key, $"must be {wanted}, not {value.KindInWords}");

    private static string Shown(SourceValue value)
    {
        var text = value.Text!.Length > 40 ? value.Text[..40] + "…" : value.Text;
        return value.Kind == JsonValueKind.String ? $"\"{text}\"" : text;
    }
}
