using System.Text;

namespace AgentQueue.Processes;

/// <summary>The last bytes of a stream of any length, in memory of twice that size.</summary>
internal sealed class OutputTail(int limit)
{
    private readonly byte[] _bytes = new byte[2 * limit];
    private int _count;
    private bool _dropped;

    /// <summary>True if there was more before.</summary>
    public bool IsCut => _dropped || _count > limit;

    public void Add(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > limit)
        {
            piece = piece[^limit..];
            _dropped = true;
            _count = 0;
        }

        if (_count + piece.Length > _bytes.Length)
        {
            _bytes.AsSpan(_count - limit, limit).CopyTo(_bytes);
            _count = limit;
            _dropped = true;
        }

        piece.CopyTo(_bytes.AsSpan(_count));
        _count += piece.Length;
    }

    /// <summary>As text; a letter that was cut is left out, and what is no UTF-8 replaced.</summary>
    public override string ToString()
    {
        var kept = _bytes.AsSpan(Math.Max(_count - limit, 0), Math.Min(_count, limit));
        for (var i = 0; IsCut && i < 3 && kept is [>= 0x80 and < 0xC0, ..]; i++)
        {
            kept = kept[1..];
        }

        return Encoding.UTF8.GetString(kept);
    }
}
