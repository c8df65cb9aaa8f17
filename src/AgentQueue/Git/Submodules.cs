using System.Collections.Immutable;

namespace AgentQueue.Git;

/// <summary>A submodule of a work tree.</summary>
/// <param name="Path">Relative to the top of its work tree.</param>
internal sealed record Submodule(string Name, string Path);

/// <summary>
/// Submodules of worktrees. git gives each worktree clones of its own; they are made from those of the main
/// checkout, without any network, and what was committed in them goes back there before they are removed.
/// </summary>
internal static class Submodules
{
    private static readonly TimeSpan s_clone = TimeSpan.FromMinutes(5);

    /// <summary>Those that the main checkout has, with theirs; others stay empty, which is told.</summary>
    public static void Initialise(GitRepository repository, string tree, Action<string> tell) =>
        Initialise(repository.Git, tree, Path.Join(repository.CommonFolder, "modules"), tell);

    private static void Initialise(GitProgram git, string tree, string modules, Action<string> tell)
    {
        foreach (var module in Of(git, tree))
        {
            var local = Path.Join(modules, module.Name);
            if (!Directory.Exists(local))
            {
                tell(
                    $"The submodule {module.Path} was left empty: the main checkout does not have it"
                );
                continue;
            }

            var end = git.Run(
                tree,
                [
                    "-c",
                    "protocol.file.allow=always",
                    "-c",
                    $"submodule.{module.Name}.url={local}",
                    "submodule",
                    "update",
                    "--init",
                    "--checkout",
                    "--",
                    module.Path,
                ],
                writes: true,
                limit: s_clone
            );
            if (!end.IsSuccess)
            {
                tell($"The submodule {module.Path} was left empty: {end.Problem}");
                continue;
            }

            var clone = Path.Join(tree, module.Path);
            KeepAddress(git, local, clone);
            Initialise(git, clone, Path.Join(local, "modules"), tell);
        }
    }

    // Who fetches or pushes there means the real one.
    private static void KeepAddress(GitProgram git, string local, string clone)
    {
        if (
            git.Run(local, ["config", "--get", "remote.origin.url"]) is
            { IsSuccess: true, Text: { Length: > 0 } address }
        )
        {
            git.Run(clone, ["config", "remote.origin.url", address], writes: true);
        }
    }

    /// <summary>Commits that stand in submodules of a worktree and not in those of the main checkout, by path.</summary>
    public static IReadOnlyList<string> WithOwnWork(GitRepository tree) =>
        [
            .. Clones(tree)
                .Where(c => c.HasOwnCommits(tree.Git))
                .Select(c => Path.GetRelativePath(tree.Top, c.Folder)),
        ];

    /// <summary>Submodules in which something is not committed, untracked files included, by path.</summary>
    public static IEnumerable<string> Uncommitted(GitRepository tree) =>
        Clones(tree)
            .Where(c =>
                tree.Git.Run(c.Folder, ["status", "--porcelain", "--untracked-files=normal"])
                    is not { IsSuccess: true, Output.Length: 0 }
            )
            .Select(c => Path.GetRelativePath(tree.Top, c.Folder));

    /// <summary>Brings commits that stand only in them into the main checkout's, under a branch of this name.</summary>
    public static void Save(GitRepository tree, string branch)
    {
        foreach (var clone in Clones(tree).Where(c => c.HasOwnCommits(tree.Git)))
        {
            var end = tree.Git.Run(
                clone.Local,
                [
                    "-c",
                    "protocol.file.allow=always",
                    "fetch",
                    "--no-tags",
                    "--no-recurse-submodules",
                    clone.Folder,
                    $"+HEAD:refs/heads/{branch}",
                ],
                writes: true,
                limit: s_clone
            );
            if (!end.IsSuccess)
            {
                throw tree.Failed("fetch", end);
            }
        }
    }

    /// <summary>Repositories inside that are no submodules, by path: git keeps nothing of what is in them.</summary>
    public static IReadOnlyList<string> Embedded(GitRepository tree)
    {
        const string Link = "160000 ";
        var known = Of(tree.Git, tree.Top).Select(static m => m.Path).ToHashSet();
        return
        [
            .. tree.Call(["ls-files", "--stage", "-z"])
                .Items.Where(static i => i.StartsWith(Link, StringComparison.Ordinal))
                .Select(static i => i[(i.IndexOf('\t', StringComparison.Ordinal) + 1)..])
                .Where(path => !known.Contains(path))
                .Concat(
                    tree.Call(["ls-files", "--others", "--exclude-standard", "-z"])
                        .Items.Where(static i => i.EndsWith('/'))
                        .Select(static i => i.TrimEnd('/'))
                )
                .Where(path => Path.Exists(Path.Join(tree.Top, path, ".git"))),
        ];
    }

    private sealed record Clone(string Folder, string Local)
    {
        public bool HasOwnCommits(GitProgram git) =>
            git.Run(Folder, ["rev-parse", "--verify", "--quiet", "HEAD"])
                is { IsSuccess: true } head
            && !(
                Directory.Exists(Local)
                && git.Run(Local, ["cat-file", "-e", head.Text + "^{commit}"]).IsSuccess
            );
    }

    private static IEnumerable<Clone> Clones(GitRepository tree) =>
        Clones(tree.Git, tree.Top, Path.Join(tree.CommonFolder, "modules"));

    private static IEnumerable<Clone> Clones(GitProgram git, string tree, string modules)
    {
        foreach (var module in Of(git, tree))
        {
            var folder = Path.Join(tree, module.Path);
            if (!Path.Exists(Path.Join(folder, ".git")))
            {
                continue;
            }

            var local = Path.Join(modules, module.Name);
            yield return new Clone(folder, local);
            foreach (var inner in Clones(git, folder, Path.Join(local, "modules")))
            {
                yield return inner;
            }
        }
    }

    private static ImmutableArray<Submodule> Of(GitProgram git, string tree)
    {
        const string End = ".path";
        const string Begin = "submodule.";
        if (!File.Exists(Path.Join(tree, ".gitmodules")))
        {
            return [];
        }

        var listed = git.Run(
            tree,
            ["config", "-z", "--file", ".gitmodules", "--get-regexp", @"^submodule\..*\.path$"]
        );
        var modules = ImmutableArray.CreateBuilder<Submodule>();
        foreach (var item in listed.Items)
        {
            var cut = item.IndexOf('\n', StringComparison.Ordinal);
            if (cut <= Begin.Length + End.Length)
            {
                continue;
            }

            var (name, path) = (item[Begin.Length..(cut - End.Length)], item[(cut + 1)..]);
            // A name is a path below .git/modules, and a part of an option here.
            if (
                !name.Contains('=', StringComparison.Ordinal)
                && IsPlain(name)
                && IsPlain(path)
                && new DirectoryInfo(Path.Join(tree, path)).LinkTarget is null
            )
            {
                modules.Add(new Submodule(name, path));
            }
        }

        return modules.ToImmutable();
    }

    private static bool IsPlain(string path) =>
        path.Length > 0
        && !Path.IsPathRooted(path)
        && !path.Split('/', '\\').Any(static p => p is "" or "." or "..");
}
