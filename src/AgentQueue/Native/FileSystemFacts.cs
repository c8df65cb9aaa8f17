using System.Runtime.InteropServices;

namespace AgentQueue.Native;

/// <summary>What is known of the file system that a path lies on.</summary>
/// <param name="Type">Linux's magic number; 0 elsewhere.</param>
/// <param name="Files">How many files it can hold; 0 if it does not count them.</param>
internal readonly partial record struct FileSystemFacts(
    long Type,
    long FreeBytes,
    long Files,
    long FreeFiles
)
{
    // Where locks may be emulated, late, or not seen by other machines.
    private static readonly Dictionary<long, string> s_remote = new()
    {
        [0x6969] = "NFS",
        [0x517B] = "SMB",
        [0xFF534D42] = "CIFS",
        [0xFE534D42] = "SMB",
        [0x65735546] = "FUSE",
        [0x01021997] = "9P",
        [0x5346414F] = "AFS",
        [0x00C36400] = "Ceph",
        [0x0BD00BD0] = "Lustre",
        [0x01161970] = "GFS2",
        [0x19830326] = "BeeGFS",
        [0x47504653] = "GPFS",
        [0x786F4256] = "a VirtualBox share",
    };

    private static readonly Dictionary<long, string> s_local = new()
    {
        [0xEF53] = "ext4",
        [0x58465342] = "XFS",
        [0x9123683E] = "Btrfs",
        [0x01021994] = "tmpfs",
        [0x794C7630] = "overlayfs",
        [0x2FC12FC1] = "ZFS",
        [0xF2F52010] = "F2FS",
    };

    // Where owner and mode of every file are what the mount says.
    private static readonly HashSet<long> s_withoutModes =
    [
        0x517B, // SMB
        0xFF534D42, // CIFS
        0xFE534D42, // SMB 2
        0x65735546, // FUSE
        0x01021997, // 9P, where Windows shows its disks to Linux
        0x786F4256, // VirtualBox
        0x4D44, // FAT
        0x2011BAB0, // exFAT
        0x7366746E, // NTFS
    ];

    /// <summary>False where a mode of 0777 is not what anybody has chosen.</summary>
    public bool KeepsModes => !s_withoutModes.Contains(Type);

    public bool IsRemote => s_remote.ContainsKey(Type);

    public bool IsMemory => Type == 0x01021994;

    public string Name =>
        s_remote.GetValueOrDefault(Type) ?? s_local.GetValueOrDefault(Type) ?? "another kind";

    /// <summary>Null if the system does not tell.</summary>
    public static FileSystemFacts? Of(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            return LinuxOf(path);
        }

        try
        {
            return new FileSystemFacts(0, new DriveInfo(path).AvailableFreeSpace, 0, 0);
        }
        catch (Exception e)
            when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // Then there is nothing to say about it.
            return null;
        }
    }

    // The layout of every 64-bit Linux: type, block size, blocks, free, available, files, free files.
    private static unsafe FileSystemFacts? LinuxOf(string path)
    {
        var b = stackalloc long[64];
        return StatFs(path, b) != 0
            ? null
            : new FileSystemFacts(b[0] & 0xFFFFFFFF, Product(b[1], b[4]), b[5], b[6]);
    }

    private static long Product(long size, long count) =>
        (long)Math.Min((double)size * count, long.MaxValue / 2);

    [LibraryImport(
        "libc",
        EntryPoint = "statfs",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static unsafe partial int StatFs(string path, long* buffer);
}
