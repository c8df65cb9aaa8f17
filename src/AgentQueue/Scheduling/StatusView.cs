using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

/// <summary>How many tasks there are, shown or not.</summary>
internal sealed record StatusCounts
{
    /// <summary>Held and waiting ones included.</summary>
    public int Pending { get; set; }

    public int Held { get; set; }

    public int Waiting { get; set; }

    /// <summary>Starting ones included.</summary>
    public int Running { get; set; }

    public int WithTimeout { get; set; }

    public int NearTimeout { get; set; }

    public int Complete { get; set; }

    public int Failed { get; set; }

    /// <summary>Failed, and will be retried by itself.</summary>
    public int AutoRetry { get; set; }

    public int TimedOut { get; set; }

    public int Cancelled { get; set; }

    public int Total => Pending + Running + Complete + Failed + Cancelled;
}

/// <summary>
/// What <c>status</c> shows of the queue: running tasks, pending ones in the order in which they will
/// start, then finished ones, the newest first. It reads the files of those finished tasks that it shows
/// and of no others, unless the filter asks for what stands only there.
/// </summary>
internal sealed class StatusView
{
    private StatusView(IReadOnlyList<TaskView> tasks, StatusCounts counts)
    {
        Tasks = tasks;
        Counts = counts;
    }

    public IReadOnlyList<TaskView> Tasks { get; }

    public StatusCounts Counts { get; }

    /// <summary>Tasks that match and were left out for their number.</summary>
    public int NotShown => FinishedNotShown + UnfinishedNotShown;

    public int FinishedNotShown { get; private init; }

    public int UnfinishedNotShown { get; private init; }

    public IReadOnlyList<TaskRead.Unreadable> Unreadable { get; private init; } = [];

    /// <summary>When the next time of any task comes, or its back-off ends; null if none is waited for.</summary>
    public DateTimeOffset? NextChange { get; private init; }

    public static StatusView Of(
        QueueFolder queue,
        QueueSnapshot snapshot,
        StatusFilter filter,
        DateTimeOffset now,
        Func<TimeZoneInfo>? zone = null
    )
    {
        var counts = CountFinished(snapshot);
        var dependencies = new Lazy<Dependencies>(() => new Dependencies(queue, snapshot));
        var matching = new List<TaskStanding>();
        DateTimeOffset? next = null;
        foreach (var task in snapshot.Unfinished)
        {
            var standing = TaskStanding.Of(
                task,
                queue,
                snapshot.MayBeSupervised,
                dependencies,
                now
            );
            if (zone is not null)
            {
                standing = standing with { Zone = zone };
            }

            Count(standing, counts);
            next = Earlier(next, standing.StartsIn is { } wait ? now + wait : null);
            if (filter.MayMatch(standing))
            {
                matching.Add(standing);
            }
        }

        var shown = Unfinished(queue, matching, filter, out var cut);
        var left = AddFinished(queue, snapshot, filter, now, shown);
        foreach (var view in shown)
        {
            next = Earlier(next, view.NextChange);
        }

        return new StatusView(shown, counts)
        {
            UnfinishedNotShown = cut,
            FinishedNotShown = left,
            Unreadable = filter.Ids.IsEmpty
                ? snapshot.Unreadable
                : snapshot.Unreadable.FindAll(u => filter.Ids.Contains(u.Id)),
            NextChange = next,
        };
    }

    /// <summary>Those that start first, or run, and how many more there are.</summary>
    private static List<TaskView> Unfinished(
        QueueFolder queue,
        List<TaskStanding> matching,
        StatusFilter filter,
        out int cut
    )
    {
        // What is asked of labels stands in the files alone: all of them are read.
        var first = FirstOf(
            matching,
            s_byTurn,
            filter.Labels.IsEmpty ? filter.MostUnfinished : int.MaxValue
        );
        cut = matching.Count - first.Count;
        var shown = new List<TaskView>(first.Count);
        foreach (var standing in first)
        {
            // It may have ended since the snapshot, and is shown as what it is.
            if (
                queue.Read(standing.Id) is not TaskRead.Found(var task, _)
                || TaskView.Of(task, standing) is not { } view
                || !filter.Matches(view)
            )
            {
                continue;
            }

            if (shown.Count < filter.MostUnfinished)
            {
                shown.Add(view);
            }
            else
            {
                cut++;
            }
        }

        return shown;
    }

    /// <summary>
    /// The first few of many in their order: sorting them all would cost more than everything else here.
    /// </summary>
    private static List<T> FirstOf<T>(List<T> all, Comparer<T> order, int most)
    {
        // Stryker disable once Equality: taking all of them one by one comes to the same
        if (all.Count <= most)
        {
            all.Sort(order);
            return all;
        }

        var first = new List<T>(most + 1);
        foreach (var each in all)
        {
            // Stryker disable once Equality: what is put in beyond the most is taken out again
            var isAmong = first.Count < most || (most > 0 && order.Compare(each, first[^1]) < 0);
            if (isAmong)
            {
                var at = first.BinarySearch(each, order);
                // Stryker disable once all: no two are equal in their order, but a view must not fail if they are
                first.Insert(at < 0 ? ~at : at, each);
                if (first.Count > most)
                {
                    first.RemoveAt(most);
                }
            }
        }

        return first;
    }

    /// <summary>Adds the newest that match; returns how many more there are.</summary>
    private static int AddFinished(
        QueueFolder queue,
        QueueSnapshot snapshot,
        StatusFilter filter,
        DateTimeOffset now,
        List<TaskView> shown
    )
    {
        var most = filter.MostFinished(shown.Count);
        // With a filter that needs the files nobody knows how many match before they are read.
        var newest = Newest(snapshot, filter, filter.NeedsFile ? int.MaxValue : most, out var left);
        var room = most;
        foreach (var task in newest)
        {
            if (queue.Read(task.Id) is not TaskRead.Found(var found, _) || !filter.Matches(found))
            {
                continue;
            }

            if (room-- > 0)
            {
                shown.Add(new TaskView(found, now));
            }
            else
            {
                left++;
            }
        }

        AddArchived(queue, filter, now, shown);
        return left;
    }

    // Those that were named are also shown from the archive.
    private static void AddArchived(
        QueueFolder queue,
        StatusFilter filter,
        DateTimeOffset now,
        List<TaskView> shown
    )
    {
        foreach (var id in filter.Ids)
        {
            if (
                queue.Disk.Facts(queue.TaskFile(id)) is null
                && queue.ReadArchived(id) is TaskRead.Found(var task, _)
                && new TaskView(task, now) is var view
                && filter.Matches(view)
            )
            {
                shown.Add(view);
            }
        }
    }

    /// <summary>The newest that may match, the newest first, and how many more there are.</summary>
    private static List<FinishedTask> Newest(
        QueueSnapshot snapshot,
        StatusFilter filter,
        int most,
        out int left
    )
    {
        // Stryker disable once Conditional: only saves a copy
        var matching = filter is { Ids.IsEmpty: true, States.IsEmpty: true }
            ? snapshot.Finished
            : snapshot.Finished.FindAll(t =>
                filter.MayMatch(t.Status) && (filter.Ids.IsEmpty || filter.Ids.Contains(t.Id))
            );
        var count = matching.Count;
        var newest = FirstOf(matching, s_newestFirst, most);
        left = count - newest.Count;
        return newest;
    }

    private static StatusCounts CountFinished(QueueSnapshot snapshot)
    {
        var counts = new StatusCounts();
        foreach (var task in snapshot.Finished)
        {
            switch (task.Status)
            {
                case TaskStatus.Complete:
                    counts.Complete++;
                    break;
                case TaskStatus.Cancelled:
                    counts.Cancelled++;
                    break;
                default:
                    counts.Failed++;
                    counts.AutoRetry += task.WillRetry ? 1 : 0;
                    counts.TimedOut += task.TimedOut ? 1 : 0;
                    break;
            }
        }

        return counts;
    }

    private static void Count(TaskStanding view, StatusCounts counts)
    {
        if (view.Status == TaskStatus.Running)
        {
            counts.Running++;
            counts.WithTimeout += view.Summary.Timeout is null ? 0 : 1;
            counts.NearTimeout += view.IsNearLimit ? 1 : 0;
        }
        else
        {
            counts.Pending++;
            counts.Held += view.IsHeld ? 1 : 0;
            counts.Waiting += view.IsWaiting ? 1 : 0;
        }
    }

    // Running, ready, waiting, held; among those that run the oldest first, else as they will start.
    private static int ByTurn(TaskStanding a, TaskStanding b)
    {
        var turn = Turn(a).CompareTo(Turn(b));
        if (turn != 0)
        {
            return turn;
        }

        if (a.Summary.State is TaskState.Running one && b.Summary.State is TaskState.Running other)
        {
            turn = one.StartedAt.CompareTo(other.StartedAt);
        }
        else
        {
            turn = Scheduler.Compare(a.Summary, b.Summary);
        }

        return turn != 0 ? turn : a.Id.CompareTo(b.Id);
    }

    private static int Turn(TaskStanding view) =>
        view switch
        {
            { IsStarting: true } => 1,
            { Status: TaskStatus.Running } => 0,
            { IsHeld: true } => 4,
            { IsWaiting: true } => 3,
            _ => 2,
        };

    private static readonly Comparer<TaskStanding> s_byTurn = Comparer<TaskStanding>.Create(ByTurn);

    private static readonly Comparer<FinishedTask> s_newestFirst = Comparer<FinishedTask>.Create(
        NewestFirst
    );

    private static int NewestFirst(FinishedTask a, FinishedTask b)
    {
        var later = b.CompletedTicks.CompareTo(a.CompletedTicks);
        return later != 0 ? later : b.CompareIdTo(a);
    }

    // Stryker disable once Equality: of two that are the same it takes either
    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) =>
        a is null || b < a ? b : a;
}
