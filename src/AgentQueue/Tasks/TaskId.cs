using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace AgentQueue.Tasks;

/// <summary>
/// The name of a task: <c>task_</c> and 1 to 59 of <c>[A-Za-z0-9-]</c>. A value of this type is safe as
/// a file name, so nothing below the command line ever handles an id as plain text. New ids sort by the
/// time they were made; ids of older tools (<c>task_1737000000000</c>) are valid.
/// </summary>
internal readonly record struct TaskId : IComparable<TaskId>
{
    public const string Prefix = "task_";

    /// <summary>Of a whole id, in characters.</summary>
    public const int Longest = 64;

    /// <summary>Of what a new id has behind its prefix.</summary>
    public const int TokenLength = TimeDigits + RandomDigits;
    private const int LongestToken = 59;
    private const int TimeDigits = 9;
    private const int RandomDigits = 5;

    // Crockford's base 32: no i, l, o, u, so that an id survives being read aloud.
    private const string Digits = "0123456789abcdefghjkmnpqrstvwxyz";

    private static readonly SearchValues<char> s_allowed = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"
    );

    private static readonly SearchValues<char> s_digits = SearchValues.Create(Digits);

    private static readonly SearchValues<byte> s_allowedBytes = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"u8
    );

    private TaskId(string value) => Value = value;

    /// <summary>The whole id, with its prefix.</summary>
    public string Value { get; }

    /// <summary>Reads a complete id, exactly as it stands in a file name.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TaskId id)
    {
        id = default;
        if (!IsWellFormed(text))
        {
            return false;
        }

        id = new TaskId(text.ToString());
        return true;
    }

    /// <exception cref="FormatException">The text is not an id.</exception>
    public static TaskId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a task id");

    /// <summary>True if <paramref name="text"/> could be a part of an id: what users may type.</summary>
    public static bool IsPart([NotNullWhen(true)] string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > Prefix.Length + LongestToken)
        {
            return false;
        }

        var token = text.StartsWith(Prefix, StringComparison.Ordinal)
            ? text.AsSpan(Prefix.Length)
            : text;
        return !token.ContainsAnyExcept(s_allowed);
    }

    /// <summary>
    /// Makes a new id: 45 bits of milliseconds, then 25 random bits. Uniqueness does not rest on chance:
    /// whoever stores a task creates its file exclusively and takes another id if this one exists. Nor does
    /// anything rest on an id being hard to guess, so the cheap generator does: the cryptographic one
    /// would load OpenSSL at every start.
    /// </summary>
    public static TaskId New(DateTimeOffset now) =>
        Salted(now, Random.Shared.Next(1 << (5 * RandomDigits)));

    /// <summary>As <see cref="New"/>, but equal for equal arguments.</summary>
    /// <param name="salt">Stands in place of the random bits; as many of it as fit are taken.</param>
    public static TaskId Salted(DateTimeOffset now, int salt)
    {
        Span<char> token = stackalloc char[TimeDigits + RandomDigits];
        Write(token[..TimeDigits], now.ToUnixTimeMilliseconds());
        Write(token[TimeDigits..], salt);
        return new TaskId(string.Concat(Prefix, token));
    }

    /// <summary>The ids of one batch, ascending in the order of the batch.</summary>
    public static TaskId[] NewSeries(DateTimeOffset now, int count)
    {
        var ids = new TaskId[count];
        // Half the random space is the head room; a batch takes steps of one from there.
        var first = Random.Shared.Next(1 << (5 * RandomDigits - 1));
        Span<char> token = stackalloc char[TimeDigits + RandomDigits];
        Write(token[..TimeDigits], now.ToUnixTimeMilliseconds());
        for (var i = 0; i < count; i++)
        {
            Write(token[TimeDigits..], first + i);
            ids[i] = new TaskId(string.Concat(Prefix, token));
        }

        return ids;
    }

    /// <summary>True for what a new id has behind its prefix.</summary>
    public static bool IsToken(ReadOnlySpan<char> text) =>
        text.Length == TokenLength && !text.ContainsAnyExcept(s_digits);

    public int CompareTo(TaskId other) => string.CompareOrdinal(Value, other.Value);

    public override string ToString() => Value;

    /// <summary>As <see cref="TryParse"/>, for the bytes of a file name.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> text) =>
        text.StartsWith("task_"u8)
        && text[Prefix.Length..] is { Length: > 0 and <= LongestToken } token
        && !token.ContainsAnyExcept(s_allowedBytes);

    private static bool IsWellFormed(ReadOnlySpan<char> text) =>
        text.StartsWith(Prefix, StringComparison.Ordinal)
        && text[Prefix.Length..] is { Length: > 0 and <= LongestToken } token
        && !token.ContainsAnyExcept(s_allowed);

    private static void Write(Span<char> target, long value)
    {
        for (var i = target.Length - 1; i >= 0; i--)
        {
            target[i] = Digits[(int)(value & 31)];
            value >>= 5;
        }
    }
}
