namespace AgentQueue.Server.Mcp;

/// <summary>
/// What is written is written to its end. The transport writes a message and the end of its line one after the other,
/// and takes back the second when the request is cancelled between them: the next message stood on the same line, and
/// both were lost to the client.
/// </summary>
internal sealed class WholeLines(Stream inner) : Stream
{
    public override ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default
    ) => inner.WriteAsync(buffer, CancellationToken.None);

    public override Task WriteAsync(
        byte[] buffer,
        int offset,
        int count,
        CancellationToken cancellationToken
    ) => inner.WriteAsync(buffer, offset, count, CancellationToken.None);

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        inner.FlushAsync(CancellationToken.None);

    public override void Write(byte[] buffer, int offset, int count) =>
        inner.Write(buffer, offset, count);

    public override void Flush() => inner.Flush();

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
