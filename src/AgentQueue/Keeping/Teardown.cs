using System.Collections;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>What is run in a worktree before it is removed.</summary>
internal static class Teardown
{
    /// <exception cref="QueueException">A command failed or took too long; the worktree stays.</exception>
    public static void Run(ProjectQueue project, AgentTask task, string folder)
    {
        var rule = project.Config.WorktreesOf(task.Agent);
        var limit = rule.TeardownTimeout ?? WorktreeRule.DefaultTeardownTimeout;
        var began = project.Clock.GetTimestamp();
        foreach (var words in rule.Teardown ?? [])
        {
            var shown = string.Join(' ', words);
            var mark =
                $"{AgentEnvironment.HookVariable}={TaskId.New(project.Clock.GetUtcNow()).Value[TaskId.Prefix.Length..]}";
            var output = new OutputTail(4 << 10);
            var end = ForegroundProgram.Run(
                new ForegroundLaunch(
                    ExecutableLookup.Find(
                        words[0],
                        Environment.GetEnvironmentVariable("PATH"),
                        folder
                    )
                        ?? throw new QueueException(
                            $"There is no program '{words[0]}' for the teardown of {folder}"
                        ),
                    words[1..],
                    folder,
                    Environments(project, task, mark)
                )
                {
                    Limit = new ProgramLimit(
                        Left(limit - project.Clock.GetElapsedTime(began)),
                        mark,
                        project.Clock
                    ),
                },
                (piece, _) => output.Add(piece)
            );
            if (end.TimedOut || !end.Exit.IsSuccess)
            {
                var how = end.TimedOut
                    ? $"took longer than {Duration.Format(limit)}"
                    : end.Exit.Describe();
                var last = output.ToString().TrimEnd().Split('\n')[^1];
                throw new QueueException(
                    $"The teardown of {folder}, {shown}, {how}{(last.Length > 0 ? ": " + last : "")}",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Mend that and try again, or remove it all the same: agentq discard {task.Id} --force"
                    )
                );
            }
        }
    }

    private static TimeSpan Left(TimeSpan left) =>
        left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1);

    private static List<string> Environments(ProjectQueue project, AgentTask task, string mark)
    {
        var entries = LocalBackend.WithoutMarks((IDictionary)Environment.GetEnvironmentVariables());
        entries.RemoveAll(static e => AgentEnvironment.IsOurs(e.Split('=', 2)[0]));
        entries.Add($"{AgentEnvironment.TaskIdVariable}={task.Id}");
        entries.Add($"{AgentEnvironment.RootVariable}={project.Root}");
        entries.Add(mark);
        return entries;
    }
}
