using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// Staying with a run until it is over: on a terminal a line for each task, kept up to date in place; elsewhere
/// a line on stderr for each thing that happens. Ctrl-C leaves the run alone; a second one cancels it.
/// </summary>
internal sealed class RunFollow(Session session, PlanRuns runs, RunId run, Interrupts interrupts)
{
    // Elapsed times are shown in seconds; a supervisor that is killed leaves no sign either.
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    // How long after the first Ctrl-C a second one cancels.
    private static readonly TimeSpan s_secondThought = TimeSpan.FromSeconds(3);

    private readonly Screen _screen = Session.Screen;
    private readonly TimeProvider _clock = session.Project.Clock;
    private readonly Dictionary<string, NodeState> _told = new(StringComparer.Ordinal);

    /// <summary>The last frame on the terminal tells how it ended.</summary>
    public bool ShowedEnd { get; private set; }

    /// <summary>The run when it is over or nobody works on it; null if this call has let go of it.</summary>
    public RunView? UntilOver()
    {
        using var watch = new FolderWatch(session.Queue.Tasks);
        interrupts.Wake(watch);
        try
        {
            return Follow(watch) ?? LetGo(watch);
        }
        finally
        {
            interrupts.Wake(null);
        }
    }

    // Null after a Ctrl-C.
    private RunView? Follow(FolderWatch watch)
    {
        using var live = _screen.CanRedraw && !session.Json ? new LiveView(_screen) : null;
        var settled = _clock.GetTimestamp();
        var standstill = false;
        while (interrupts.Count == 0)
        {
            var begun = _clock.GetTimestamp();
            if (_clock.GetElapsedTime(settled) >= s_look || standstill)
            {
                // Tasks whose supervisors died are told by their files only after somebody has looked.
                DetachedLaunch.ReapEnded();
                session.Project.Look(autoRetry: true, static _ => { });
                settled = begun;
            }

            var view = runs.View(run);
            if (live is not null)
            {
                live.Draw(Frame(view));
            }
            else if (!session.Json)
            {
                TellChanges(view);
            }

            // Between two looks a supervisor may have had nothing in hand: the second one is sure.
            if (view.IsOver || (standstill && view.State == RunState.Stopped))
            {
                ShowedEnd = live is not null;
                return view;
            }

            standstill = view.State == RunState.Stopped;
            session.Project.Wait.WaitForNews(watch, begun, TimeSpan.MaxValue, s_look);
        }

        return null;
    }

    private RunView? LetGo(FolderWatch watch)
    {
        _screen.Talk(
            $"Detached: {run} goes on. Follow it: agentq plan status {run} --watch; cancel it: Ctrl-C again now, or agentq plan cancel {run}",
            Tone.Warn
        );
        var since = _clock.GetTimestamp();
        while (interrupts.Count < 2)
        {
            var left = s_secondThought - _clock.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
            {
                return null;
            }

            watch.WaitForChange(left);
        }

        _screen.Talk($"Cancelling {run}", Tone.Warn);
        try
        {
            runs.Cancel(run);
        }
        catch (QueueException e)
        {
            // It was over before.
            _screen.Talk(e.Message);
        }

        return runs.View(run);
    }

    private void TellChanges(RunView view)
    {
        foreach (var node in view.Nodes)
        {
            if (_told.TryGetValue(node.Id, out var before) && before == node.State)
            {
                continue;
            }

            _told[node.Id] = node.State;
            if (node.IsOver || node.State is NodeState.Running or NodeState.Retrying)
            {
                var took =
                    node.IsOver && node.Took(_clock.GetUtcNow()) is { } time
                        ? $" after {Duration.FormatShort(time)}"
                        : "";
                var why = node.Reason.Length > 0 ? ": " + node.Reason.Split('\n', 2)[0] : "";
                _screen.Talk(
                    $"{node.Id} {RunText.Word(node.State)}{took}{why}",
                    RunText.ToneOf(node.State)
                );
            }
            else if (node.State == NodeState.Approval)
            {
                _screen.Talk(
                    $"{node.Id} asks: {node.Reason}  (agentq plan approve {run} {node.Id}, or reject)",
                    Tone.Warn
                );
            }
        }
    }

    private List<string> Frame(RunView view)
    {
        var style = _screen.Style;
        var now = _clock.GetUtcNow();
        List<string> below =
        [
            _screen.Paint(Tone.Plain, $"{RunText.Bar(view, style)}  {RunText.Summary(view, now)}"),
        ];
        foreach (var asking in view.Nodes.Where(static n => n.State == NodeState.Approval))
        {
            below.Add(
                _screen.Paint(
                    Tone.Warn,
                    $"{asking.Id} asks: {asking.Reason}  agentq plan approve {run} {asking.Id}"
                )
            );
        }

        if (!view.IsOver)
        {
            below.Add(_screen.Paint(Tone.Dim, "Ctrl-C leaves it running; twice cancels it"));
        }

        var room = Math.Max(_screen.Height - 3 - below.Count, 1);
        var shown = view;
        if (view.Nodes.Length > room)
        {
            // What moves and what went wrong, then what comes next.
            shown = view with
            {
                Nodes =
                [
                    .. view
                        .Nodes.OrderBy(static n =>
                            n.State switch
                            {
                                NodeState.Running or NodeState.Retrying or NodeState.Approval => 0,
                                NodeState.Failed => 1,
                                NodeState.Ready or NodeState.Held => 2,
                                NodeState.Pending => 3,
                                _ => 4,
                            }
                        )
                        .Take(Math.Max(room - 1, 1)),
                ],
            };
            below.Insert(0, $"{style.Ellipsis} and {view.Nodes.Length - shown.Nodes.Length} more");
        }

        return [.. RunText.Table(shown, style, now), .. below];
    }
}
