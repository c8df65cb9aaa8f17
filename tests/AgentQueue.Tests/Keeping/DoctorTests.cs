using System.Diagnostics;
using AgentQueue.Keeping;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Keeping;

public sealed class DoctorTests : IDisposable
{
    private readonly KeepingProject _project = new();
    private readonly List<Process> _processes = [];

    private QueueFolder Queue => _project.Queue;

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Kill();
            process.WaitForExit(10_000);
            process.Dispose();
        }

        _project.Dispose();
    }

    [Fact]
    public void A_sound_queue_has_no_problems_and_nothing_of_the_examination_stays()
    {
        _project.Add();
        _project.Add(KeepingProject.Complete());

        var diagnosis = Examine();

        Assert.False(diagnosis.HasProblems, Told(diagnosis));
        Assert.Equal(Health.Ok, HealthOf(diagnosis, "locks"));
        Assert.Equal(Health.Ok, HealthOf(diagnosis, "renames"));
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Queue.Run),
            f => f.Contains("doctor", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Without_a_queue_the_rest_is_still_examined()
    {
        Directory.Delete(Queue.Folder, recursive: true);

        var diagnosis = Examine();

        Assert.Equal(Health.Warning, HealthOf(diagnosis, "folder"));
        Assert.Contains(diagnosis.Findings, f => f.Check == "agents");
        Assert.False(Directory.Exists(Queue.Folder));
    }

    [Fact]
    public void A_folder_that_everybody_may_write_is_a_problem()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        File.SetUnixFileMode(
            Queue.Tasks,
            File.GetUnixFileMode(Queue.Tasks) | UnixFileMode.OtherWrite
        );

        Assert.Equal(Health.Problem, HealthOf(Examine(), "access"));
    }

    [Fact]
    public void A_task_file_that_cannot_be_read_is_told_of_and_left_alone()
    {
        var path = Path.Join(Queue.Tasks, "task_torn.json");
        File.WriteAllText(path, "{");

        var diagnosis = Examine(fix: true);

        Assert.Contains(
            diagnosis.Findings,
            f =>
                f.Health == Health.Problem
                && f.Message.Contains("task_torn", StringComparison.Ordinal)
        );
        Assert.Equal("{", File.ReadAllText(path));
    }

    [Fact]
    public void A_mistake_in_the_configuration_is_a_problem()
    {
        File.WriteAllText(Path.Join(_project.Root, "agent-config.json"), "{ \"agentz\": {} }");

        Assert.Equal(Health.Problem, HealthOf(Examine(), "config"));
    }

    [Theory]
    [InlineData(null, "Ok")]
    [InlineData("folder", "Warning")]
    [InlineData("file", "Warning")]
    public void Git_is_missed_only_where_a_repository_is(string? repository, string health)
    {
        var path = Path.Join(_project.Root, ".git");
        if (repository == "folder")
        {
            Directory.CreateDirectory(path);
        }
        else if (repository == "file")
        {
            File.WriteAllText(path, "gitdir: elsewhere\n");
        }

        var diagnosis = new Doctor(
            _project.Project,
            static name => name == "PATH" ? "" : Environment.GetEnvironmentVariable(name)
        ).Examine(fix: false);

        var finding = Assert.Single(diagnosis.Findings, static f => f.Check == "git");
        Assert.Equal(health, finding.Health.ToString());
        Assert.Equal(health == "Warning", finding.Advice is not null);
    }

    [Fact]
    public void Git_is_told_where_it_is_found()
    {
        Directory.CreateDirectory(Path.Join(_project.Root, ".git"));

        Assert.Equal(Health.Ok, HealthOf(Examine(), "git"));
    }

    [Fact]
    public void Leftovers_are_found_and_removed()
    {
        var gone = TaskId.Parse("task_gone");
        string[] paths =
        [
            Queue.LogFile(gone),
            Queue.PlanFile(gone),
            Queue.SentinelFile(gone, Sentinel.Done),
            Queue.RequestFile(gone, "cancel"),
            Queue.LockFile(gone),
            Path.Join(Queue.Tasks, ".task_gone.json.tmp-1-2-3"),
        ];
        foreach (var path in paths)
        {
            Old(path);
        }

        Assert.Equal(Health.Problem, HealthOf(Examine(), "leftovers"));
        var diagnosis = Examine(fix: true);

        Assert.Contains("6 leftovers removed", diagnosis.Fixed);
        Assert.False(diagnosis.HasProblems, Told(diagnosis));
        Assert.All(paths, p => Assert.False(File.Exists(p), p));
    }

    [Fact]
    public void What_belongs_to_a_task_or_is_young_or_is_somebody_elses_stays()
    {
        var id = _project.Add(KeepingProject.Complete());
        Old(Queue.SentinelFile(id, Sentinel.Done));
        Old(Path.Join(Queue.Logs, "notes.log"));
        Old(Path.Join(Queue.Tasks, "README.md"));
        File.WriteAllText(Queue.LogFile(TaskId.Parse("task_young")), "");

        var diagnosis = Examine(fix: true);

        Assert.Equal(Health.Ok, HealthOf(diagnosis, "leftovers"));
        Assert.True(File.Exists(Queue.SentinelFile(id, Sentinel.Done)));
        Assert.True(File.Exists(Path.Join(Queue.Logs, "notes.log")));
        Assert.True(File.Exists(Queue.LogFile(TaskId.Parse("task_young"))));
    }

    [Fact]
    public void The_files_of_an_interrupted_archiving_go_back_to_their_task()
    {
        var id = _project.Add(KeepingProject.Complete());
        Directory.CreateDirectory(Queue.Archive);
        File.Delete(Queue.LogFile(id));
        Old(Queue.ArchivedLog(id));

        Examine(fix: true);

        Assert.True(File.Exists(Queue.LogFile(id)));
        Assert.False(File.Exists(Queue.ArchivedLog(id)));
    }

    [Fact]
    public void A_running_task_without_a_supervisor_is_settled_by_fix_alone()
    {
        var id = _project.Add(new TaskState.Running(KeepingProject.Now));

        Assert.True(Examine().HasProblems);
        Assert.IsType<TaskState.Running>(_project.Read(id).State);
        var diagnosis = Examine(fix: true);

        Assert.False(diagnosis.HasProblems, Told(diagnosis));
        Assert.Equal(Reason.Lost, ((TaskState.Failed)_project.Read(id).State).Reason);
    }

    [Fact]
    public void A_process_of_an_ended_task_is_found_and_ended()
    {
        var id = _project.Add(KeepingProject.Complete());
        var process = Start(id, _project.Root);

        var found = Examine();
        Assert.Equal(Health.Problem, HealthOf(found, "processes"));
        Assert.False(process.HasExited);
        var diagnosis = Examine(fix: true);

        Assert.True(process.WaitForExit(10_000));
        Assert.Equal(Health.Ok, HealthOf(diagnosis, "processes"));
    }

    [Fact]
    public void A_process_of_another_project_is_not_touched_though_its_task_has_the_same_id()
    {
        var id = _project.Add(KeepingProject.Complete());
        var process = Start(id, "/somewhere/else");

        var diagnosis = Examine(fix: true);

        Assert.Equal(Health.Ok, HealthOf(diagnosis, "processes"));
        Assert.False(process.HasExited);
    }

    [Fact]
    public void A_process_that_its_agent_may_leave_behind_is_not_touched()
    {
        var id = _project.Add(KeepingProject.Complete());
        File.WriteAllText(
            Path.Join(_project.Root, "agent-config.json"),
            """{"agents":{"shell":{"command":"/bin/sh","args":["-c","{prompt}"],"keepChildren":true}}}"""
        );
        var process = Start(id, _project.Root);

        Assert.Equal(Health.Ok, HealthOf(Examine(fix: true), "processes"));
        Assert.False(process.HasExited);
    }

    [Fact]
    public void Tasks_from_the_future_cast_doubt_on_the_clock()
    {
        var id = _project.Add();
        _project.Change(id, t => t with { CreatedAt = KeepingProject.Now.AddDays(1) });

        Assert.Equal(Health.Warning, HealthOf(Examine(), "clock"));
    }

    private Diagnosis Examine(bool fix = false) =>
        new Doctor(_project.Project, Environment.GetEnvironmentVariable).Examine(fix);

    private static Health HealthOf(Diagnosis diagnosis, string check) =>
        diagnosis.Findings.Where(f => f.Check == check).Max(f => f.Health);

    private static string Told(Diagnosis diagnosis) => string.Join('\n', diagnosis.Findings);

    private static void Old(string path)
    {
        File.WriteAllText(path, "");
        File.SetLastWriteTimeUtc(path, KeepingProject.Now.AddMinutes(-5).UtcDateTime);
    }

    private Process Start(TaskId id, string root)
    {
        var process = Process.Start(
            new ProcessStartInfo("sleep", ["60"])
            {
                Environment = { ["AGENTQ_TASK_ID"] = id.Value, ["AGENTQ_ROOT"] = root },
            }
        )!;
        _processes.Add(process);
        return process;
    }
}
