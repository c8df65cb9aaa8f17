using System.Globalization;

namespace AgentQueue.Scheduling;

/// <summary>
/// Finds the regular files that globs mean. Each folder is looked into once for all globs that begin at the
/// same place, links are never followed, and after <see cref="MostEntries"/> names or
/// <see cref="MostLevels"/> folders in one another it ends and says so.
/// </summary>
/// <param name="workingFolder">The real path; null if it is not there.</param>
internal sealed class ArtifactWalk(
    string? workingFolder,
    ExcludedFolders excluded,
    Action<string> problem,
    bool portable = false,
    int mostEntries = ArtifactWalk.MostEntries
)
{
    public const int MostEntries = 200_000;
    private const int MostLevels = 200;

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private int _left = mostEntries + 1;

    /// <summary>Gets each file once; false to end the search.</summary>
    public delegate bool FileVisitor(ArtifactFolder folder, string name, bool isAbsolute);

    public void Visit(IEnumerable<ArtifactGlob> globs, FileVisitor visitor)
    {
        var starts = globs.Select(StartOf).OfType<Start>().ToList();
        foreach (var start in starts.GroupBy(static s => (s.Folder, s.IsAbsolute)))
        {
            try
            {
                using var folder = ArtifactFolder.At(start.Key.Folder, excluded, portable);
                var states = start.Select(static s => new State(s.Segments, 0)).ToList();
                var isAbsolute = start.Key.IsAbsolute;
                if (!Look(folder, states, (f, name) => visitor(f, name, isAbsolute), MostLevels))
                {
                    return;
                }
            }
            catch (QueueException e)
            {
                problem(e.Message);
            }
        }
    }

    // Where to begin, and what of the glob is left then.
    private Start? StartOf(ArtifactGlob glob)
    {
        var start = glob.Root is null ? RelativeStart(glob) : AbsoluteStart(glob);
        return start is null || excluded.Encloses(start.Folder, workingFolder ?? start.Folder)
            ? null
            : start;
    }

    private Start? RelativeStart(ArtifactGlob glob)
    {
        var folder = workingFolder;
        for (var i = 0; i < glob.Up && folder is not null; i++)
        {
            folder = Path.GetDirectoryName(folder) ?? folder;
        }

        return folder is null ? null : new Start(folder, false, [.. glob.Segments]);
    }

    // The folders that the user has named may be links. Below the working folder none may, in whatever way
    // its path is written.
    private Start? AbsoluteStart(ArtifactGlob glob)
    {
        var fixedNames = glob
            .Segments.TakeWhile(static s => s is GlobSegment.Name)
            .Take(glob.Segments.Length - (glob.IsPlain ? 1 : 0))
            .Cast<GlobSegment.Name>()
            .ToList();
        var typed = glob.Root!;
        var real = ExcludedFolders.RealPath(typed);
        for (var i = 0; real is not null; i++)
        {
            if (real == workingFolder)
            {
                return new Start(real, false, [.. glob.Segments.Skip(i)]);
            }

            if (i == fixedNames.Count)
            {
                return new Start(real, true, [.. glob.Segments.Skip(i)]);
            }

            typed = Path.Join(typed, fixedNames[i].Text);
            real = ExcludedFolders.RealPath(typed);
        }

        return null;
    }

    private bool Look(
        ArtifactFolder folder,
        List<State> states,
        Func<ArtifactFolder, string, bool> visitor,
        int levels
    )
    {
        WithoutFolders(states);
        foreach (var entry in Entries(folder, states))
        {
            var more = entry.Kind switch
            {
                EntryKind.File => !states.Exists(s => s.Takes(entry.Name))
                    || !_seen.Add(folder.PathOf(entry.Name))
                    || visitor(folder, entry.Name),
                EntryKind.Folder => Enter(folder, entry.Name, states, visitor, levels),
                EntryKind.Link => Mention(folder, entry.Name, states),
                EntryKind.Other => true,
            };
            if (!more)
            {
                return false;
            }
        }

        if (_left > 0)
        {
            return true;
        }

        problem(
            string.Create(
                CultureInfo.InvariantCulture,
                $"More than {mostEntries} files and folders were looked at for artifacts; what comes behind {LinuxName.Shown(folder.Path)} was not"
            )
        );
        return false;
    }

    private bool Enter(
        ArtifactFolder folder,
        string name,
        List<State> states,
        Func<ArtifactFolder, string, bool> visitor,
        int levels
    )
    {
        var next = new List<State>();
        foreach (var state in states)
        {
            Add(next, state.In(name));
        }

        if (next.Count == 0)
        {
            return true;
        }

        if (levels == 0)
        {
            problem(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{LinuxName.Shown(folder.PathOf(name))} lies deeper than {MostLevels} folders; it was not looked into"
                )
            );
            return true;
        }

        ArtifactFolder entered;
        try
        {
            entered = folder.Enter(name);
        }
        catch (QueueException e)
        {
            problem(e.Message);
            return true;
        }

        using (entered)
        {
            return Look(entered, next, visitor, levels - 1);
        }
    }

    // A link among many is passed over; one that the user has named is worth a word.
    private bool Mention(ArtifactFolder folder, string name, List<State> states)
    {
        if (states.Exists(s => s.Names(name)))
        {
            problem($"{LinuxName.Shown(folder.PathOf(name))} is a link, which is not followed");
        }

        return true;
    }

    private List<ArtifactEntry> Entries(ArtifactFolder folder, List<State> states)
    {
        if (!states.TrueForAll(static s => s.Name is not null))
        {
            try
            {
                var entries = folder.List(_left);
                _left -= entries.Count;
                return entries;
            }
            catch (QueueException e)
            {
                problem(e.Message);
            }
        }

        // Names that are known need no list, and no right to have one.
        var names = states
            .Select(static s => s.Name)
            .OfType<string>()
            .Distinct(StringComparer.Ordinal)
            .Take(_left)
            .ToList();
        _left -= names.Count;
        return [.. names.Select(folder.Find).OfType<ArtifactEntry>()];
    }

    // ** stands for no folder, too.
    private static void WithoutFolders(List<State> states)
    {
        for (var i = 0; i < states.Count; i++)
        {
            if (states[i] is { IsAnyFolders: true, IsLast: false } state)
            {
                Add(states, state with { At = state.At + 1 });
            }
        }
    }

    private static void Add(List<State> states, State? state)
    {
        if (state is { } found && !states.Contains(found))
        {
            states.Add(found);
        }
    }

    private sealed record Start(string Folder, bool IsAbsolute, GlobSegment[] Segments);

    /// <summary>How much of a glob the way to a folder has used up; all of it, if it means the folder.</summary>
    private readonly record struct State(GlobSegment[] Segments, int At)
    {
        public bool IsLast => At == Segments.Length - 1;

        public bool IsAnyFolders => !IsEverything && Segments[At] is GlobSegment.AnyFolders;

        /// <summary>Null unless only one name can match here.</summary>
        public string? Name => IsEverything ? null : (Segments[At] as GlobSegment.Name)?.Text;

        private bool IsEverything => At == Segments.Length;

        public bool Takes(string file) => IsEverything || (IsLast && Segments[At].Matches(file));

        public bool Names(string link) => Name == link;

        public State? In(string folder) =>
            IsEverything ? this
            : !Segments[At].Matches(folder) ? null
            : IsAnyFolders ? this
            : !IsLast || Array.TrueForAll(Segments, static s => s is GlobSegment.Name)
                ? this with
                {
                    At = At + 1,
                }
            : null;
    }
}
