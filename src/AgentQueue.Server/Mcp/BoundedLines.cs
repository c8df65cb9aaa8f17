namespace AgentQueue.Server.Mcp;

/// <summary>
/// Lines of which none is longer than <see cref="LongestLine"/>: a longer one is cut there, which leaves something
/// that is no message. A client that never ends a line costs so much memory and not more. A line that is not UTF-8 is
/// no message either: whoever decodes it would put other characters into somebody's prompt.
/// </summary>
/// <param name="beforeEnd">Is awaited before the end is told; is given the number of lines that were not empty.</param>
internal sealed class BoundedLines(Stream inner, Func<int, Task> beforeEnd) : Stream
{
    /// <summary>In bytes. The longest prompt, escaped, fits.</summary>
    public const int LongestLine = 8 << 20;

    // A message as long as this leaves ten times as much garbage; in bytes.
    private const int LongLine = 1 << 20;

    private int _length;
    private int _lines;
    private bool _hadLongLine;
    private Utf8Check _check;

    public override async ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        while (true)
        {
            if (_hadLongLine)
            {
                // The collector of a machine with much memory lets it grow to gigabytes before it looks.
                _hadLongLine = false;
                GC.Collect(
                    GC.MaxGeneration,
                    GCCollectionMode.Aggressive,
                    blocking: true,
                    compacting: true
                );
            }

            // A read of standard input cannot be cancelled; it is left alone.
            var count = await inner
                .ReadAsync(buffer, cancellationToken)
                .AsTask()
                .WaitAsync(cancellationToken);
            if (count == 0 && _length > 0)
            {
                // `printf REQUEST | agentq mcp`: the last line is one, too.
                buffer.Span[0] = (byte)'\n';
                count = 1;
            }

            if (count == 0)
            {
                await beforeEnd(_lines);
                return 0;
            }

            _check.Spoil(buffer.Span[..count]);
            var kept = Keep(buffer.Span[..count]);
            if (kept > 0)
            {
                return kept;
            }
        }
    }

    private int Keep(Span<byte> bytes)
    {
        var kept = 0;
        while (kept < bytes.Length)
        {
            var rest = bytes[kept..];
            var end = rest.IndexOf((byte)'\n');
            var line = end < 0 ? rest.Length : end;
            var fits = Math.Min(line, LongestLine - _length);
            _length += fits;
            if (fits < line)
            {
                rest[line..].CopyTo(rest[fits..]);
                bytes = bytes[..(bytes.Length - (line - fits))];
            }

            kept += fits;
            if (end >= 0)
            {
                _lines += _length > 0 ? 1 : 0;
                _hadLongLine |= _length > LongLine;
                _length = 0;
                kept++;
            }
        }

        return kept;
    }

    public override Task<int> ReadAsync(
        byte[] buffer,
        int offset,
        int count,
        CancellationToken cancellationToken
    ) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
