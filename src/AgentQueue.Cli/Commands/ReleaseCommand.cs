using System.CommandLine;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>release</c>: let go of tasks that are held, or have a time.</summary>
internal static class ReleaseCommand
{
    private static readonly Argument<string[]> s_ids = Options.Ids("Tasks to release");

    public static Command Create()
    {
        var command = new Verb(
            "release",
            "Let held tasks start again, and others before the time that start --at or --in set for them",
            "agentq release 01j9x2"
        )
        {
            s_ids,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var control = session.Project.Control;
        var ids = session.FindIds(parsed.GetValue(s_ids)!);
        var code = ManyTasks.Do(
            session,
            ids,
            "There is nothing to release",
            id =>
            {
                RefuseAsking(session, id);
                var before = session.Queue.ReadOrThrow(id);
                var changed = control.Release(id);
                var after = session.Queue.ReadOrThrow(id);
                return (after, changed ? Describe(session, before, after) : "was not held");
            }
        );
        new PlanRuns(session.Project).GoOn(ids);
        session.Events.GoOn(ids);
        session.Project.ContinueDrains();
        return code;
    }

    private static string Describe(Session session, AgentTask before, AgentTask after)
    {
        var clock = session.Project.Clock;
        return before.State is TaskState.Pending { Held: false } ? "released from its time"
            : after.State is TaskState.Pending { NotBefore: { } at } && at > clock.GetUtcNow()
                ? $"released; not before {StartTime.Describe(at, clock.GetUtcNow(), clock.LocalTimeZone)}, unless it is released once more"
            : "released";
    }

    // Who answers a question has seen it.
    private static void RefuseAsking(Session session, TaskId id)
    {
        if (session.Queue.ReadOrThrow(id).State is TaskState.Pending { Question: { } asked })
        {
            throw new QueueException(
                $"Task {id} asks: {asked}",
                $"Answer it: agentq answer {id} \"…\""
            );
        }

        if (
            RunId.Of(id) is { } run
            && session.Queue.ReadOrThrow(id)
                is {
                    State: TaskState.Pending { Held: true },
                    Step: { Approval: { } question } step
                }
        )
        {
            throw new QueueException(
                $"Task {id} asks: {question}",
                $"Answer it: agentq plan approve {run} {step.Node}, or reject"
            );
        }
    }
}
