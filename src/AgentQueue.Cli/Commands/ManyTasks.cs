using AgentQueue.Cli.Output;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>Doing the same to several tasks: each is told of, and one that refuses does not stop the rest.</summary>
internal static class ManyTasks
{
    /// <param name="act">Does it; returns the task as it is now and what to say of it.</param>
    /// <param name="parallel">Several at once: for what waits.</param>
    public static ExitCode Do(
        Session session,
        IReadOnlyList<TaskId> ids,
        string nothing,
        Func<TaskId, (AgentTask Task, string Done)> act,
        bool parallel = false
    )
    {
        if (ids.Count == 0 && !session.Json)
        {
            Session.Screen.Talk(nothing);
        }

        var results = new (AgentTask? Task, string? Done, QueueException? Problem)[ids.Count];
        if (parallel && ids.Count > 1)
        {
            Parallel.For(0, ids.Count, Act);
        }
        else
        {
            for (var i = 0; i < ids.Count; i++)
            {
                Act(i);
            }
        }

        return Tell(session, results);

        void Act(int i)
        {
            try
            {
                (results[i].Task, results[i].Done) = act(ids[i]);
            }
            catch (QueueException e)
            {
                results[i].Problem = e;
            }
        }
    }

    private static ExitCode Tell(
        Session session,
        (AgentTask? Task, string? Done, QueueException? Problem)[] results
    )
    {
        var code = ExitCode.Ok;
        foreach (var (task, done, problem) in results)
        {
            if (problem is not null)
            {
                Session.Screen.Error(problem);
                code = problem.ExitCode;
            }
            else if (!session.Json)
            {
                Session.Screen.Line($"{task!.Id} {done}");
            }
        }

        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    TaskReply.WriteArray(
                        w,
                        "tasks"u8,
                        [.. results.Select(static r => r.Task).OfType<AgentTask>()]
                    );
                    w.WriteStartArray("refused"u8);
                    foreach (var (_, _, problem) in results)
                    {
                        if (problem is not null)
                        {
                            w.WriteStringValue(problem.Message);
                        }
                    }

                    w.WriteEndArray();
                }
            );
        }

        return code;
    }
}
