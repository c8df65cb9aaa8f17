using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace AgentQueue.Native;

/// <summary>The facts of stat(2) that agentq uses; times in nanoseconds since 1970.</summary>
internal readonly partial record struct FileStat(
    ulong Inode,
    long Size,
    long ModifiedNs,
    long ChangedNs,
    int Mode,
    uint Owner,
    uint Links,
    ulong Device
)
{
    private const int TypeMask = 0xF000;

    public uint Group { get; init; }

    public bool IsRegular => (Mode & TypeMask) == 0x8000;

    /// <summary>A file that has this one name: what is written into it is seen nowhere else.</summary>
    public bool IsOwnFile => IsRegular && Links <= 1;

    public bool IsLink => (Mode & TypeMask) == 0xA000;

    public bool IsFolder => (Mode & TypeMask) == 0x4000;

    /// <summary>Does not follow a link at the end of the path; null if it cannot be had (errno says why).</summary>
    public static FileStat? Of(string path) =>
        OperatingSystem.IsMacOS() ? MacOf(path, -1) : LinuxOf(-100, path, NoFollow);

    public static FileStat? Of(int fd) =>
        OperatingSystem.IsMacOS() ? MacOf("", fd) : LinuxOf(fd, "", 0x1000);

    /// <summary>As <see cref="Of(string)"/>, for a name in an open folder, with its terminating zero.</summary>
    [SupportedOSPlatform("linux")]
    public static unsafe FileStat? In(int folder, ReadOnlySpan<byte> name)
    {
        var b = stackalloc byte[256];
        // SAFETY: the name is pinned for the call and ends with a zero; statx fills 256 bytes.
        fixed (byte* start = name)
        {
            return StatX(folder, start, NoFollow, Basic, b) != 0 ? null : FromStatX(b);
        }
    }

    private const uint Basic = 0x7ff;
    private const int NoFollow = 0x100;

    private static unsafe FileStat? LinuxOf(int folder, string path, int flags)
    {
        var b = stackalloc byte[256];
        return StatX(folder, path, flags, Basic, b) != 0 ? null : FromStatX(b);
    }

    private static unsafe FileStat FromStatX(byte* b) =>
        new(
            *(ulong*)(b + 32),
            *(long*)(b + 40),
            Ns(*(long*)(b + 112), *(uint*)(b + 120)),
            Ns(*(long*)(b + 96), *(uint*)(b + 104)),
            *(ushort*)(b + 28),
            *(uint*)(b + 20),
            *(uint*)(b + 16),
            ((ulong)*(uint*)(b + 136) << 32) | *(uint*)(b + 140)
        )
        {
            Group = *(uint*)(b + 24),
        };

    private static unsafe FileStat? MacOf(string path, int fd)
    {
        Span<byte> buffer = stackalloc byte[256];
        fixed (byte* b = buffer)
        {
            var x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
            var failed =
                fd >= 0
                    ? x64
                        ? FStat64(fd, b)
                        : FStat(fd, b)
                    : x64
                        ? LStat64(path, b)
                        : LStat(path, b);
            return failed != 0
                ? null
                : new FileStat(
                    BinaryPrimitives.ReadUInt64LittleEndian(buffer[8..]),
                    BinaryPrimitives.ReadInt64LittleEndian(buffer[96..]),
                    Ns(
                        BinaryPrimitives.ReadInt64LittleEndian(buffer[48..]),
                        BinaryPrimitives.ReadInt64LittleEndian(buffer[56..])
                    ),
                    Ns(
                        BinaryPrimitives.ReadInt64LittleEndian(buffer[64..]),
                        BinaryPrimitives.ReadInt64LittleEndian(buffer[72..])
                    ),
                    BinaryPrimitives.ReadUInt16LittleEndian(buffer[4..]),
                    BinaryPrimitives.ReadUInt32LittleEndian(buffer[16..]),
                    BinaryPrimitives.ReadUInt16LittleEndian(buffer[6..]),
                    BinaryPrimitives.ReadUInt32LittleEndian(buffer)
                )
                {
                    Group = BinaryPrimitives.ReadUInt32LittleEndian(buffer[20..]),
                };
        }
    }

    private static long Ns(long seconds, long rest) => unchecked((seconds * 1_000_000_000) + rest);

    [LibraryImport(
        "libc",
        EntryPoint = "statx",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static unsafe partial int StatX(
        int folder,
        string path,
        int flags,
        uint mask,
        byte* buffer
    );

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static unsafe partial int StatX(
        int folder,
        byte* path,
        int flags,
        uint mask,
        byte* buffer
    );

    [LibraryImport(
        "libc",
        EntryPoint = "lstat",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static unsafe partial int LStat(string path, byte* buffer);

    [LibraryImport(
        "libc",
        EntryPoint = "lstat$INODE64",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static unsafe partial int LStat64(string path, byte* buffer);

    [LibraryImport("libc", EntryPoint = "fstat", SetLastError = true)]
    private static unsafe partial int FStat(int fd, byte* buffer);

    [LibraryImport("libc", EntryPoint = "fstat$INODE64", SetLastError = true)]
    private static unsafe partial int FStat64(int fd, byte* buffer);
}
