using System.Collections.Immutable;
using System.Text;
using AgentQueue.Config;

namespace AgentQueue.Watching;

/// <summary>
/// Watch rules, ready to be asked. A glob without a slash is about a name in any folder, others are about a path
/// from the project's root; one that names a folder (<c>src</c>, <c>test_*/</c>) means all that is in it. What
/// editors keep beside a file that is being edited belongs to no rule.
/// </summary>
internal sealed class WatchRules
{
    private static readonly bool s_ignoreCase = !OperatingSystem.IsLinux();

    // Backups, locks and swap files of vim, emacs, kate, gedit and the JetBrains editors.
    private static readonly PathPattern[] s_editors =
    [
        .. new[]
        {
            "*~",
            "4913",
            ".*.sw[a-p]",
            ".*.swpx",
            ".#*",
            "#*#",
            ".*.kate-swp",
            ".goutputstream-*",
            "*___jb_tmp___",
            "*___jb_old___",
        }.Select(static g => PathPattern.OfGlob(g, s_ignoreCase)),
    ];

    private readonly Compiled[] _rules;

    /// <exception cref="QueueException">A glob cannot be meant.</exception>
    public WatchRules(IEnumerable<WatchRule> rules)
    {
        All = [.. rules];
        _rules = [.. All.Select(static r => new Compiled(Compile(r.Paths), Compile(r.Ignore)))];
    }

    public ImmutableArray<WatchRule> All { get; }

    /// <summary>True if any rule is about the file.</summary>
    /// <param name="path">Relative to the project, UTF-8 with slashes.</param>
    public bool Wants(ReadOnlySpan<byte> path)
    {
        foreach (var rule in _rules)
        {
            if (rule.Takes(path))
            {
                return !IsEditors(path);
            }
        }

        return false;
    }

    /// <summary>The rules that are about a file, by their index.</summary>
    public IEnumerable<int> RulesOf(string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        return IsEditors(bytes)
            ? []
            : Enumerable.Range(0, _rules.Length).Where(i => _rules[i].Takes(bytes));
    }

    /// <summary>False if no rule can be about anything in the folder.</summary>
    /// <param name="folder">Relative to the project, with a slash at its end; empty for its root.</param>
    public bool MayHold(ReadOnlySpan<byte> folder)
    {
        foreach (var rule in _rules)
        {
            if (rule.MayHold(folder))
            {
                return true;
            }
        }

        return folder.IsEmpty;
    }

    private static bool IsEditors(ReadOnlySpan<byte> path)
    {
        var name = PathPattern.NameOf(path);
        foreach (var pattern in s_editors)
        {
            if (pattern.Matches(path, name))
            {
                return true;
            }
        }

        return false;
    }

    private static Glob[] Compile(ImmutableArray<string> globs) =>
        [.. globs.Select(static g => new Glob(Check(g)))];

    private static string Check(string glob)
    {
        var text = glob.StartsWith("./", StringComparison.Ordinal) ? glob[1..] : glob;
        if (text.Trim('/').Length == 0 || text.Contains('\0'))
        {
            throw QueueException.Usage(
                $"'{glob}' names no file to watch",
                "For example src/**/*.py, or *.md for a name in any folder"
            );
        }

        return text.Split('/').Contains("..")
            ? throw QueueException.Usage(
                $"'{glob}' leads out of the project, which is all that can be watched",
                "Globs begin at the project's root, without .."
            )
            : text;
    }

    private sealed class Glob(string text)
    {
        private readonly PathPattern _pattern = PathPattern.OfGlob(text, s_ignoreCase);

        public ReadOnlySpan<byte> Within => _pattern.Within;

        public bool Takes(ReadOnlySpan<byte> path) =>
            (!_pattern.OnlyFolders && _pattern.Matches(path)) || TakesFolderOf(path);

        /// <summary>True if it names one of the folders on the way.</summary>
        public bool TakesFolderOf(ReadOnlySpan<byte> path)
        {
            if (!_pattern.OnlyFolders && !_pattern.IsPlain)
            {
                return false;
            }

            for (var at = 0; path[at..].IndexOf((byte)'/') is >= 0 and var n; at += n + 1)
            {
                if (_pattern.Matches(path[..(at + n)]))
                {
                    return true;
                }
            }

            return false;
        }
    }

    private sealed class Compiled(Glob[] paths, Glob[] ignore)
    {
        public bool Takes(ReadOnlySpan<byte> path) => Any(paths, path) && !Any(ignore, path);

        public bool MayHold(ReadOnlySpan<byte> folder)
        {
            foreach (var glob in ignore)
            {
                if (glob.TakesFolderOf(folder))
                {
                    return false;
                }
            }

            foreach (var glob in paths)
            {
                if (folder.StartsWith(glob.Within) || glob.Within.StartsWith(folder))
                {
                    return true;
                }
            }

            return false;
        }

        private static bool Any(Glob[] globs, ReadOnlySpan<byte> path)
        {
            foreach (var glob in globs)
            {
                if (glob.Takes(path))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
