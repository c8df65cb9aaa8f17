using AgentQueue.Storage;

namespace AgentQueue.Agents;

/// <summary>
/// Hands on what is appended to a log, from a byte of it on, whoever cuts its older half meanwhile. What cannot be
/// read now is read the next time.
/// </summary>
internal sealed class LogFeed(string path)
{
    private const int Piece = 256 << 10;

    private byte[]? _buffer;

    /// <summary>The next byte that is handed on, counted as if nothing had ever been dropped.</summary>
    public long Next { get; set; }

    /// <summary>Where the log ends now: what stands there already is not handed on.</summary>
    public void SkipToEnd()
    {
        try
        {
            using var log = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            var note = LogNote.Read(log);
            Next = RandomAccess.GetLength(log) - note.Length + note.Dropped;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // There is none yet.
        }
    }

    /// <param name="stream">Is given each piece; the bytes are there only during the call.</param>
    /// <param name="end">No byte from this one on is handed on.</param>
    public void Read(AgentStream stream, long end = long.MaxValue)
    {
        try
        {
            using var log = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            var note = LogNote.Read(log);
            var at = Next - note.Dropped + note.Length;
            if (at < note.Length)
            {
                // What was dropped is lost; the rest of a line that was begun is not its end.
                stream.DropLine();
                at = note.Length;
            }

            var buffer = _buffer ??= new byte[Piece];
            var left = end == long.MaxValue ? end : end - note.Dropped + note.Length - at;
            int count;
            while (
                left > 0
                && (
                    count = RandomAccess.Read(log, buffer.AsSpan(0, (int)Math.Min(left, Piece)), at)
                ) > 0
            )
            {
                stream.Feed(buffer.AsSpan(0, count));
                at += count;
                left -= count;
            }

            Next = at - note.Length + note.Dropped;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An agent may have put something else in its log's place.
        }
    }
}
