using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>
/// A folder as the kernel lists it: names stay bytes, facts are asked for relative to the open folder, so
/// the system walks the way to it only once.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxFolderLook : IFolderLook
{
    private const int LongestName = 256;

    // struct linux_dirent64 of getdents64(2): inode (8), position (8), length (2), type (1), name.
    private const int LengthAt = 16;
    private const int NameAt = 19;

    private readonly string _folder;
    private readonly int _fd;
    private readonly int _refusal;

    public LinuxFolderLook(string folder)
    {
        _folder = folder;
        _fd = Libc.Open(folder, Libc.O_RDONLY | Libc.O_DIRECTORY);
        _refusal = _fd < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    public unsafe void Visit(NameVisitor visitor)
    {
        if (_fd < 0)
        {
            // A queue that was never used has no such folder yet: it holds nothing.
            if (_refusal is Libc.ENOENT)
            {
                return;
            }

            throw DiskError.From(_refusal, "read the folder", _folder);
        }

        var buffer = new byte[64 << 10];
        fixed (byte* start = buffer)
        {
            while (true)
            {
                // SAFETY: the buffer is pinned, and the kernel fills no more than its length.
                var filled = Linux.ListFolder(_fd, start, buffer.Length);
                if (filled == 0)
                {
                    return;
                }

                if (filled < 0)
                {
                    throw DiskError.Last("read the folder", _folder);
                }

                for (var at = 0; at < filled; )
                {
                    var entry = buffer.AsSpan(at, (int)filled - at);
                    var length = BinaryPrimitives.ReadUInt16LittleEndian(entry[LengthAt..]);
                    var name = entry[NameAt..length];
                    name = name[..name.IndexOf((byte)0)];
                    if (!IsSelfOrParent(name))
                    {
                        visitor(name, BinaryPrimitives.ReadUInt64LittleEndian(entry));
                    }

                    at += length;
                }
            }
        }
    }

    public FileFacts? Facts(ReadOnlySpan<byte> name)
    {
        Span<byte> text = stackalloc byte[LongestName];
        if (_fd < 0 || name.Length >= LongestName)
        {
            return null;
        }

        name.CopyTo(text);
        text[name.Length] = 0;
        return FileStat.In(_fd, text) is { } s ? FileFacts.Of(s) : null;
    }

    public FileFacts? Own => _fd >= 0 && FileStat.Of(_fd) is { } stat ? FileFacts.Of(stat) : null;

    public void Dispose()
    {
        if (_fd >= 0)
        {
            _ = Libc.Close(_fd);
        }
    }

    private static bool IsSelfOrParent(ReadOnlySpan<byte> name) =>
        name[0] == '.' && (name.Length == 1 || (name.Length == 2 && name[1] == '.'));
}
