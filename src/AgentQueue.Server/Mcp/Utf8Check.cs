using System.Text;

namespace AgentQueue.Server.Mcp;

/// <summary>Finds what is not UTF-8 (RFC 3629, section 4) in bytes that come piece by piece.</summary>
internal struct Utf8Check
{
    // Of the character that has begun: how many bytes are to come, and between which the next one must be.
    private int _open;
    private byte _least;
    private byte _most;

    /// <summary>Makes a NUL, which JSON has nowhere, of each byte that can not stand where it does.</summary>
    public void Spoil(Span<byte> bytes)
    {
        if (_open == 0 && Ascii.IsValid(bytes))
        {
            return;
        }

        foreach (ref var next in bytes)
        {
            if (!Follows(next))
            {
                // The one after it may be whole again; the line is spoiled anyway.
                _open = 0;
                next = next == (byte)'\n' ? next : (byte)0;
            }
        }
    }

    private bool Follows(byte next)
    {
        if (_open > 0)
        {
            var fits = next >= _least && next <= _most;
            _open--;
            (_least, _most) = (0x80, 0xBF);
            return fits;
        }

        _open = next switch
        {
            < 0x80 => 0,
            >= 0xC2 and <= 0xDF => 1,
            >= 0xE0 and <= 0xEF => 2,
            >= 0xF0 and <= 0xF4 => 3,
            _ => -1,
        };
        // No character has two spellings, is half a pair, or stands beyond Unicode.
        _least = next switch
        {
            0xE0 => 0xA0,
            0xF0 => 0x90,
            _ => 0x80,
        };
        _most = next switch
        {
            0xED => 0x9F,
            0xF4 => 0x8F,
            _ => 0xBF,
        };
        return _open >= 0;
    }
}
