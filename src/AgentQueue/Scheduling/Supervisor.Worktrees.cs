using System.Text;
using AgentQueue.Config;
using AgentQueue.Git;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <content>The worktree that a task works in, if it has one.</content>
internal sealed partial class Supervisor
{
    /// <summary>
    /// Makes the worktree, or finds that of an earlier attempt, and plans the task for it. Everything here
    /// happens before the attempt is recorded: if this supervisor dies, the task is pending, and the next one
    /// begins anew or goes on with what is whole.
    /// </summary>
    /// <exception cref="QueueException">It could not be made or set up.</exception>
    private AgentPlan InWorktree(ref AgentTask task, AgentPlan plan, HeldLock alive)
    {
        if ((task.Worktree ?? (plan.Worktrees.IsDefault ? new Worktree() : null)) is not { } asked)
        {
            return plan;
        }

        var id = task.Id;
        plan = plan with { Environment = OfNoRepository(plan.Environment) };
        var maker = new WorktreeMaker(queue, clock);
        var made = maker.Make(
            id,
            asked,
            plan.WorkingFolder,
            plan.Worktrees.Root,
            sentence => Tell(id, sentence)
        );
        task = task with { Worktree = made.Worktree };
        queue.Write(task);
        if (made.IsNew)
        {
            SetUp(task, plan, made, alive);
            maker.Finish(made);
        }

        plan = planner.Plan(task with { WorkingFolder = made.Folder });
        return plan with { Environment = OfNoRepository(plan.Environment) };
    }

    private void SetUp(AgentTask task, AgentPlan plan, MadeWorktree made, HeldLock alive)
    {
        var limit = plan.Worktrees.SetupTimeout ?? WorktreeRule.DefaultSetupTimeout;
        var began = clock.GetTimestamp();
        foreach (var words in plan.Worktrees.Setup ?? [])
        {
            var shown = string.Join(' ', words);
            Tell(task.Id, $"setup: {shown}");
            using var setup = StartSetup(task, plan, made, words[0], [.. words[1..]], alive);
            while (setup.Exit is null)
            {
                var left = limit - clock.GetElapsedTime(began);
                var wake = setup.Wait(Shortest(s_tick, left));
                if (setup.Exit is not null)
                {
                    break;
                }

                WasToldToEnd = wake.HasFlag(Wake.ToldToEnd);
                var why =
                    WasToldToEnd ? "the supervisor was told to end (TERM)"
                    : IsToEnd(task.Id) ? "the task was"
                    : clock.GetElapsedTime(began) >= limit
                        ? $"it took longer than {Duration.Format(limit)}"
                    : null;
                if (why is not null)
                {
                    setup.EndAll(plan.Grace);
                    throw new QueueException(
                        $"The setup of its worktree, {shown}, was ended: {why}"
                    );
                }
            }

            setup.EndLeftovers(s_leftoverGrace);
            if (setup.Exit is { IsSuccess: false } bad)
            {
                throw new QueueException(
                    $"The setup of its worktree, {shown}, {bad.Describe()}; see its log"
                );
            }
        }
    }

    private IAgentProcess StartSetup(
        AgentTask task,
        AgentPlan plan,
        MadeWorktree made,
        string program,
        IReadOnlyList<string> arguments,
        HeldLock alive
    )
    {
        var path = plan
            .Environment.FirstOrDefault(static e =>
                AgentEnvironment.Names.Equals(e.Split('=', 2)[0], "PATH")
            )
            ?.Split('=', 2)[1];
        try
        {
            return host.Start(
                LaunchOf(task, plan, alive) with
                {
                    Executable =
                        ExecutableLookup.Find(program, path, made.Path)
                        ?? throw new LaunchException("there is no such program"),
                    Arguments = arguments,
                    WorkingFolder = made.Path,
                    ErrorLogFile = null,
                    InputFile = null,
                }
            );
        }
        catch (LaunchException e)
        {
            throw new QueueException(
                $"The setup of its worktree, {program}, cannot be started: {e.Message}"
            );
        }
    }

    // A git hook that has called us would lead the agent's git into its own work tree.
    private static List<string> OfNoRepository(IEnumerable<string> environment) =>
        [.. environment.Where(static e => !GitProgram.NamesPlace(e.Split('=', 2)[0]))];

    private bool IsToEnd(TaskId id) =>
        Requested(id, Requests.Cancel)
        || Requested(id, Requests.Expire)
        || Dropped(id, Sentinel.Cancelled)
        || Dropped(id, Sentinel.Timeout);

    private void Tell(TaskId id, string sentence) =>
        Attempt(() =>
            queue.Disk.Append(
                queue.LogFile(id),
                Encoding.UTF8.GetBytes($"agentq: {sentence.ReplaceLineEndings(" ")}\n")
            )
        );
}
