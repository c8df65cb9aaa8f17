using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// What <c>start</c> and <c>retry</c> do once their tasks are stored: say so, start them if asked to, stay
/// if asked to.
/// </summary>
internal static class StartReport
{
    public sealed record Wishes(bool Run, bool Wait, bool Quiet, bool IsBatch = false);

    public static ExitCode Finish(Session session, IReadOnlyList<AgentTask> tasks, Wishes wishes)
    {
        var screen = Session.Screen;
        if (!session.Json)
        {
            foreach (var task in tasks)
            {
                screen.Line(
                    wishes.Quiet || wishes.IsBatch ? task.Id.Value : Describe(session, task)
                );
            }

            screen.Flush();
        }

        WarnOfBlocked(session, tasks);
        var code = ExitCode.Ok;
        // Retries of a run's tasks: the run starts them.
        new PlanRuns(session.Project).GoOn([.. tasks.Select(static t => t.Id)]);
        session.Events.GoOn(tasks.Select(static t => t.Id));
        var own = tasks.Where(static t => QueueScope.Of(t.Id) == QueueScope.None).ToList();
        if (wishes.Wait)
        {
            code = Following.SeeThrough(session, [.. tasks.Select(static t => t.Id)], wishes.Quiet);
        }
        else if (wishes.Run && own.Count > 0)
        {
            var pass = session.Project.Run.StartAny(
                [.. own.Select(static t => t.Id)],
                session.Project.Settings.Parallel
            );
            code = Starts.Tell(session, pass.Started, wishes.Quiet || session.Json);
            if (pass.Started.Count == 0 && !wishes.Quiet)
            {
                screen.Talk(
                    tasks.All(static t => t.State is TaskState.Pending { Held: true })
                        ? "Not started: it is held"
                    : pass.Running >= session.Project.Settings.Parallel
                        ? $"Not started yet: {pass.Running} of {session.Project.Settings.Parallel} slots are taken"
                    : tasks is [var one] && TimeOf(session, one) is { } time
                        ? $"Not started yet: {time}"
                    : tasks is [var kept] && session.Project.Run.BarOf(kept.Id) is { } bar
                        ? $"Not started yet: {bar.Reason}"
                    : "Not started yet: it waits for its dependencies"
                );
            }
        }
        else
        {
            session.Project.ContinueDrains();
        }

        if (session.Json)
        {
            JsonOutput.PrintObject(
                screen,
                w => TaskReply.WriteArray(w, "tasks"u8, [.. tasks.Select(t => Fresh(session, t))])
            );
        }

        return code;
    }

    // A dependency that has ended in the wrong way is accepted, since it may be retried or removed; it should
    // be no surprise.
    private static void WarnOfBlocked(Session session, IReadOnlyList<AgentTask> tasks)
    {
        if (tasks.All(static t => t.DependsOn.IsEmpty))
        {
            return;
        }

        var dependencies = new Scheduling.Dependencies(
            session.Queue,
            tasks.Count == 1 ? null : QueueSnapshot.Take(session.Queue)
        );
        foreach (var task in tasks)
        {
            if (dependencies.Check(task) is Scheduling.Readiness.Blocked blocked)
            {
                Session.Screen.Talk(
                    $"{task.Id} cannot start as things are: {blocked.Reason}",
                    Tone.Warn
                );
            }
        }
    }

    private static string? TimeOf(Session session, AgentTask task)
    {
        var clock = session.Project.Clock;
        return task.State is TaskState.Pending { NotBefore: { } at } && at > clock.GetUtcNow()
            ? "not before " + StartTime.Describe(at, clock.GetUtcNow(), clock.LocalTimeZone)
            : null;
    }

    private static AgentTask Fresh(Session session, AgentTask task) =>
        session.Queue.Read(task.Id) is TaskRead.Found(var now, _) ? now : task;

    private static string Describe(Session session, AgentTask task)
    {
        var extras = new List<string>();
        if (task.RetryHistory is [.., { RetriedFrom: { } failed }])
        {
            extras.Add(
                task.Step is null
                    ? $"retry {task.RetryCount}/{task.MaxRetries} of {failed}"
                    : $"retry of {failed}; the run goes on"
            );
        }

        if (task.Timeout is { } limit)
        {
            extras.Add("timeout " + Duration.Format(limit));
        }

        if (task.Priority != AgentTask.DefaultPriority)
        {
            extras.Add($"priority {task.Priority}");
        }

        if (task.AutoRetry)
        {
            extras.Add($"auto-retry up to {task.MaxRetries} times");
        }

        if (task.State is TaskState.Pending { Held: true })
        {
            extras.Add("held");
        }

        if (TimeOf(session, task) is { } time)
        {
            extras.Add(time);
        }

        if (!task.DependsOn.IsEmpty)
        {
            extras.Add(
                "after "
                    + string.Join(
                        ", ",
                        task.DependsOn.Select(id => DependencyText.Of(id, task.KindOf(id)))
                    )
            );
        }

        var what = extras.Count == 0 ? "" : $" ({string.Join("; ", extras)})";
        return $"{task.Id} queued for {task.Agent}{what}";
    }
}
