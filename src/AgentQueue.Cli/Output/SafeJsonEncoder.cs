using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;

namespace AgentQueue.Cli.Output;

/// <summary>
/// Escapes what JSON demands and what <see cref="Terminal.IsUnsafe"/> forbids, and leaves every letter
/// readable: unlike the relaxed encoder it spells out bidi and format controls, unlike the default one not <c>ä</c> or <c>'</c>.
/// </summary>
internal sealed unsafe class SafeJsonEncoder : JavaScriptEncoder
{
    public static readonly SafeJsonEncoder Instance = new();

    private SafeJsonEncoder() { }

    // A character beyond U+FFFF becomes two escapes.
    public override int MaxOutputCharactersPerInputCharacter => 12;

    public override bool WillEncode(int unicodeScalar) =>
        unicodeScalar is '"' or '\\' || Terminal.IsUnsafe(new(unicodeScalar));

    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        // SAFETY: the caller promises textLength characters at text.
        var span = new ReadOnlySpan<char>(text, textLength);
        for (var i = 0; i < span.Length; )
        {
            var status = Rune.DecodeFromUtf16(span[i..], out var rune, out var length);
            if (status != OperationStatus.Done || WillEncode(rune.Value))
            {
                return i;
            }

            i += length;
        }

        return -1;
    }

    public override bool TryEncodeUnicodeScalar(
        int unicodeScalar,
        char* buffer,
        int bufferLength,
        out int numberOfCharactersWritten
    )
    {
        Span<char> pair = stackalloc char[2];
        var units = new Rune(unicodeScalar).EncodeToUtf16(pair);
        // SAFETY: the caller promises room for bufferLength characters at buffer.
        var target = new Span<char>(buffer, bufferLength);
        numberOfCharactersWritten = 0;
        if (Short(unicodeScalar) is { } letter)
        {
            return Append(target, ref numberOfCharactersWritten, ['\\', letter]);
        }

        foreach (var unit in pair[..units])
        {
            const string Digits = "0123456789abcdef";
            ReadOnlySpan<char> escape =
            [
                '\\',
                'u',
                Digits[unit >> 12],
                Digits[(unit >> 8) & 15],
                Digits[(unit >> 4) & 15],
                Digits[unit & 15],
            ];
            if (!Append(target, ref numberOfCharactersWritten, escape))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Append(Span<char> target, ref int written, ReadOnlySpan<char> text)
    {
        if (!text.TryCopyTo(target[written..]))
        {
            written = 0;
            return false;
        }

        written += text.Length;
        return true;
    }

    private static char? Short(int unicodeScalar) =>
        unicodeScalar switch
        {
            '"' => '"',
            '\\' => '\\',
            '\b' => 'b',
            '\f' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            _ => null,
        };
}
