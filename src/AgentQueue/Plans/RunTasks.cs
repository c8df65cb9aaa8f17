using System.Collections.Immutable;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>Turns the nodes of a plan into tasks of the queue. Pure: the same plan and run give the same tasks.</summary>
internal static class RunTasks
{
    public static IReadOnlyList<AgentTask> Of(Plan plan, RunRecord run)
    {
        var ids = new Dictionary<string, TaskId>(plan.Tasks.Length, StringComparer.Ordinal);
        var folders = new Dictionary<string, string>(plan.Tasks.Length, StringComparer.Ordinal);
        for (var i = 0; i < plan.Tasks.Length; i++)
        {
            ids[plan.Tasks[i].Id] = run.TaskOf(i);
            folders[plan.Tasks[i].Id] = FolderOf(plan.Tasks[i], run);
        }

        return [.. plan.Tasks.Select(node => TaskOf(node, run, ids, folders))];
    }

    /// <summary>The nodes of each matrix that limits itself: they stand next to one another.</summary>
    public static ImmutableArray<(int First, int Last, int Most)> GroupsOf(Plan plan)
    {
        var groups = ImmutableArray.CreateBuilder<(int, int, int)>();
        for (var i = 0; i < plan.Tasks.Length; i++)
        {
            if (plan.Tasks[i] is { MaxParallel: { } most, MatrixOf: { } matrix })
            {
                var first = i;
                while (i + 1 < plan.Tasks.Length && plan.Tasks[i + 1].MatrixOf == matrix)
                {
                    i++;
                }

                groups.Add((first + 1, i + 1, most));
            }
        }

        return groups.ToImmutable();
    }

    private static AgentTask TaskOf(
        PlanTask node,
        RunRecord run,
        Dictionary<string, TaskId> ids,
        Dictionary<string, string> folders
    )
    {
        ImmutableArray<string> command = [.. node.Command.Select(Stored)];
        return new AgentTask
        {
            Id = ids[node.Id],
            Agent = node.Agent ?? PlanStep.CommandAgent,
            Prompt = node.Prompt is { } prompt ? Stored(prompt) : ShellWords.Join(command),
            Name = node.Id,
            CreatedAt = run.CreatedAt,
            WorkingFolder = folders[node.Id],
            Environment = node
                .Environment.Select(e => KeyValuePair.Create(e.Key, (string?)Stored(e.Value)))
                .ToImmutableSortedDictionary(StringComparer.Ordinal),
            Timeout = node.Timeout,
            Priority = node.Priority ?? TaskSummary.DefaultPriority,
            MaxRetries = node.Retries,
            AutoRetry = node.Retries > 0,
            DependsOn = [.. node.DependsOn.Select(d => ids[d.Id])],
            AfterAny = Those(DependencyKind.AfterAny),
            AfterNotOk = Those(DependencyKind.AfterNotOk),
            Step = new PlanStep
            {
                Node = node.Id,
                Command = command,
                Backoff = node.Backoff,
                Outputs = [.. node.Outputs.Select(Stored)],
                ArtifactsFolder = run.ArtifactsFolder is { } folder
                    ? Path.Join(folder, node.Id)
                    : null,
                When = node.When is { } when
                    ? new StepCondition(
                        ids[when.Task],
                        when.Outcome,
                        when.File is { } file ? Path.GetFullPath(file, folders[when.Task]) : null,
                        when.Contains
                    )
                    : null,
                Approval = node.Approval,
            },
            Checks =
                node.Verify.IsEmpty && !node.VerifyOutputs && node.FixAttempts == 0
                    ? null
                    : new WorkChecks
                    {
                        Commands =
                        [
                            .. node.Verify.Select(words =>
                                ImmutableArray.CreateRange(words, Stored)
                            ),
                        ],
                        Outputs = node.VerifyOutputs,
                        FixAttempts = node.FixAttempts,
                    },
            Worktree = node.Worktree,
            State = new TaskState.Pending(Held: node.Approval is not null),
        };

        ImmutableArray<TaskId> Those(DependencyKind kind) =>
            [.. node.DependsOn.Where(d => d.Kind == kind).Select(d => ids[d.Id])];

        string Stored(string text) =>
            PlanText.FillPaths(text, node.Inputs, (id, fact) => StepTexts.Reference(ids[id], fact));
    }

    private static string FolderOf(PlanTask node, RunRecord run) =>
        Path.GetFullPath(node.WorkingFolder ?? ".", run.WorkingFolder);
}
