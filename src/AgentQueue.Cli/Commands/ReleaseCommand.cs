using System.CommandLine;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>release</c>: let held tasks go.</summary>
internal static class ReleaseCommand
{
    private static readonly Argument<string[]> s_ids = Options.Ids("Held tasks to release");

    public static Command Create()
    {
        var command = new Verb("release", "Let held tasks start again", "agentq release 01j9x2")
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
                var changed = control.Release(id);
                return (session.Queue.ReadOrThrow(id), changed ? "released" : "was not held");
            }
        );
        new PlanRuns(session.Project).GoOn(ids);
        session.Project.ContinueDrains();
        return code;
    }

    // Who answers a question has seen it.
    private static void RefuseAsking(Session session, TaskId id)
    {
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
