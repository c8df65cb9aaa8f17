using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AgentQueue.EndToEnd.Assistants;

/// <summary>Everything below a folder, to be compared.</summary>
internal static class Tree
{
    /// <summary>A line for each name: mode, target of a link, hash of the content.</summary>
    public static string Of(string folder) => Lines(folder, static _ => "");

    /// <summary>As <see cref="Of"/>, with the times of change, which also a write that changes nothing moves.</summary>
    public static string WithTimes(string folder) =>
        Lines(
            folder,
            static p =>
                new FileInfo(p).LastWriteTimeUtc.Ticks.ToString(CultureInfo.InvariantCulture)
        );

    private static string Lines(string folder, Func<string, string> more)
    {
        var text = new StringBuilder();
        foreach (
            var path in Directory
                .EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
        )
        {
            var info = new FileInfo(path);
            var content =
                info.LinkTarget
                ?? (
                    Directory.Exists(path)
                        ? "folder"
                        : Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))
                );
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Path.GetRelativePath(folder, path)} {(OperatingSystem.IsWindows() ? 0 : info.UnixFileMode)} {content} {more(path)}\n"
            );
        }

        return text.ToString();
    }
}
