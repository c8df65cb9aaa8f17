using System.CommandLine;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>cancel</c>: take tasks out of the queue, or end them with all their processes.</summary>
internal static class CancelCommand
{
    private static readonly Argument<string[]> s_ids = Options.Ids(
        "Tasks to cancel",
        required: false
    );

    private static readonly Option<bool> s_all = Options.Flag(
        "--all",
        "Every pending and running task"
    );

    public static Command Create()
    {
        var command = new Verb(
            "cancel",
            "Cancel pending tasks at once and running ones with all their processes",
            "agentq cancel 01j9x2",
            "agentq cancel --all"
        )
        {
            s_ids,
            s_all,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var parts = parsed.GetValue(s_ids) ?? [];
        var all = parsed.GetValue(s_all);
        if (all == parts.Length > 0)
        {
            throw QueueException.Usage("Say which tasks to cancel, or --all");
        }

        var ids = all ? Unfinished(session) : session.FindIds(parts);
        var control = session.Project.Control;
        return ManyTasks.Do(
            session,
            ids,
            "There is nothing to cancel",
            id => (Cancel(control, id), "cancelled"),
            parallel: true
        );
    }

    private static AgentTask Cancel(TaskControl control, TaskId id) =>
        control.Cancel(id) is { State: TaskState.Cancelled } cancelled
            ? cancelled
            : throw new QueueException(
                $"Task {id} ended before it could be cancelled",
                $"See how: agentq show {id}"
            );

    // Pending ones first: otherwise a drain would start them in the slots that come free.
    private static IReadOnlyList<TaskId> Unfinished(Session session) =>
        [
            .. QueueSnapshot
                .Take(session.Queue)
                .Unfinished.OrderBy(static t => t.State is TaskState.Pending ? 0 : 1)
                .Select(static t => t.Id),
        ];
}
