using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>plan logs -f</c>: everything that the tasks of a run print, as it comes, until the run is over.</summary>
internal sealed class PlanLogsFollow(
    Session session,
    PlanRuns runs,
    RunId run,
    string? only,
    int tail
)
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    private readonly Screen _screen = Session.Screen;
    private readonly Dictionary<string, LogReader> _open = new(StringComparer.Ordinal);
    private readonly HashSet<string> _done = new(StringComparer.Ordinal);
    private string? _last;

    public ExitCode UntilOver()
    {
        using var watch = new FolderWatch(
            session.Queue.Tasks,
            Path.Join(session.Queue.RunFolder(run), "logs")
        )
        {
            OutputDescriptor = _screen.OutputDescriptor,
        };
        try
        {
            while (true)
            {
                DetachedLaunch.ReapEnded();
                session.Project.Look(autoRetry: true, static _ => { });
                // Looked at before the logs: who has ended writes no more.
                var view = runs.View(run);
                var isOver =
                    view.IsOver
                    || (only is not null && PlanRuns.FindNode(view, only).IsOver)
                    || view.State == RunState.Stopped;
                foreach (var node in PlanLogsCommand.Shown(view, only))
                {
                    foreach (var attempt in node.Attempts)
                    {
                        Take(node, attempt, watch);
                    }
                }

                _screen.Flush();
                _screen.CheckReader();
                if (isOver || _screen.ReaderGone)
                {
                    return view.IsOver || view.State == RunState.Stopped
                        ? view.ExitCode
                        : ExitCode.Ok;
                }

                watch.Wait(s_look);
            }
        }
        finally
        {
            foreach (var log in _open.Values)
            {
                log.Dispose();
            }
        }
    }

    private void Take(NodeView node, AgentTask attempt, FolderWatch watch)
    {
        foreach (var (stream, path) in PlanLogsCommand.LogsOf(session.Queue, attempt.Id))
        {
            if (_done.Contains(path))
            {
                continue;
            }

            if (!_open.TryGetValue(path, out var log))
            {
                if (LogReader.TryOpen(session.Queue.Disk, path) is not { } opened)
                {
                    continue;
                }

                log = _open[path] = opened;
                log.SeekToLast(tail);
                watch.AlsoGrowth(path);
            }

            var printer = new LogPrinter(_screen, raw: false);
            while (!_screen.ReaderGone && log.Next() is { IsEmpty: false } piece)
            {
                if (_last != path)
                {
                    _screen.Line(PlanLogsCommand.Header(node, attempt, stream), Tone.Dim);
                    _last = path;
                }

                printer.Take(piece);
            }

            printer.Finish();
            if (attempt.IsFinished)
            {
                log.Dispose();
                _open.Remove(path);
                _done.Add(path);
            }
        }
    }
}
