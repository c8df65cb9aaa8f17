using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Native;

/// <summary>Files of Windows, opened so that others may still replace and remove them. Errors by last error.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class WindowsFiles
{
    private const string Library = "kernel32";

    public const int ERROR_FILE_NOT_FOUND = 2;
    public const int ERROR_PATH_NOT_FOUND = 3;
    public const int ERROR_ACCESS_DENIED = 5;
    public const int ERROR_INVALID_HANDLE = 6;
    public const int ERROR_WRITE_PROTECT = 19;
    public const int ERROR_SHARING_VIOLATION = 32;
    public const int ERROR_LOCK_VIOLATION = 33;
    public const int ERROR_HANDLE_DISK_FULL = 39;
    public const int ERROR_NOT_SUPPORTED = 50;
    public const int ERROR_FILE_EXISTS = 80;
    public const int ERROR_INVALID_PARAMETER = 87;
    public const int ERROR_DISK_FULL = 112;
    public const int ERROR_INVALID_NAME = 123;
    public const int ERROR_ALREADY_EXISTS = 183;
    public const int ERROR_MORE_DATA = 234;
    public const int ERROR_DELETE_PENDING = 303;
    public const int ERROR_IO_DEVICE = 1117;

    public const uint GENERIC_READ = 0x8000_0000;
    public const uint GENERIC_WRITE = 0x4000_0000;
    public const uint DELETE = 0x1_0000;
    public const uint FILE_READ_ATTRIBUTES = 0x80;
    public const uint FILE_WRITE_ATTRIBUTES = 0x100;

    /// <summary>FILE_GENERIC_WRITE without FILE_WRITE_DATA, so that every write goes to the end; and the attributes.</summary>
    public const uint APPEND = 0x12_0194;

    public const uint SHARE_READ = 1;
    public const uint SHARE_DELETE = 4;
    public const uint SHARE_ALL = 7;

    public const uint CREATE_NEW = 1;
    public const uint OPEN_EXISTING = 3;
    public const uint OPEN_ALWAYS = 4;

    private const uint FILE_ATTRIBUTE_DIRECTORY = 0x10;
    private const uint FILE_ATTRIBUTE_DEVICE = 0x40;
    private const uint FILE_ATTRIBUTE_REPARSE_POINT = 0x400;

    // A link is opened itself and not what it leads to, and a folder can be opened at all: what stands
    // there is then seen in the attributes, and refused.
    private const uint NoFollow = 0x0020_0000 | 0x0200_0000;

    /// <param name="Index">Identifies the file on its volume.</param>
    /// <param name="Written">In units of 100 ns since 1601.</param>
    public readonly record struct Facts(
        ulong Index,
        uint Volume,
        long Size,
        long Written,
        bool IsRegular,
        bool IsFolder
    );

    [LibraryImport(
        Library,
        EntryPoint = "CreateFileW",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16
    )]
    private static partial SafeFileHandle CreateFile(
        string path,
        uint access,
        uint share,
        nint security,
        uint disposition,
        uint flags,
        nint template
    );

    /// <summary>Not inherited by children. Never follows a link at the end of the path.</summary>
    public static SafeFileHandle Open(string path, uint access, uint share, uint disposition) =>
        CreateFile(Long(path), access, share, 0, disposition, NoFollow, 0);

    /// <summary>The device that swallows everything and is empty.</summary>
    public static SafeFileHandle OpenNothing() =>
        CreateFile("NUL", GENERIC_READ | GENERIC_WRITE, SHARE_ALL, 0, OPEN_EXISTING, 0, 0);

    [LibraryImport(Library, EntryPoint = "GetFileInformationByHandle", SetLastError = true)]
    private static partial int GetInformation(SafeFileHandle file, uint* information);

    /// <summary>Null if they cannot be had.</summary>
    public static Facts? FactsOf(SafeFileHandle file)
    {
        var i = stackalloc uint[13];
        // SAFETY: BY_HANDLE_FILE_INFORMATION is 13 numbers of 32 bits: attributes, three times of two, volume,
        // size of two (high first), links, index of two (high first).
        if (GetInformation(file, i) == 0)
        {
            return null;
        }

        const uint Irregular =
            FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE | FILE_ATTRIBUTE_REPARSE_POINT;
        return new Facts(
            ((ulong)i[11] << 32) | i[12],
            i[7],
            (long)(((ulong)i[8] << 32) | i[9]),
            (long)(((ulong)i[6] << 32) | i[5]),
            (i[0] & Irregular) == 0,
            (i[0] & FILE_ATTRIBUTE_DIRECTORY) != 0
        );
    }

    /// <summary>Of whatever stands under a name; asking for no data, it also sees files that are locked.</summary>
    public static Facts? FactsOf(string path)
    {
        using var file = Open(path, FILE_READ_ATTRIBUTES, SHARE_ALL, OPEN_EXISTING);
        return file.IsInvalid ? null : FactsOf(file);
    }

    [LibraryImport(Library, EntryPoint = "ReadFile", SetLastError = true)]
    private static partial int ReadFile(
        SafeHandle file,
        byte* buffer,
        uint count,
        uint* done,
        nint overlapped
    );

    /// <summary>The number of bytes; 0 at the end, −1 on an error.</summary>
    public static int Read(SafeHandle file, Span<byte> buffer)
    {
        uint done;
        // SAFETY: the span is pinned for the call, which writes at most its length.
        fixed (byte* start = buffer)
        {
            return ReadFile(file, start, (uint)buffer.Length, &done, 0) != 0 ? (int)done : -1;
        }
    }

    [LibraryImport(Library, EntryPoint = "WriteFile", SetLastError = true)]
    private static partial int WriteFile(
        SafeHandle file,
        byte* buffer,
        uint count,
        uint* done,
        nint overlapped
    );

    /// <summary>Writes everything, or returns false.</summary>
    public static bool Write(SafeHandle file, ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            uint done;
            // SAFETY: the span is pinned for the call, which reads at most its length.
            fixed (byte* start = content)
            {
                if (WriteFile(file, start, (uint)content.Length, &done, 0) == 0)
                {
                    return false;
                }
            }

            content = content[(int)done..];
        }

        return true;
    }

    [LibraryImport(Library, EntryPoint = "FlushFileBuffers", SetLastError = true)]
    private static partial int FlushFileBuffers(SafeFileHandle file);

    /// <summary>Brings a file, or the entries of a folder, to stable storage.</summary>
    public static bool Flush(SafeFileHandle file) => FlushFileBuffers(file) != 0;

    [LibraryImport(
        Library,
        EntryPoint = "MoveFileExW",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16
    )]
    private static partial int MoveFileEx(string from, string to, uint flags);

    /// <summary>Renames within a volume and returns once that is stored.</summary>
    public static bool Move(string from, string to, bool replace)
    {
        const uint MOVEFILE_REPLACE_EXISTING = 1;
        const uint MOVEFILE_WRITE_THROUGH = 8;
        return MoveFileEx(
                Long(from),
                Long(to),
                MOVEFILE_WRITE_THROUGH | (replace ? MOVEFILE_REPLACE_EXISTING : 0)
            ) != 0;
    }

    [LibraryImport(Library, EntryPoint = "SetFileInformationByHandle", SetLastError = true)]
    private static partial int SetInformation(
        SafeFileHandle file,
        int kind,
        void* information,
        uint size
    );

    /// <summary>
    /// Removes the name that was opened with <see cref="DELETE"/>. Where the file system can, the name is free
    /// at once, as on Unix; elsewhere once everybody has closed the file.
    /// </summary>
    public static bool Remove(SafeFileHandle file)
    {
        const int FileDispositionInfo = 4;
        const int FileDispositionInfoEx = 21;
        const uint DeleteNowEvenReadOnly = 0x1 | 0x2 | 0x10;
        var flags = DeleteNowEvenReadOnly;
        // SAFETY: both kinds take one number, of 32 bits and of 8.
        if (SetInformation(file, FileDispositionInfoEx, &flags, sizeof(uint)) != 0)
        {
            return true;
        }

        if (
            Marshal.GetLastPInvokeError()
            is not (ERROR_INVALID_PARAMETER or ERROR_NOT_SUPPORTED or 1)
        )
        {
            return false;
        }

        byte delete = 1;
        return SetInformation(file, FileDispositionInfo, &delete, 1) != 0;
    }

    [LibraryImport(Library, EntryPoint = "SetFileTime", SetLastError = true)]
    private static partial int SetFileTime(
        SafeFileHandle file,
        long* created,
        long* accessed,
        long* written
    );

    /// <summary>Sets when a file was written last; asking for no data, it also reaches files that are locked.</summary>
    public static void Touch(string path, long written)
    {
        using var file = Open(path, FILE_WRITE_ATTRIBUTES, SHARE_ALL, OPEN_EXISTING);
        if (!file.IsInvalid)
        {
            _ = SetFileTime(file, null, null, &written);
        }
    }

    [LibraryImport(
        Library,
        EntryPoint = "CreateDirectoryW",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16
    )]
    private static partial int CreateDirectory(string path, nint security);

    public static bool MakeFolder(string path) => CreateDirectory(Long(path), 0) != 0;

    // Without the prefix a path may have 259 characters, 247 for a folder. With it nothing is normalized.
    private static string Long(string path)
    {
        const int Short = 240;
        if (path.Length < Short || path.StartsWith(@"\\?\", StringComparison.Ordinal))
        {
            return path;
        }

        var full = Path.GetFullPath(path);
        return full.StartsWith(@"\\", StringComparison.Ordinal)
            ? @"\\?\UNC\" + full[2..]
            : @"\\?\" + full;
    }
}
