using AgentQueue.Agents;
using AgentQueue.Config;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Going on with the session of an agent: by a new task, a retry, or an answer.</summary>
internal sealed class Sessions(ProjectQueue project)
{
    private readonly QueueFolder _queue = project.Queue;

    /// <summary>Answers the question of a task, which may then start again, in the same session if its agent can.</summary>
    /// <exception cref="QueueException">It does not ask anything.</exception>
    public AgentTask Answer(TaskId id, string answer)
    {
        if (string.IsNullOrWhiteSpace(answer))
        {
            throw QueueException.Usage(
                "The answer is empty",
                $"See what {id} asks: agentq show {id}"
            );
        }

        NewTasks.CheckPrompt(answer);
        RefuseUnlessAsking(_queue.ReadOrThrow(id));
        using var held = _queue.LockTask(id);
        var task = _queue.ReadOrThrow(id);
        var question = RefuseUnlessAsking(task);
        var session = SessionOf(task);
        var answered = task with
        {
            Options = RunsItsPrompt(task)
                ? task.Options
                : (task.Options ?? new()) with
                {
                    Session = session,
                    FollowUp = session is null
                        ? $"{task.Prompt}\n\n---\nYou have worked on this before, and asked:\n\n{question}\n\nThe answer:\n\n{answer}\n"
                        : answer,
                },
            State = new TaskState.Pending(),
        };
        _queue.Disk.Delete(_queue.QuestionFile(id));
        _queue.Disk.Delete(_queue.AnswerFile(id));
        _queue.Disk.WriteNew(
            _queue.AnswerFile(id),
            System.Text.Encoding.UTF8.GetBytes(answer + "\n"),
            sync: false
        );
        _queue.Write(answered);
        return answered;
    }

    // A shell would take the question, and the answer, for commands.
    private bool RunsItsPrompt(AgentTask task) =>
        task.Step is { Command.IsEmpty: false }
        || ShellQuoting.ScriptOfPrompt(project.Config.Find(task.Agent), Placeholders.UserPrompt)
            is not null;

    private static string RefuseUnlessAsking(AgentTask task) =>
        task.State is TaskState.Pending { Question: { } question }
            ? question
            : throw new QueueException(
                $"Task {task.Id} asks nothing",
                task.IsFinished
                    ? $"Tell it more: agentq continue {task.Id} \"…\""
                    : $"See how it stands: agentq show {task.Id}"
            );

    /// <summary>What a new task asks for that goes on where <paramref name="task"/> has ended.</summary>
    /// <exception cref="QueueException">It has not ended, or its agent cannot go on.</exception>
    public NewTask Continue(AgentTask task, string more)
    {
        if (!task.IsFinished)
        {
            throw new QueueException(
                $"Task {task.Id} has not ended",
                task.State is TaskState.Pending { Question: not null }
                    ? $"It waits for an answer: agentq answer {task.Id} \"…\""
                    : $"Wait for it: agentq wait {task.Id}"
            );
        }

        var session =
            SessionOf(task)
            ?? throw new QueueException(
                $"There is no session of {task.Id} to go on with",
                project.Planner.HasAdapter(task.Agent)
                    ? "It ended before its agent told of one, or its agent cannot; start a new task"
                    : $"Agent '{task.Agent}' has no adapter, so agentq cannot read what it prints; set \"adapter\" for it in {AgentConfig.FileName}"
            );
        return new NewTask(task.Agent, more)
        {
            Name = task.Name,
            Labels = task.Labels,
            WorkingFolder = task.Worktree?.Path is null ? task.WorkingFolder : null,
            Environment = task.Environment,
            Timeout = null,
            IdleTimeout = null,
            Priority = task.Priority,
            MaxRetries = task.MaxRetries,
            AutoRetry = task.AutoRetry,
            Checks = task.Checks,
            Worktree = task.Worktree?.ForRetry(),
            Options = Fresh(task.Options) with { Session = session, Continues = task.Id },
        };
    }

    /// <summary>What a retry asks for that goes on where the failed task has ended.</summary>
    /// <exception cref="QueueException">Its agent cannot go on.</exception>
    public AgentOptions Resume(AgentTask task) =>
        Fresh(task.Options) with
        {
            Session =
                SessionOf(task)
                ?? throw new QueueException(
                    $"There is no session of {task.Id} to go on with",
                    $"Begin anew: agentq retry {task.Id}"
                ),
            FollowUp =
                $"Your last try ended without success: {(task.State as TaskState.Failed)?.Message ?? "it was cancelled"}\n\nGo on where you were, and finish what was asked for.\n",
        };

    /// <summary>What was asked for, without what only one attempt was told.</summary>
    public static AgentOptions Fresh(AgentOptions? options) =>
        (options ?? new()) with
        {
            Session = options?.Continues is null ? null : options.Session,
            FollowUp = null,
            TimesPutOff = 0,
        };

    // The one that the last attempt had, if the agent can go on with one.
    private string? SessionOf(AgentTask task)
    {
        if (
            project.Config.Find(task.Agent).Work.Adapter is not { } adapter
            || project.Config.Adapters.Find(adapter).Resume is null
        )
        {
            return null;
        }

        return new Results(_queue).Read(task.Id)?.Session ?? task.Options?.Session;
    }
}
