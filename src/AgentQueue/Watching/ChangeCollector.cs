using System.Collections.Immutable;
using AgentQueue.Config;

namespace AgentQueue.Watching;

/// <summary>An event that a rule makes of a burst of changes.</summary>
/// <param name="Changes">Each file once, the one that changed last first; never empty.</param>
internal sealed record WatchEvent(WatchRule Rule, ImmutableArray<FileChange> Changes)
{
    /// <summary>No more of them are told in <c>files</c>.</summary>
    public const int MostFiles = 100;

    public FileChange Last => Changes[0];

    /// <summary>
    /// What the event carries: <c>file</c> and <c>change</c> of the last one, and <c>files</c>, one a line from the
    /// last on, but for names that have a line break themselves.
    /// </summary>
    public ImmutableSortedDictionary<string, string> Variables =>
        ImmutableSortedDictionary
            .Create<string, string>(StringComparer.Ordinal)
            .Add("file", Last.Path)
            .Add("change", Last.Word)
            .Add(
                "files",
                string.Join(
                    '\n',
                    Changes
                        .Select(static c => c.Path)
                        .Where(static p => p.AsSpan().IndexOfAny('\n', '\r') < 0)
                        .Take(MostFiles)
                )
            );
}

/// <summary>
/// Makes one event of all changes that belong to a rule until nothing has changed for its debounce time; if that
/// does not happen, after ten times as long, but not before five seconds, and again. What came and went meanwhile is nothing, and what
/// went and came back is modified: so a save counts once, however the editor does it.
/// </summary>
internal sealed class ChangeCollector(WatchRules rules, TimeProvider clock)
{
    private const int MostTimes = 10;

    // A checkout or a generator takes its time: one event after it is worth more than a run on half of it.
    private static readonly TimeSpan s_leastPatience = TimeSpan.FromSeconds(5);

    private readonly Burst?[] _bursts = new Burst?[rules.All.Length];

    public void Take(FileChange change)
    {
        foreach (var i in rules.RulesOf(change.Path))
        {
            (_bursts[i] ??= new Burst(clock.GetTimestamp())).Add(change, clock.GetTimestamp());
        }
    }

    /// <summary>How long until there may be an event; null while nothing is held.</summary>
    public TimeSpan? UntilNext =>
        Enumerable
            .Range(0, _bursts.Length)
            .Where(i => _bursts[i] is not null)
            .Select(i => (TimeSpan?)Left(i))
            .Min();

    /// <summary>The events whose time has come, in the order of their rules.</summary>
    public IReadOnlyList<WatchEvent> Due() => Give(i => Left(i) <= TimeSpan.Zero);

    /// <summary>All that is held, before its time.</summary>
    public IReadOnlyList<WatchEvent> Flush() => Give(static _ => true);

    private List<WatchEvent> Give(Func<int, bool> isDue)
    {
        var events = new List<WatchEvent>();
        for (var i = 0; i < _bursts.Length; i++)
        {
            if (_bursts[i] is { } burst && isDue(i))
            {
                _bursts[i] = null;
                if (burst.Changes() is { IsEmpty: false } changes)
                {
                    events.Add(new WatchEvent(rules.All[i], changes));
                }
            }
        }

        return events;
    }

    private TimeSpan Left(int rule)
    {
        var burst = _bursts[rule]!;
        var debounce = rules.All[rule].Debounce;
        var quiet = debounce - clock.GetElapsedTime(burst.Last);
        var patience = debounce * MostTimes;
        var latest =
            (patience > s_leastPatience ? patience : s_leastPatience)
            - clock.GetElapsedTime(burst.First);
        return quiet < latest ? quiet : latest;
    }

    private sealed class Burst(long first)
    {
        private readonly Dictionary<string, Seen> _files = new(StringComparer.Ordinal);
        private long _number;

        public long First { get; } = first;

        public long Last { get; private set; }

        public void Add(FileChange change, long now)
        {
            Last = now;
            var before = _files.TryGetValue(change.Path, out var seen)
                ? seen.WasThere
                : change.Kind != ChangeKind.Created;
            _files[change.Path] = new(before, change.Kind != ChangeKind.Deleted, _number++);
        }

        public ImmutableArray<FileChange> Changes() =>
            [
                .. _files
                    .Where(static f => f.Value.WasThere || f.Value.IsThere)
                    .OrderByDescending(static f => f.Value.Number)
                    .Select(static f => new FileChange(
                        f.Key,
                        !f.Value.IsThere ? ChangeKind.Deleted
                            : f.Value.WasThere ? ChangeKind.Modified
                            : ChangeKind.Created
                    )),
            ];
    }

    private readonly record struct Seen(bool WasThere, bool IsThere, long Number);
}
