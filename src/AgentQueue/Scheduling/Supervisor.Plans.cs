using System.Collections.Immutable;
using System.Text;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <content>What a plan asks of the work of a task: checks, and what is kept of it.</content>
internal sealed partial class Supervisor
{
    private static bool HasChecks(AgentTask task, AgentPlan plan) =>
        !plan.Checks.IsEmpty || task.Checks is { IsEmpty: false };

    private bool IsComplete(TaskId id, AgentPlan plan, IAgentProcess agent) =>
        Verdict.Judge(_verdicts.Gather(id, plan.Completion, agent.Exit)) is Verdict.Complete;

    /// <summary>
    /// What the plan asks of the work before it counts as complete. The checks run as the agent did, within what
    /// is left of its time.
    /// </summary>
    /// <returns>What was wrong; null if nothing was, or if something ended the checks.</returns>
    private (AgentTask Task, Cause Cause, string? Failed) Check(
        AgentTask task,
        AgentPlan plan,
        HeldLock alive,
        long started
    )
    {
        foreach (var (executable, words) in plan.Checks)
        {
            var shown = string.Join(' ', words);
            Attempt(() =>
                queue.Disk.Append(
                    queue.CheckLogFile(task.Id)!,
                    Encoding.UTF8.GetBytes($"===== verify: {shown} =====\n")
                )
            );
            IAgentProcess check;
            try
            {
                check = host.Start(
                    LaunchOf(task, plan, alive) with
                    {
                        Executable =
                            executable
                            ?? throw new LaunchException(
                                $"'{words[0]}' is no program that can be found"
                            ),
                        Arguments = words[1..],
                        // Apart from the work itself, which others may read.
                        LogFile = queue.CheckLogFile(task.Id)!,
                        ErrorLogFile = null,
                        InputFile = null,
                    }
                );
            }
            catch (LaunchException e)
            {
                return (task, Cause.None, $"The check {shown} could not be started: {e.Message}");
            }

            using (check)
            {
                (task, var cause) = Watch(task, plan, check, started, mayEndByWord: false);
                if (cause != Cause.None)
                {
                    check.EndAll(plan.Grace);
                    return (task, cause, null);
                }

                check.EndLeftovers(s_leftoverGrace);
                LimitLogs(task.Id, plan);
                if (check.Exit is { IsSuccess: false } bad)
                {
                    return (task, Cause.None, $"The check {shown} {bad.Describe()}");
                }
            }
        }

        return (
            task,
            Cause.None,
            task is { Checks.Outputs: true, Step: { } step }
            && Artifacts.Unmatched(step.Outputs, plan.WorkingFolder, Excluded(step))
                is [var missing, ..]
                ? $"The output {missing} was not made"
                : null
        );
    }

    // Whatever is wrong with an output, the task has ended as it has; what was not kept is said beside that, and
    // stands in its log.
    private string? KeepArtifacts(AgentTask task, AgentPlan plan, long changed)
    {
        if (task.Step is not { Outputs.IsEmpty: false } step || RunId.Of(task.Id) is not { } run)
        {
            return null;
        }

        var kept = Artifacts.Collect(
            new ArtifactRequest(
                step.Outputs,
                plan.WorkingFolder,
                StepTexts.ArtifactsOf(queue, run, step.Node),
                step.ArtifactsFolder,
                Excluded(step),
                changed
            )
        );
        foreach (var problem in kept.Problems)
        {
            Attempt(() =>
                queue.Disk.Append(
                    queue.ErrorLogFile(task.Id)!,
                    Encoding.UTF8.GetBytes($"agentq: {problem}\n")
                )
            );
        }

        return kept.Problems switch
        {
            [] => null,
            [var only] => only,
            [var first, ..] => $"{first}; more like it in its log",
        };
    }

    private ImmutableArray<string> Excluded(PlanStep step) =>
        step.ArtifactsFolder is { } folder
            ? [queue.Folder, Path.GetDirectoryName(folder)!]
            : [queue.Folder];
}
