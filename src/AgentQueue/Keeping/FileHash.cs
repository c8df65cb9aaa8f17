using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace AgentQueue.Keeping;

/// <summary>A way to hash, by the name and the length that checksum lists know it by.</summary>
internal sealed record HashKind(string Name, int Digits, HashAlgorithmName Algorithm)
{
    public static readonly HashKind Sha256 = new("sha256", 64, HashAlgorithmName.SHA256);

    /// <summary>The first is the default.</summary>
    public static readonly IReadOnlyList<HashKind> All =
    [
        Sha256,
        new("sha1", 40, HashAlgorithmName.SHA1),
        new("sha512", 128, HashAlgorithmName.SHA512),
    ];
}

/// <summary>Hashes files of any size in the memory of one piece.</summary>
internal static class FileHash
{
    private const int PieceSize = 256 << 10;

    // What the runtime looks for on Linux, and ends the process without: it has no hashes of its own there.
    private static readonly string[] s_libraries =
    [
        "libssl.so.3",
        "libssl.so.1.1",
        "libssl.so.4",
        "libssl.so.10",
        "libssl.so",
    ];

    /// <returns>Lower-case hexadecimal digits.</returns>
    /// <exception cref="IOException">The stream cannot be read to its end.</exception>
    public static string Of(Stream content, HashKind kind)
    {
        RequireLibrary();
        using var hash = IncrementalHash.CreateHash(kind.Algorithm);
        var piece = new byte[PieceSize];
        int count;
        while ((count = content.Read(piece)) > 0)
        {
            hash.AppendData(piece, 0, count);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void RequireLibrary()
    {
        if (
            OperatingSystem.IsLinux()
            && !Array.Exists(s_libraries, static name => NativeLibrary.TryLoad(name, out _))
        )
        {
            throw new QueueException(
                "There is no OpenSSL here, which the hashes come from",
                "Install it: package libssl3, openssl-libs or openssl"
            );
        }
    }
}
