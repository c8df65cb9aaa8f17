using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Simulation;

/// <summary>What must hold, judged by the agents that really ran and by the files alone.</summary>
internal sealed partial class Simulation
{
    private void CheckLaunch(FakeAgentProcess agent)
    {
        Check(
            _world.Host.Of(agent.Task).Count(static a => a.IsAlive) == 1,
            $"I1: a second agent of {agent.Task} was started while the first lived"
        );
        Check(
            _world.Host.Of(agent.Task).Count() == 1,
            $"{agent.Task} was started a second time by itself, though its agent may have acted"
        );
        Check(
            !_verdicts.ContainsKey(agent.Task),
            $"I2: {agent.Task} was started after its verdict"
        );
        var run = RunId.Of(agent.Task);
        var alive = _world.Host.Alive.Count(a => RunId.Of(a.Task) == run);
        Check(alive <= Limit, $"I9: {alive} agents at once, of {run?.Value ?? "no run"}");
        CheckFiles();
        var task = TaskJson.Read(
            System.Text.Encoding.UTF8.GetBytes(
                _world.Disk.Text($"{TasksFolder}/{agent.Task}.json")
            ),
            agent.Task
        );
        if (run is not null)
        {
            Check(
                StandingOf(task) == DependencyStanding.Met,
                $"I10: {agent.Task} was started, and what its plan wants before it is {StandingOf(task)}"
            );
            return;
        }

        foreach (var on in task.DependsOn.Except(task.DependenciesMet))
        {
            var last = LastOf(on);
            var kind = task.KindOf(on);
            Check(
                kind switch
                {
                    DependencyKind.AfterOk => _completed.Contains(last),
                    DependencyKind.AfterAny => _verdicts.ContainsKey(last),
                    _ => _verdicts.ContainsKey(last) && !_completed.Contains(last),
                },
                $"I10: {agent.Task} was started before {on} had ended as {kind.Word()} wants it"
            );
        }
    }

    private TaskId LastOf(TaskId id)
    {
        while (_retries.TryGetValue(id, out var next))
        {
            id = next;
        }

        return id;
    }

    private void CheckFiles()
    {
        var found = new HashSet<TaskId>();
        var retried = new HashSet<TaskId>();
        foreach (var folder in (string[])[TasksFolder, ArchiveFolder])
        {
            foreach (var (name, content) in _world.Disk.FilesIn(folder))
            {
                if (!IsTask(name, out var id))
                {
                    continue;
                }

                // A move from one folder to the other that lost its power has left it in both.
                var isNew = found.Add(id);
                var seen = CheckFile(id, content);
                Check(
                    !isNew || seen.RetryOf is not { } of || retried.Add(of),
                    $"{seen.RetryOf} was retried twice, the second time by {id}"
                );
            }
        }

        foreach (var id in _accepted)
        {
            Check(
                found.Contains(id) || _cleaned.Contains(id),
                $"I3: {id} was accepted and is gone"
            );
        }
    }

    private void CheckFile(string path)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        if (
            IsTask(name, out var id)
            && path.StartsWith(World.Root + "/.agents/", StringComparison.Ordinal)
            && _world.Disk.TryRead(path) is { } content
        )
        {
            CheckFile(id, content);
        }
    }

    private Seen CheckFile(TaskId id, byte[] content)
    {
        var seen = Look(id, content);
        Check(
            !_verdicts.TryGetValue(id, out var before) || before == seen.Verdict,
            $"I2: the verdict of {id} changed from {before} to {seen.Verdict}"
        );
        if (seen.Verdict is not null)
        {
            _verdicts[id] = seen.Verdict;
        }

        if (seen.IsComplete)
        {
            _completed.Add(id);
        }

        if (seen.RetriedBy is { } next)
        {
            _retries[id] = next;
        }

        return seen;
    }

    // Files are replaced and never changed, so what was read once need not be read again.
    private Seen Look(TaskId id, byte[] content)
    {
        if (_seen.TryGetValue(content, out var known))
        {
            return known;
        }

        try
        {
            var task = TaskJson.Read(content, id);
            return _seen[content] = new Seen(
                task.Prompt,
                task.State is TaskState.Finished ? TaskText.Of(WithoutLinks(task.State)) : null,
                task.State is TaskState.Complete,
                (task.State as TaskState.Unsuccessful)?.RetriedBy,
                task.RetryHistory is [.., var last] ? last.RetriedFrom : null
            );
        }
        catch (FormatException e)
        {
            throw new InvariantBroken($"I4: {id} cannot be read: {e.Message}");
        }
    }

    private static bool IsTask(string name, out TaskId id)
    {
        id = default;
        return name.EndsWith(".json", StringComparison.Ordinal)
            && name != "task_newer.json"
            && TaskId.TryParse(name.AsSpan(0, name.Length - ".json".Length), out id);
    }

    private static TaskState WithoutLinks(TaskState state) =>
        state is TaskState.Unsuccessful failed
            ? failed with
            {
                RetriedBy = null,
                RetriedAt = null,
                RetryIntent = null,
            }
            : state;

    // A verdict can be read a moment before it is durable; only a loss of power in that moment may undo it.
    private void ForgetWhatIsNotDurable()
    {
        CheckFiles();
        foreach (var id in _verdicts.Keys.ToList())
        {
            var path = $"{TasksFolder}/{id}.json";
            if (_world.Disk.Has(path) && !_world.Disk.IsDurable(path))
            {
                _verdicts.Remove(id);
                _completed.Remove(id);
                _retries.Remove(id);
            }
        }
    }

    private static void Check(bool holds, string invariant)
    {
        if (!holds)
        {
            throw new InvariantBroken(invariant);
        }
    }

    /// <summary>What one version of a task's file says.</summary>
    private sealed record Seen(
        string Prompt,
        string? Verdict,
        bool IsComplete,
        TaskId? RetriedBy,
        TaskId? RetryOf
    );
}

internal sealed class InvariantBroken(string message) : Exception(message);
