using System.Runtime.Versioning;
using System.Text.Unicode;
using AgentQueue.Native;

namespace AgentQueue.Watching;

/// <summary>Facts are asked for relative to the open folder, so the system walks the way to it only once.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxFolderListing : FolderListing
{
    private readonly List<(int At, int Length, byte Type)> _entries = [];
    private readonly Linux.EntryVisitor _keep;
    private readonly byte[] _buffer = new byte[32 << 10];

    // All names, each with a zero behind it.
    private byte[] _names = new byte[16 << 10];
    private int _used;
    private int _fd = -1;

    public LinuxFolderListing() => _keep = Keep;

    public override int Count => _entries.Count;

    public override bool Open(string path)
    {
        Close();
        _entries.Clear();
        _used = 0;
        _fd = Libc.Open(path, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW);
        return _fd >= 0 && Linux.VisitFolder(_fd, _keep, _buffer);
    }

    public override ReadOnlySpan<byte> NameOf(int index) =>
        _names.AsSpan(_entries[index].At, _entries[index].Length);

    public override EntryKind KindOf(int index) =>
        _entries[index].Type switch
        {
            Linux.DT_DIR => EntryKind.Folder,
            Linux.DT_REG or Linux.DT_LNK => EntryKind.File,
            0 => StatOf(index) is { } stat ? FromStat(stat).Kind : EntryKind.Other,
            _ => EntryKind.Other,
        };

    public override FileFacts? FactsOf(int index) =>
        StatOf(index) is { } stat ? FromStat(stat).Facts : null;

    public override void Dispose()
    {
        Close();
        base.Dispose();
    }

    private void Close()
    {
        if (_fd >= 0)
        {
            _ = Libc.Close(_fd);
            _fd = -1;
        }
    }

    private FileStat? StatOf(int index) =>
        FileStat.In(_fd, _names.AsSpan(_entries[index].At, _entries[index].Length + 1));

    private bool Keep(ReadOnlySpan<byte> name, byte type)
    {
        if (Utf8.IsValid(name))
        {
            if (_names.Length - _used <= name.Length)
            {
                Array.Resize(ref _names, _names.Length * 2);
            }

            name.CopyTo(_names.AsSpan(_used));
            _names[_used + name.Length] = 0;
            _entries.Add((_used, name.Length, type));
            _used += name.Length + 1;
        }

        return true;
    }
}
