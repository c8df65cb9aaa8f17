using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Watching;

/// <summary>
/// Which paths of a project git would leave alone: the .gitignore of each folder, those of the folders above
/// up to the repository's, <c>.git/info/exclude</c>, and the user's own <c>git/ignore</c>. The nearest file
/// decides first, and in a file the last pattern that matches. Also, and whatever they say, <c>.git</c> and
/// <c>.agents</c>. Only the rules are looked at: what is ignored and committed nevertheless is ignored here.
/// Immutable; each folder with a file of its own has one that leads to the next above it.
/// </summary>
internal sealed class GitIgnore
{
    public const string FileName = ".gitignore";

    // A file of this size is no list that somebody wrote.
    private const int LongestFile = 4 << 20;

    private static readonly bool s_ignoreCase = !OperatingSystem.IsLinux();

    private readonly GitIgnore? _above;
    private readonly Rule[] _rules;
    private readonly byte[] _project;
    private readonly int _skipped;

    private GitIgnore(GitIgnore? above, Rule[] rules, byte[] project, int skipped)
    {
        _above = above;
        _rules = rules;
        _project = project;
        _skipped = skipped;
    }

    /// <summary>Ignores only what is always ignored.</summary>
    public static GitIgnore None { get; } = new(null, [], [], 0);

    /// <summary>What counts in a project from outside of it.</summary>
    /// <param name="root">The project's folder, absolute.</param>
    /// <param name="files">The files that this was read from, if they exist or not: a change of one changes this.</param>
    public static GitIgnore Outside(string root, out IReadOnlyList<string> files)
    {
        var read = new List<string>();
        files = read;
        var repository = RepositoryOf(root);
        var project = repository is null
            ? []
            : Encoding.UTF8.GetBytes(AsFolder(Path.GetRelativePath(repository, root)));
        GitIgnore? made = null;
        void Add(string? file, int skipped)
        {
            if (file is not null)
            {
                read.Add(file);
                var rules = Parse(ReadFile(file) ?? []);
                made = rules.Length == 0 ? made : new GitIgnore(made, rules, project, skipped);
            }
        }

        Add(UserFile(), 0);
        if (repository is not null)
        {
            Add(ExcludeFile(repository), 0);
            for (var at = 0; at < project.Length; )
            {
                var folder = Encoding.UTF8.GetString(project.AsSpan(0, at));
                Add(Path.Join(repository, folder, FileName), at);
                at += project.AsSpan(at).IndexOf((byte)'/') + 1;
            }
        }

        return made ?? new GitIgnore(null, [], project, 0);
    }

    /// <summary>As this, with the .gitignore of a folder of the project.</summary>
    /// <param name="folder">Relative to the project, with a slash at its end; empty for the project's own.</param>
    public GitIgnore With(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> content) =>
        new(this, Parse(content), _project, _project.Length + folder.Length);

    /// <summary>The content of a file with patterns; null if there is none. A link is not followed, as git does not.</summary>
    public static byte[]? ReadFile(string path)
    {
        try
        {
            var file = new FileInfo(path);
            var isPlain = OperatingSystem.IsWindows()
                ? file.Exists && file.LinkTarget is null
                : FileStat.Of(path) is { IsRegular: true };
            return isPlain && file.Length <= LongestFile ? File.ReadAllBytes(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone meanwhile, or not for us: git passes over it, too.
            return null;
        }
    }

    /// <summary>True for what is left alone; the folders above it are not looked at.</summary>
    /// <param name="path">Relative to the project, with slashes.</param>
    public bool IsIgnored(ReadOnlySpan<byte> path, bool isFolder)
    {
        var name = PathPattern.NameOf(path);
        if (name.SequenceEqual(".git"u8) || (isFolder && name.SequenceEqual(".agents"u8)))
        {
            return true;
        }

        if (_project.Length == 0)
        {
            return Decide(path, name, isFolder);
        }

        byte[] whole = [.. _project, .. path];
        return Decide(whole, name, isFolder);
    }

    private bool Decide(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> name, bool isFolder)
    {
        for (var level = this; level is not null; level = level._above)
        {
            var path = whole[level._skipped..];
            for (var i = level._rules.Length - 1; i >= 0; i--)
            {
                var (pattern, isNegated) = level._rules[i];
                if ((isFolder || !pattern.OnlyFolders) && pattern.Matches(path, name))
                {
                    return !isNegated;
                }
            }
        }

        return false;
    }

    private static Rule[] Parse(ReadOnlySpan<byte> content)
    {
        var rules = new List<Rule>();
        if (content.StartsWith("\uFEFF"u8))
        {
            content = content[3..];
        }

        foreach (var range in content.Split((byte)'\n'))
        {
            var line = content[range];
            if (line.IsEmpty || line[0] == '#')
            {
                continue;
            }

            line = WithoutBlanks(line[^1] == '\r' ? line[..^1] : line);
            var isNegated = line is [(byte)'!', ..];
            line = isNegated ? line[1..] : line;
            if (!line.IsEmpty)
            {
                rules.Add(new(PathPattern.OfGit(line, s_ignoreCase), isNegated));
            }
        }

        return [.. rules];
    }

    // Blanks at the end count only behind a backslash.
    private static ReadOnlySpan<byte> WithoutBlanks(ReadOnlySpan<byte> line)
    {
        var length = 0;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\')
            {
                i++;
                length = Math.Min(i + 1, line.Length);
            }
            else if (line[i] != ' ')
            {
                length = i + 1;
            }
        }

        return line[..length];
    }

    private static string AsFolder(string relative) =>
        relative is "." or "" ? "" : relative.Replace('\\', '/') + "/";

    private static string? RepositoryOf(string root)
    {
        for (var folder = root; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var git = Path.Join(folder, ".git");
            if (Directory.Exists(git) || File.Exists(git))
            {
                return folder;
            }
        }

        return null;
    }

    private static string? ExcludeFile(string repository)
    {
        const string Key = "gitdir:";
        var git = Path.Join(repository, ".git");
        // In a worktree or a submodule a file leads to the folder, and one in that to what all share.
        if (
            !Directory.Exists(git)
            && ReadFile(git) is { } link
            && Encoding.UTF8.GetString(link).Trim() is var text
            && text.StartsWith(Key, StringComparison.Ordinal)
        )
        {
            git = Path.GetFullPath(text[Key.Length..].Trim(), repository);
            if (ReadFile(Path.Join(git, "commondir")) is { } shared)
            {
                git = Path.GetFullPath(Encoding.UTF8.GetString(shared).Trim(), git);
            }
        }

        return Path.Join(git, "info", "exclude");
    }

    private static string? UserFile()
    {
        var config = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
        if (string.IsNullOrEmpty(config))
        {
            var home = Environment.GetEnvironmentVariable("HOME");
            config = string.IsNullOrEmpty(home) ? null : Path.Join(home, ".config");
        }

        return config is null ? null : Path.Join(config, "git", "ignore");
    }

    private readonly record struct Rule(PathPattern Pattern, bool IsNegated);
}
