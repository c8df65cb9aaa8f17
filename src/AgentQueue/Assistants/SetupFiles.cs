using System.Text;
using AgentQueue.Keeping;
using AgentQueue.Native;
using AgentQueue.Storage;

namespace AgentQueue.Assistants;

/// <summary>A file as it was found, and as it is to be.</summary>
/// <param name="path">Where it really is.</param>
/// <param name="found">Null if it is not there.</param>
internal sealed class PlannedFile(string key, string path, byte[]? found)
{
    public string Key { get; } = key;

    public string Path { get; } = path;

    public byte[]? Found { get; } = found;

    /// <summary>Null if it is not to be there.</summary>
    public byte[]? Wanted { get; set; } = found;

    public bool Changes =>
        Found is null != Wanted is null
        || (Found is not null && !Found.AsSpan().SequenceEqual(Wanted));
}

/// <summary>The files that a setup is about, each read once, before anything is written.</summary>
internal sealed class SetupFiles(SetupPlace place, IDisk disk)
{
    private const int Largest = 64 << 20;

    private static readonly UTF8Encoding s_utf8 = new(false, throwOnInvalidBytes: true);

    private readonly Dictionary<string, PlannedFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _keys = new(StringComparer.Ordinal);

    /// <summary>Those that are to become other than they are.</summary>
    public IEnumerable<PlannedFile> Changes => _files.Values.Where(static f => f.Changes);

    /// <summary>Where it really is; null if it is nowhere that we may write.</summary>
    public string? PathOf(string key)
    {
        try
        {
            return this[key].Path;
        }
        catch (QueueException)
        {
            // Whoever asked for it has been told when it was planned.
            return null;
        }
    }

    /// <summary>
    /// The first key that was asked for of all that lead to the same file: a link inside the project gives one
    /// file two names, and it is on record under one.
    /// </summary>
    public string KeyOf(string key)
    {
        try
        {
            var path = place.Resolve(key);
            return _keys.TryAdd(path, key) ? key : _keys[path];
        }
        catch (QueueException)
        {
            // Whoever plans it is told.
            return key;
        }
    }

    /// <exception cref="QueueException">It cannot be read, or a link leads away.</exception>
    public PlannedFile this[string key]
    {
        get
        {
            if (!_files.TryGetValue(key, out var file))
            {
                var path = place.Resolve(key);
                _files[key] = file = new PlannedFile(key, path, Read(path, place.Shown(key)));
            }

            return file;
        }
    }

    /// <exception cref="QueueException">It is not to be replaced, though it could be.</exception>
    public void CheckMayChange(PlannedFile file)
    {
        if (file.Found is null)
        {
            return;
        }

        var shown = place.Shown(file.Key);
        if (
            OperatingSystem.IsWindows()
                ? File.GetAttributes(file.Path).HasFlag(FileAttributes.ReadOnly)
                : !File.GetUnixFileMode(file.Path).HasFlag(UnixFileMode.UserWrite)
        )
        {
            throw new QueueException(
                $"{shown} is read-only",
                "Make it writable and run the same command again, or edit it by hand"
            );
        }

        if (!OperatingSystem.IsWindows() && FileStat.Of(file.Path) is { IsOwnFile: false })
        {
            throw new QueueException(
                $"{shown} has other names elsewhere (hard links), which would go on leading to the old content",
                "Edit it by hand, or put a copy in its place and run the same command again"
            );
        }
    }

    public byte[]? Read(string path, string shownAs)
    {
        var read = disk.Read(path, Largest);
        return read.Status switch
        {
            ReadStatus.Ok => read.Content,
            ReadStatus.Missing => null,
            ReadStatus.NotAFile => throw new QueueException(
                $"{shownAs} is no regular file",
                "Move it away, or leave this assistant out"
            ),
            ReadStatus.TooLarge => throw new QueueException(
                $"{shownAs} is larger than {Largest >> 20} MiB"
            ),
            ReadStatus.Refused => throw new QueueException(
                $"{shownAs} cannot be read: {read.Problem}"
            ),
        };
    }

    /// <summary>A byte order mark stays a character of the text, so that the bytes come back as they were.</summary>
    /// <exception cref="QueueException">It is no text.</exception>
    public static string TextOf(byte[] content, string shownAs)
    {
        try
        {
            return s_utf8.GetString(content);
        }
        catch (DecoderFallbackException e)
        {
            throw new QueueException(
                $"{shownAs} is not UTF-8 text, so nothing can be put into it",
                "Save it as UTF-8, or add the entry by hand",
                cause: e
            );
        }
    }

    public static byte[] BytesOf(string text) => s_utf8.GetBytes(text);

    /// <summary>Of the text with plain line ends: git may have written others (core.autocrlf).</summary>
    public static string HashOf(byte[] content) =>
        FileHash.Of(new MemoryStream(WithPlainLineEnds(content)), HashKind.Sha256);

    /// <summary>The same but for line ends.</summary>
    public static bool IsSameText(byte[] one, byte[] other) =>
        WithPlainLineEnds(one).AsSpan().SequenceEqual(WithPlainLineEnds(other));

    private static byte[] WithPlainLineEnds(byte[] content) =>
        content.AsSpan().Contains((byte)'\r')
            ?
            [
                .. content.Where(
                    (b, i) => b != '\r' || i + 1 == content.Length || content[i + 1] != '\n'
                ),
            ]
            : content;
}
