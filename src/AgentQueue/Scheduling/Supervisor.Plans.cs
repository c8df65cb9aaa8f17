using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using AgentQueue.Git;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <content>What a plan asks of the work of a task: checks, and what is kept of it.</content>
internal sealed partial class Supervisor
{
    private const int MostNames = 3;

    private static bool HasChecks(AgentTask task, AgentPlan plan) =>
        !plan.Checks.IsEmpty || task.Checks is { IsEmpty: false };

    private bool IsComplete(
        TaskId id,
        AgentPlan plan,
        IAgentProcess agent,
        AgentReading? reading
    ) =>
        Verdict.Judge(
            _verdicts.Gather(id, plan.Completion, agent.Exit) with
            {
                AgentProblem = reading?.Problem,
            }
        ) is Verdict.Complete;

    /// <summary>
    /// What must hold of the work before it counts as complete. The checks run as the agent did, within what is
    /// left of its time.
    /// </summary>
    private (AgentTask Task, Cause Cause, CheckResult Result) Check(
        AgentTask task,
        AgentPlan plan,
        WorkTree? tree,
        HeldLock alive,
        long started
    )
    {
        // Apart from the work of a plan's task, which others may read.
        var log = queue.CheckLogFile(task.Id) ?? queue.LogFile(task.Id);
        foreach (var (executable, words) in plan.Checks)
        {
            var shown = string.Join(' ', words);
            Attempt(() => queue.Disk.Append(log, HeaderOf(shown).AsSpan()));
            var printed = queue.Disk.Facts(log)?.Size ?? 0;
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
                        LogFile = log,
                        ErrorLogFile = null,
                        InputFile = null,
                    }
                );
            }
            catch (LaunchException e)
            {
                return (
                    task,
                    Cause.None,
                    CheckResult.Unavailable($"The check {shown} could not be started: {e.Message}")
                );
            }

            using (check)
            {
                (task, var cause) = Watch(
                    task,
                    plan with
                    {
                        StartTimeout = null,
                    },
                    check,
                    started,
                    mayEndByWord: false
                );
                if (cause != Cause.None)
                {
                    check.EndAll(plan.Grace);
                    return (task, cause, CheckResult.None);
                }

                check.EndLeftovers(s_leftoverGrace);
                var output =
                    check.Exit is { IsSuccess: false }
                    && (queue.Disk.Facts(log)?.Size ?? 0) > printed
                        ? LogTail.Lines(log, FixLines, FixLength, printed)
                        : "";
                LimitLogs(task.Id, plan);
                if (check.Exit is { IsSuccess: false } bad)
                {
                    return (
                        task,
                        Cause.None,
                        CheckResult.Failed($"The check {shown} {bad.Describe()}", output)
                    );
                }
            }
        }

        return (task, Cause.None, CheckState(task, plan, tree));
    }

    private CheckResult CheckState(AgentTask task, AgentPlan plan, WorkTree? tree)
    {
        if (
            task is { Checks.Outputs: true, Step: { } step }
            && Artifacts.Unmatched(step.Outputs, plan.WorkingFolder, Excluded(step))
                is [var missing, ..]
        )
        {
            return CheckResult.Failed($"The output {missing} was not made");
        }

        if (task.Checks is not ({ Changes: true } or { Clean: true }))
        {
            return CheckResult.Passed;
        }

        return tree?.Look() switch
        {
            null => CheckResult.Unavailable(
                "Whether anything has changed cannot be told: "
                    + (
                        GitProgram.Find(clock) is null
                            ? "git was not found on the PATH; install it (https://git-scm.com), or add its folder to the PATH that agentq is started with"
                            : $"{plan.WorkingFolder} is in no git repository that can be read"
                    )
            ),
            { Files: [] } when task.Checks.Changes => CheckResult.Failed("Nothing was changed"),
            { Uncommitted: { IsEmpty: false } paths } when task.Checks.Clean => CheckResult.Failed(
                $"Changes were left uncommitted: {NamesOf(paths)}"
            ),
            _ => CheckResult.Passed,
        };
    }

    private static string NamesOf(ImmutableArray<string> paths) =>
        string.Join(", ", paths.Take(MostNames))
        + (
            paths.Length > MostNames
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $" and {paths.Length - MostNames} more"
                )
                : ""
        );

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
