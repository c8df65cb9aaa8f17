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

    // Counted as if nothing had ever been dropped.
    private long _next;

    /// <summary>Where the log ends now: what stands there already is not handed on.</summary>
    public void SkipToEnd()
    {
        try
        {
            using var log = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            var note = LogNote.Read(log);
            _next = RandomAccess.GetLength(log) - note.Length + note.Dropped;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // There is none yet.
        }
    }

    /// <param name="stream">Is given each piece; the bytes are there only during the call.</param>
    public void Read(AgentStream stream)
    {
        try
        {
            using var log = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            var note = LogNote.Read(log);
            var at = _next - note.Dropped + note.Length;
            if (at < note.Length)
            {
                // What was dropped is lost; the rest of a line that was begun is not its end.
                stream.DropLine();
                at = note.Length;
            }

            var buffer = _buffer ??= new byte[Piece];
            int count;
            while ((count = RandomAccess.Read(log, buffer, at)) > 0)
            {
                stream.Feed(buffer.AsSpan(0, count));
                at += count;
            }

            _next = at - note.Length + note.Dropped;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An agent may have put something else in its log's place.
        }
    }
}
