using AgentQueue.Config;
using AgentQueue.Native;
using AgentQueue.Storage;

namespace AgentQueue.Assistants;

/// <summary>
/// Where assistants are set up: a project, or the user's home folder. Files are named by keys: a path relative
/// to that folder, with slashes, or an absolute one if a variable leads elsewhere.
/// </summary>
internal sealed class SetupPlace
{
    private const string ManifestName = "assistants.json";

    private readonly Func<string, string?> _environment;

    private SetupPlace(string root, bool isUser, Func<string, string?> environment) =>
        (Root, IsUser, _environment) = (root, isUser, environment);

    /// <summary>The project's folder or the user's home.</summary>
    public string Root { get; }

    public bool IsUser { get; }

    /// <summary>The key of the file that keeps what was set up.</summary>
    public string Manifest { get; private init; } = "";

    public static SetupPlace OfProject(string root) =>
        new(root, isUser: false, static _ => null)
        {
            Manifest = $"{QueueFolder.FolderName}/{ManifestName}",
        };

    /// <exception cref="QueueException">There is no home folder.</exception>
    public static SetupPlace OfUser(Func<string, string?> environment)
    {
        var home = environment("HOME") is { Length: > 0 } set ? set : environment("USERPROFILE");
        if (string.IsNullOrEmpty(home) || !Path.IsPathFullyQualified(home))
        {
            throw new QueueException(
                "There is no home folder to set anything up in",
                "Set HOME to its path, or leave out --user"
            );
        }

        var place = new SetupPlace(Path.TrimEndingDirectorySeparator(home), true, environment);
        var folder = Path.GetDirectoryName(Adapters.UserFolder(environment)!)!;
        return new SetupPlace(place.Root, true, environment)
        {
            Manifest = place.KeyOfPath(Path.Join(folder, ManifestName)),
        };
    }

    /// <summary>The key of a path of a data file (<see cref="AssistantFiles"/>).</summary>
    public string KeyOf(string path)
    {
        if (!path.StartsWith("${", StringComparison.Ordinal))
        {
            return path;
        }

        var (name, rest) = Halves(path[2..], ":-");
        var (fallback, below) =
            Halves(rest, "}/") is var (f, b) && b.Length > 0 ? (f, b) : (rest.TrimEnd('}'), "");
        return _environment(name) is { Length: > 0 } set && Path.IsPathFullyQualified(set)
                ? KeyOfPath(Path.Join(set, below))
            : fallback == "." ? below
            : below.Length == 0 ? fallback
            : $"{fallback}/{below}";
    }

    /// <summary>How people name it.</summary>
    public string Shown(string key) => IsUser && !Path.IsPathRooted(key) ? $"~/{key}" : key;

    public string PathOf(string key) =>
        Path.IsPathRooted(key) ? key : Path.GetFullPath(Path.Join(Root, key));

    /// <summary>True if something stands there, or a link.</summary>
    public bool Has(string key) => Path.Exists(PathOf(key));

    /// <summary>Where a file really is, through links, all of which stay inside.</summary>
    /// <exception cref="QueueException">A link leads out of the project or the home folder, or to nothing.</exception>
    public string Resolve(string key)
    {
        var path = PathOf(key);
        var (there, rest) = (path, "");
        while (!Stands(there) && Path.GetDirectoryName(there) is { } parent)
        {
            rest = Path.Join(Path.GetFileName(there), rest);
            there = parent;
        }

        if (rest.Length > 0 && !Directory.Exists(there))
        {
            throw new QueueException(
                $"{Shown(key)} cannot be made, because {there} is no folder",
                "Move it away, or leave this assistant out"
            );
        }

        var real = RealPath(there);
        if (real is not null && Bases(key, path).Any(b => IsInside(real, b)))
        {
            return rest.Length > 0 ? Path.Join(real, rest) : real;
        }

        throw new QueueException(
            $"{Shown(key)} would be written through a link, {(real is null ? "which leads to nothing" : $"to {real}")}",
            $"agentq writes only inside {Root}; edit the file by hand, or put a real one in its place"
        );
    }

    // .agents itself may be a link, for those who want their queue on another disk (FolderTrust). A folder that a
    // variable names was chosen by the user.
    private IEnumerable<string> Bases(string key, string path)
    {
        IEnumerable<string> folders =
            Path.IsPathRooted(key) ? [Path.GetDirectoryName(path)!]
            : IsUser ? [Root]
            : [Root, Path.Join(Root, QueueFolder.FolderName)];
        return folders.Select(static f => RealPath(Existing(f))).OfType<string>();
    }

    private static string Existing(string folder)
    {
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
        {
            folder = parent;
        }

        return folder;
    }

    private static bool Stands(string path) =>
        OperatingSystem.IsWindows() ? Path.Exists(path) : FileStat.Of(path) is not null;

    private static string? RealPath(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            return Libc.RealPath(path);
        }

        // Windows has no short way to ask for it: a link anywhere on the way counts as one that leads away.
        for (var part = path; part is not null; part = Path.GetDirectoryName(part))
        {
            if (new DirectoryInfo(part).LinkTarget is not null)
            {
                return null;
            }
        }

        return path;
    }

    private static bool IsInside(string path, string folder) =>
        path == folder
        || folder == Path.GetPathRoot(folder)
        || path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private string KeyOfPath(string path)
    {
        var full = Path.GetFullPath(path);
        return full.StartsWith(Root + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? full[(Root.Length + 1)..].Replace('\\', '/')
            : full;
    }

    private static (string, string) Halves(string text, string separator) =>
        text.IndexOf(separator, StringComparison.Ordinal) is var at and >= 0
            ? (text[..at], text[(at + separator.Length)..])
            : (text, "");
}
