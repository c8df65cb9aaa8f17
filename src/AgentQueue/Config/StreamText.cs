using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>
/// Text out of JSON, where what agents print is not always well formed: bytes that are no UTF-8 and halves of
/// surrogate pairs become what stands for an unknown character, and a text too long for anybody is cut.
/// </summary>
internal static class StreamText
{
    /// <summary>Characters, or bytes where there are fewer; a longer text ends in "…".</summary>
    public const int Longest = 1 << 20;

    // \uXXXX is the longest way to write a character.
    private const int LongestEscape = 6;

    /// <summary>A text, a number as it is written, or a list or object as JSON; null for everything else.</summary>
    public static string? Of(JsonElement value)
    {
        var raw = JsonMarshal.GetRawUtf8Value(value);
        return value.ValueKind switch
        {
            JsonValueKind.String => Unescape(Escaped(value), Longest),
            JsonValueKind.Number or JsonValueKind.Object or JsonValueKind.Array =>
                Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, Longest)]),
            _ => null,
        };
    }

    /// <summary>The same as it stands between the quotation marks of JSON; nothing for everything else.</summary>
    public static ReadOnlySpan<byte> Escaped(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? JsonMarshal.GetRawUtf8Value(value)[1..^1]
        : Of(value) is { } text ? JsonEncodedText.Encode(text).EncodedUtf8Bytes
        : [];

    /// <param name="utf8">What stands between the quotation marks of a JSON string.</param>
    /// <param name="longest">Characters.</param>
    public static string Unescape(ReadOnlySpan<byte> utf8, int longest)
    {
        if (utf8.Length <= longest && !utf8.Contains((byte)'\\'))
        {
            return Encoding.UTF8.GetString(utf8);
        }

        var chars = ArrayPool<char>.Shared.Rent(Math.Min(utf8.Length, longest) + 1);
        var length = 0;
        while (!utf8.IsEmpty && length < longest)
        {
            var plain = utf8.IndexOf((byte)'\\');
            plain = plain < 0 ? utf8.Length : plain;
            if (plain == 0)
            {
                utf8 = utf8[TakeEscape(utf8, out chars[length])..];
                length++;
                continue;
            }

            // A character takes at least as many bytes as it becomes chars.
            plain = Math.Min(plain, longest - length);
            length += Encoding.UTF8.GetChars(utf8[..plain], chars.AsSpan(length));
            utf8 = utf8[plain..];
        }

        if (!utf8.IsEmpty)
        {
            chars[length++] = '…';
        }

        var text = new string(chars, 0, length);
        ArrayPool<char>.Shared.Return(chars);
        return text;
    }

    // An escape that is cut off stands for itself; the parser has let no other wrong one pass.
    private static int TakeEscape(ReadOnlySpan<byte> utf8, out char taken)
    {
        var kind = utf8.Length > 1 ? utf8[1] : (byte)'\\';
        taken = kind switch
        {
            (byte)'n' => '\n',
            (byte)'t' => '\t',
            (byte)'r' => '\r',
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            _ => (char)kind,
        };
        if (
            kind == (byte)'u'
            && utf8.Length >= LongestEscape
            && ushort.TryParse(
                utf8[2..LongestEscape],
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out var number
            )
        )
        {
            taken = (char)number;
            return LongestEscape;
        }

        return Math.Min(2, utf8.Length);
    }
}
