using System.Collections.Immutable;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

/// <summary>What <c>--state</c> may name: the five states, and two views of a pending task.</summary>
internal enum StateView
{
    Pending,
    Running,
    Complete,
    Failed,
    Cancelled,
    Held,
    Waiting,
}

/// <summary>Which tasks are asked for. Empty means: any.</summary>
internal sealed record StatusFilter
{
    /// <summary>How many finished tasks are shown unless something else is asked for.</summary>
    public const int NewestFinished = 20;

    public static readonly (string Word, StateView State)[] Words =
    [
        ("pending", StateView.Pending),
        ("running", StateView.Running),
        ("complete", StateView.Complete),
        ("failed", StateView.Failed),
        ("cancelled", StateView.Cancelled),
        ("held", StateView.Held),
        ("waiting", StateView.Waiting),
    ];

    /// <summary>Shown whatever their number and however old.</summary>
    public ImmutableHashSet<TaskId> Ids { get; init; } = [];

    public ImmutableHashSet<StateView> States { get; init; } = [];

    public ImmutableHashSet<string> Agents { get; init; } = [];

    /// <summary>All of them must be there, with these values.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Every finished task, not only the newest.</summary>
    public bool All { get; init; }

    /// <summary>At most so many tasks, unfinished ones first; null for no such limit.</summary>
    public int? Limit { get; init; }

    /// <summary>How many unfinished tasks are shown unless something else is asked for.</summary>
    public const int NextUnfinished = 100;

    public int MostUnfinished => Limit ?? (All || !Ids.IsEmpty ? int.MaxValue : NextUnfinished);

    /// <summary>How many finished tasks may be shown beside so many unfinished ones.</summary>
    public int MostFinished(int unfinished) =>
        Limit is { } limit ? Math.Max(limit - unfinished, 0)
        : All || !Ids.IsEmpty ? int.MaxValue
        : NewestFinished;

    /// <summary>True if what it asks of a finished task stands only in the task's file.</summary>
    public bool NeedsFile => !Agents.IsEmpty || !Labels.IsEmpty;

    /// <summary>As far as can be told without the file.</summary>
    public bool MayMatch(TaskStatus status) => States.IsEmpty || States.Contains((StateView)status);

    /// <summary>True if the word is one of the states that are asked for.</summary>
    public bool Names(string word)
    {
        var at = Array.FindIndex(Words, w => w.Word == word);
        return at >= 0 && States.Contains(Words[at].State);
    }

    public bool Matches(AgentTask task)
    {
        if (!Agents.IsEmpty && !Agents.Contains(task.Agent))
        {
            return false;
        }

        foreach (var (key, value) in Labels)
        {
            if (task.Labels.GetValueOrDefault(key) != value)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>As far as can be told without the file.</summary>
    public bool MayMatch(TaskStanding view) =>
        (Ids.IsEmpty || Ids.Contains(view.Id))
        && (
            States.IsEmpty
            || States.Contains((StateView)view.Status)
            || (view.IsHeld && States.Contains(StateView.Held))
            || (view.IsWaiting && States.Contains(StateView.Waiting))
        )
        && (Agents.IsEmpty || Agents.Contains(view.Summary.Agent));

    public bool Matches(TaskView view) => MayMatch(view) && Matches(view.Task);
}
