using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Scheduling;

/// <summary>
/// Collects the files that a task was to bring forth, once it has ended. Only regular files are read, no
/// link is followed, the work is bounded, and whatever the task left lying around is at worst a sentence:
/// nothing is thrown for it. The task's lock is held, so nobody else collects for it.
/// </summary>
internal static class Artifacts
{
    private const int MostFiles = 10_000;
    private const int MostProblems = 100;

    /// <param name="portable">As on a system of which nothing is known.</param>
    public static ArtifactResult Collect(
        ArtifactRequest request,
        bool portable = false,
        int mostFiles = MostFiles
    )
    {
        var problems = new Problems();
        var globs = Parse(request.Globs, problems.Add);
        if (globs.Count == 0)
        {
            return new ArtifactResult([], problems.Sentences);
        }

        using var first = Open(request.Destination, portable, problems);
        if (first is null)
        {
            return new ArtifactResult([], problems.Sentences);
        }

        using var second = request.SecondDestination is { } path
            ? Open(path, portable, problems)
            : null;
        // After the stores were made: what is not there has no identity.
        var excluded = new ExcludedFolders([
            .. request.Excluded,
            request.Destination,
            .. second is null ? (ReadOnlySpan<string>)[] : [second.Path],
        ]);
        var workingFolder = ExcludedFolders.RealPath(request.WorkingFolder);
        if (workingFolder is null)
        {
            problems.Add($"The working folder {request.WorkingFolder} is not there any more");
        }

        var collection = new Collection(
            request,
            workingFolder,
            [first, second],
            problems,
            mostFiles
        );
        new ArtifactWalk(workingFolder, excluded, problems.Add, portable).Visit(
            globs,
            collection.Take
        );
        return new ArtifactResult(collection.Kept, problems.Sentences);
    }

    /// <summary>The globs that mean no regular file that is there now, of whatever age.</summary>
    public static IReadOnlyList<string> Unmatched(
        IEnumerable<string> globs,
        string workingFolder,
        IEnumerable<string> excluded
    )
    {
        var folder = ExcludedFolders.RealPath(workingFolder);
        var notLookedInto = new ExcludedFolders(excluded);
        return [.. globs.Where(g => !Matches(g, folder, notLookedInto))];
    }

    private static bool Matches(string text, string? workingFolder, ExcludedFolders excluded)
    {
        var found = false;
        if (ArtifactGlob.Parse(text, out _) is { } glob)
        {
            // What hinders the look is found again, and told, when the artifacts are collected.
            new ArtifactWalk(workingFolder, excluded, static _ => { }).Visit(
                [glob],
                (_, _, _) => !(found = true)
            );
        }

        return found;
    }

    private static List<ArtifactGlob> Parse(ImmutableArray<string> texts, Action<string> problem)
    {
        var globs = new List<ArtifactGlob>();
        foreach (var text in texts)
        {
            if (ArtifactGlob.Parse(text, out var reason) is { } glob)
            {
                globs.Add(glob);
            }
            else
            {
                problem(reason!);
            }
        }

        return globs;
    }

    private static ArtifactStore? Open(string path, bool portable, Problems problems)
    {
        try
        {
            return ArtifactStore.At(path, portable);
        }
        catch (QueueException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    private sealed class Collection(
        ArtifactRequest request,
        string? workingFolder,
        ArtifactStore?[] stores,
        Problems problems,
        int mostFiles
    )
    {
        private readonly ImmutableArray<Artifact>.Builder _kept =
            ImmutableArray.CreateBuilder<Artifact>();
        private readonly ArtifactNames _names = new();

        // How large a file had no room there; what is as large is not tried again.
        private readonly Dictionary<ArtifactStore, long> _tooLarge = [];
        private int _taken;

        public ImmutableArray<Artifact> Kept => _kept.ToImmutable();

        public bool Take(ArtifactFolder folder, string name, bool isAbsolute)
        {
            var path = folder.PathOf(name);
            var shown = LinuxName.Shown(path);
            if (folder.Times(name) is { } before && before.ChangedNs < request.NotBeforeNs)
            {
                return true;
            }

            if (_taken++ == mostFiles)
            {
                problems.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"There are more than {mostFiles} artifacts; what comes behind {LinuxName.Shown(folder.Path)} was not collected"
                    )
                );
                return false;
            }

            try
            {
                using var source = folder.Open(name);
                if (source is null || FileTimes.Of(source, shown) is not { } times)
                {
                    problems.Add($"{shown} is no file any more");
                    return true;
                }

                var storedAs = _names.Take(path, workingFolder, isAbsolute);
                if (Put(stores[0]!, source, times, shown, storedAs))
                {
                    _kept.Add(new Artifact(shown, storedAs, times.Size));
                }

                if (stores[1] is { } second)
                {
                    Put(second, source, times, shown, storedAs);
                }
            }
            catch (QueueException e)
            {
                problems.Add(e.Message);
            }

            return true;
        }

        private bool Put(
            ArtifactStore store,
            SafeFileHandle source,
            FileTimes times,
            string shown,
            string storedAs
        )
        {
            var isShort = _tooLarge.TryGetValue(store, out var tooLarge);
            if (isShort && times.Size >= tooLarge)
            {
                return false;
            }

            try
            {
                store.Put(source, times, shown, storedAs);
                return true;
            }
            catch (QueueException e) when (e.IsNoRoom)
            {
                _tooLarge[store] = times.Size;
                if (!isShort)
                {
                    problems.Add(
                        $"{store.Path} has no room for {shown}; neither it nor whatever else did not fit was kept there"
                    );
                }
            }
            catch (QueueException e)
            {
                problems.Add(e.Message);
            }

            return false;
        }
    }

    private sealed class Problems
    {
        private readonly List<string> _sentences = [];
        private int _more;

        public void Add(string sentence)
        {
            if (_sentences.Count == MostProblems)
            {
                _more++;
            }
            else if (!_sentences.Contains(sentence))
            {
                _sentences.Add(sentence);
            }
        }

        public ImmutableArray<string> Sentences =>
            _more == 0
                ? [.. _sentences]
                :
                [
                    .. _sentences,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"… and {_more} more such problems"
                    ),
                ];
    }
}

/// <param name="Globs">The plan's <c>outputs</c>: relative to the working folder, or absolute.</param>
/// <param name="WorkingFolder">Absolute; the way to it may lead through links.</param>
/// <param name="Destination">Absolute; made if needed.</param>
/// <param name="SecondDestination">Gets the same files.</param>
/// <param name="Excluded">Absolute folders that are never looked into, besides the destinations.</param>
/// <param name="NotBeforeNs">
/// What has not changed since is not the task's. Taken from a file that was made when it began: the time
/// that the file system gives lags behind the clock.
/// </param>
internal sealed record ArtifactRequest(
    ImmutableArray<string> Globs,
    string WorkingFolder,
    string Destination,
    string? SecondDestination,
    ImmutableArray<string> Excluded,
    long NotBeforeNs
);

/// <param name="Problems">Sentences about what was not collected, at most about a hundred.</param>
internal sealed record ArtifactResult(
    ImmutableArray<Artifact> Kept,
    ImmutableArray<string> Problems
);

/// <param name="Source">Absolute and without links, as text for people.</param>
/// <param name="StoredAs">Relative to the destination, with slashes.</param>
internal sealed record Artifact(string Source, string StoredAs, long Bytes);
