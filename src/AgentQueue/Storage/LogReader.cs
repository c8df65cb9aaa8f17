using System.Text;

namespace AgentQueue.Storage;

/// <summary>
/// Reads a log that may be of any size and still growing, in pieces, with the memory of one piece. What it
/// has opened it keeps reading, also after the file was moved to the archive.
/// </summary>
internal sealed class LogReader : IDisposable
{
    private const int Piece = 64 * 1024;

    private readonly FileStream _file;
    private readonly byte[] _buffer = new byte[Piece];

    private LogNote _note;

    private LogReader(FileStream file)
    {
        _file = file;
        _note = LogNote.Read(file.SafeFileHandle);
    }

    /// <summary>The log; null if there is none. Only a regular file counts: a fifo would never be read.</summary>
    /// <exception cref="QueueException">It is there and cannot be read.</exception>
    public static LogReader? TryOpen(IDisk disk, string path)
    {
        if (disk.Facts(path) is not { IsRegular: true })
        {
            return null;
        }

        try
        {
            return new LogReader(
                new FileStream(
                    path,
                    FileMode.Open,
                    FileAccess.Read,
                    FileShare.ReadWrite | FileShare.Delete,
                    bufferSize: 0
                )
            );
        }
        catch (FileNotFoundException)
        {
            // Moved or removed since we looked.
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot read {path}: {e.Message}", cause: e);
        }
    }

    /// <summary>Bytes so far.</summary>
    public long Length => _file.Length;

    /// <summary>Where the next piece begins.</summary>
    public long Position
    {
        get => _file.Position;
        set => _file.Position = value;
    }

    /// <summary>Goes to the beginning of the last lines; a line without its end counts, 0 are all.</summary>
    public void SeekToLast(int lines)
    {
        if (lines == 0)
        {
            _file.Position = 0;
            return;
        }

        // The end of the last line begins no further one.
        var end = _file.Length;
        var ends = 0L;
        for (var at = end; at > 0; )
        {
            var start = Math.Max(0, at - Piece);
            var piece = _buffer.AsSpan(0, (int)(at - start));
            _file.Position = start;
            // It may have been cut meanwhile; then there is less.
            piece = piece[.._file.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false)];
            for (
                var i = piece.LastIndexOf((byte)'\n');
                i >= 0;
                i = piece[..i].LastIndexOf((byte)'\n')
            )
            {
                if (start + i == end - 1)
                {
                    continue;
                }

                if (++ends == lines)
                {
                    _file.Position = start + i + 1;
                    return;
                }
            }

            at = start;
        }

        _file.Position = 0;
    }

    /// <summary>
    /// The next piece of what stands there by now; empty at the end. It is valid until the next call.
    /// </summary>
    public ReadOnlySpan<byte> Next()
    {
        FollowCut();
        return _buffer.AsSpan(0, _file.Read(_buffer));
    }

    // The byte that would have come next stands elsewhere after a cut (LogLimit).
    private void FollowCut()
    {
        var now = LogNote.Read(_file.SafeFileHandle);
        if (now.Dropped != _note.Dropped)
        {
            var next = _note.Dropped + _file.Position - _note.Length;
            _file.Position = Math.Max(now.Length + next - now.Dropped, now.Length);
            _note = now;
        }

        // Somebody emptied it: what comes now is new.
        if (_file.Position > _file.Length)
        {
            _file.Position = 0;
        }
    }

    /// <summary>
    /// The last lines as text, of which at most so many bytes; whether some were left out for that.
    /// </summary>
    public (string Text, bool IsCut) Last(int lines, int longest)
    {
        SeekToLast(lines);
        var isCut = Length - Position > longest;
        if (isCut)
        {
            Position = Length - longest;
        }

        var bytes = new byte[Math.Min(Length - Position, longest)];
        var count = _file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return (Encoding.UTF8.GetString(bytes, 0, count), isCut);
    }

    public void Dispose() => _file.Dispose();
}
