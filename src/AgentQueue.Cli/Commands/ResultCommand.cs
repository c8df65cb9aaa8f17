using System.CommandLine;
using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>result</c>: what a task came to, the agent's answer first.</summary>
internal static class ResultCommand
{
    private static readonly Argument<string> s_id = Options.Id(
        "A task that has ended, also an archived one"
    );

    private static readonly Option<bool> s_text = Options.Flag(
        "--text",
        "The agent's final answer and nothing else"
    );

    private static readonly Option<bool> s_wait = Options.Flag(
        "--wait",
        "Stay until it has ended, and exit by its outcome"
    );

    public static Command Create()
    {
        var command = new Verb(
            "result",
            "Show what a task came to: its agent's answer, whether it holds, and what it took",
            "agentq result 01j9x2",
            "agentq result 01j9x2 --text > answer.md",
            "agentq result 01j9x2 --wait --json"
        )
        {
            s_id,
            s_text,
            s_wait,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        if (session.Json && parsed.GetValue(s_text))
        {
            throw QueueException.Usage("--text and --json contradict each other");
        }

        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        var outcome = ExitCode.Ok;
        if (parsed.GetValue(s_wait))
        {
            Following.TellWhatKeeps(session, [id]);
            using var parting = new Parting();
            outcome = QueueWait.Outcome(
                session.Project.Wait.Until([id], false, null, static _ => { }, static () => true)
            );
        }
        else
        {
            session.Project.Refresh(id, StatusCommand.Warn);
        }

        var reply = Read(session, id);
        if (parsed.GetValue(s_text))
        {
            return PrintText(reply, outcome);
        }

        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, reply.Write);
        }
        else
        {
            Session.Screen.Lines(reply.ToLines(Session.Screen.Style));
        }

        return outcome;
    }

    private static ResultReply Read(Session session, TaskId id)
    {
        var queue = session.Queue;
        var isArchived =
            queue.Disk.Facts(queue.TaskFile(id)) is null
            && queue.Disk.Facts(queue.ArchivedTask(id)) is not null;
        var task = isArchived ? queue.ReadArchivedOrThrow(id) : queue.ReadOrThrow(id);
        if (task.State is not TaskState.Finished end)
        {
            throw task.State is TaskState.Pending { Question: { } question }
                ? new QueueException(
                    $"Task {id} has not ended: it asks {question}",
                    $"Answer it: agentq answer {id} \"…\""
                )
                : new QueueException(
                    $"Task {id} is {TaskJson.NameOf(task.Status)} and has no result yet",
                    $"Wait for it: agentq result {id} --wait"
                );
        }

        var kept = new Results(queue).Read(id);
        var result = kept is { Adapter.Length: > 0 } ? kept : UnreadResult.Of(task, end, kept);
        return new ResultReply(
            task,
            end,
            result,
            NewestOf(queue, task),
            result.Session is not null && MayContinue(session, id),
            isArchived
        );
    }

    private static ExitCode PrintText(ResultReply reply, ExitCode outcome)
    {
        if (reply.Result.Text is not { Length: > 0 } text)
        {
            var problem = new QueueException(
                $"Task {reply.Task.Id} has no answer{(reply.Result.Adapter.Length > 0 ? "" : $" that agentq could read: agent '{reply.Task.Agent}' has no adapter")}",
                $"See what it printed: agentq logs {reply.Task.Id}"
            );
            if (outcome == ExitCode.Ok)
            {
                throw problem;
            }

            Session.Screen.Error(problem);
            return outcome;
        }

        var screen = Session.Screen;
        screen.Out(screen.OutIsTerminal ? Terminal.Clean(text, multiline: true) : text);
        if (!text.EndsWith('\n'))
        {
            screen.Out("\n");
        }

        return outcome;
    }

    // Archived ones included; it ends, because a retry is newer than what it retries.
    private static TaskId? NewestOf(QueueFolder queue, AgentTask task)
    {
        TaskId? newest = null;
        var seen = new HashSet<TaskId> { task.Id };
        while ((task.State as TaskState.Unsuccessful)?.RetriedBy is { } next && seen.Add(next))
        {
            newest = next;
            if (Find(queue, next) is not { } found)
            {
                break;
            }

            task = found;
        }

        return newest;
    }

    private static AgentTask? Find(QueueFolder queue, TaskId id) =>
        ((queue.Read(id) as TaskRead.Found) ?? (queue.ReadArchived(id) as TaskRead.Found))?.Task;

    private static bool MayContinue(Session session, TaskId id)
    {
        try
        {
            return PrettyLog.AdapterOf(session, id)?.Resume is not null;
        }
        catch (QueueException)
        {
            // What a broken configuration keeps from being done is not offered.
            return false;
        }
    }
}
