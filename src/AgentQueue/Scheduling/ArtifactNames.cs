using System.Globalization;
using System.Text;

namespace AgentQueue.Scheduling;

/// <summary>
/// The names under which the artifacts of one task are stored: paths with slashes, below the destination
/// whatever a source is called, each given once, also where the case of letters does not count.
/// </summary>
internal sealed class ArtifactNames
{
    public const string TemporaryPrefix = ".artifact.tmp-";

    private const string Up = "__up__";
    private const string Absolute = "__abs__";
    private const int LongestName = 255;

    private readonly HashSet<string> _files = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _folders = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> _tries = new(StringComparer.OrdinalIgnoreCase);

    // By the source's own folder: two that differ only in case stay two.
    private readonly Dictionary<string, string> _folderOf = new(StringComparer.Ordinal);

    /// <param name="source">The real path of a file.</param>
    /// <param name="workingFolder">The real path of the folder that names are relative to; null if it is not there.</param>
    /// <param name="isAbsolute">Outside of the working folder the whole path is kept.</param>
    public string Take(string source, string? workingFolder, bool isAbsolute)
    {
        var path = PathOf(source, workingFolder, isAbsolute);
        var end = path.LastIndexOf('/');
        var name = Free(FolderFor(end < 0 ? "" : path[..end]), path[(end + 1)..]);
        _files.Add(name);
        return name;
    }

    private static string PathOf(string source, string? workingFolder, bool isAbsolute)
    {
        var relative = workingFolder is null ? source : Path.GetRelativePath(workingFolder, source);
        relative = relative.Replace(Path.DirectorySeparatorChar, '/');
        if (!relative.StartsWith("../", StringComparison.Ordinal) && !Path.IsPathRooted(relative))
        {
            return relative;
        }

        return isAbsolute || Path.IsPathRooted(relative)
            ? $"{Absolute}/{source.Replace(Path.DirectorySeparatorChar, '/').TrimStart('/')}"
            : string.Join('/', relative.Split('/').Select(static p => p == ".." ? Up : p));
    }

    private string FolderFor(string path)
    {
        if (path.Length == 0)
        {
            return "";
        }

        if (!_folderOf.TryGetValue(path, out var stored))
        {
            var end = path.LastIndexOf('/');
            var parent = FolderFor(end < 0 ? "" : path[..end]);
            stored = Free(parent, path[(end + 1)..]);
            _folders.Add(stored);
            _folderOf.Add(path, stored);
        }

        return stored;
    }

    private string Free(string folder, string name)
    {
        var clean = Clean(name);
        var first = Join(folder, Shorten(clean));
        if (!_files.Contains(first) && !_folders.Contains(first))
        {
            return first;
        }

        // Counted on from the last one, or ten thousand of them would ask fifty million times.
        for (var n = _tries.GetValueOrDefault(first, 2); ; n++)
        {
            var extension = Path.GetExtension(clean);
            var next = Join(
                folder,
                Shorten(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{clean[..^extension.Length]}__case{n}{extension}"
                    )
                )
            );
            if (!_files.Contains(next) && !_folders.Contains(next))
            {
                _tries[first] = n + 1;
                return next;
            }
        }
    }

    private static string Join(string folder, string name) =>
        folder.Length == 0 ? name : $"{folder}/{name}";

    private static string Clean(string name)
    {
        var clean = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes())
        {
            // What is no text at all comes out as the replacement character.
            clean.Append(
                rune.Value == ':' || rune == Rune.ReplacementChar || Rune.IsControl(rune)
                    ? "_"
                    : rune.ToString()
            );
        }

        // Ours are removed when we find them, so no other may be called like them.
        return name.StartsWith(TemporaryPrefix, StringComparison.OrdinalIgnoreCase)
            ? $"_{clean}"
            : clean.ToString();
    }

    // The whole name is in the hash, and the extension stays.
    private static string Shorten(string name)
    {
        if (Encoding.UTF8.GetByteCount(name) <= LongestName)
        {
            return name;
        }

        var extension = Path.GetExtension(name);
        if (Encoding.UTF8.GetByteCount(extension) > 32)
        {
            extension = "";
        }

        var end = string.Create(CultureInfo.InvariantCulture, $"~{Hash(name):x16}{extension}");
        var room = LongestName - Encoding.UTF8.GetByteCount(end);
        var start = new StringBuilder(LongestName);
        foreach (var rune in name.EnumerateRunes())
        {
            room -= rune.Utf8SequenceLength;
            if (room < 0)
            {
                break;
            }

            start.Append(rune.ToString());
        }

        return start.Append(end).ToString();
    }

    // FNV-1a: two with the same are told apart as two that differ in case are.
    private static ulong Hash(string text)
    {
        var hash = 14695981039346656037;
        foreach (var c in text)
        {
            hash = unchecked((hash ^ c) * 1099511628211);
        }

        return hash;
    }
}
