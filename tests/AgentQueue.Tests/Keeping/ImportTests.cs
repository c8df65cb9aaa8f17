using System.Runtime.CompilerServices;
using AgentQueue.Config;
using AgentQueue.Keeping;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Keeping;

public sealed class ImportTests : IDisposable
{
    private readonly KeepingProject _project = new();

    private QueueFolder Queue => _project.Queue;

    public void Dispose() => _project.Dispose();

    [Fact]
    public void A_finished_task_of_the_first_version_comes_with_its_plan_and_log()
    {
        ImportSample("v1");

        var task = _project.Read(TaskId.Parse("task_1733040000"));

        var state = Assert.IsType<TaskState.Complete>(task.State);
        Assert.Equal(new DateTimeOffset(2024, 12, 1, 8, 10, 0, default), state.CompletedAt);
        Assert.Equal("hello from v1\n", File.ReadAllText(Queue.LogFile(task.Id)));
        Assert.StartsWith(
            "# Task",
            File.ReadAllText(Queue.PlanFile(task.Id)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_running_task_is_lost_whoever_has_its_pid_now()
    {
        ImportSample("v1");

        Assert.Equal(Reason.Lost, Failure("task_1733040100").Reason);
    }

    [Fact]
    public void An_error_beats_a_done_that_waits_beside_it()
    {
        ImportSample("v1");

        var failed = Failure("task_1733040200");

        Assert.Equal((Reason.Error, "tests fail"), (failed.Reason, failed.Message));
    }

    [Theory]
    [InlineData("task_1733040300", Reason.Timeout, "Timed out after 5m")]
    [InlineData("task_1733040400", Reason.Error, "it broke")]
    [InlineData("task_1733040500", Reason.Timeout, "Timed out by hand")]
    public void Waiting_sentinels_are_applied(string id, string reason, string message)
    {
        ImportSample("v1");

        var failed = Failure(id);

        Assert.Equal((reason, message), (failed.Reason, failed.Message));
    }

    [Fact]
    public void A_time_limit_that_was_hit_keeps_the_moment_of_it()
    {
        ImportSample("v1");

        Assert.Equal(
            new DateTimeOffset(2024, 12, 1, 13, 30, 0, default),
            Failure("task_1733040500").TimedOutAt
        );
    }

    [Fact]
    public void A_name_that_cannot_be_an_id_becomes_another_one()
    {
        var report = ImportSample("v1");

        var task = Assert.Single(report.Tasks, t => t.From == "task_write_docs");

        Assert.NotEqual("task_write_docs", task.Id.Value);
        Assert.Equal("Do task_write_docs", _project.Read(task.Id).Prompt);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_told_of_and_the_rest_goes_on()
    {
        var report = ImportSample("v1");

        Assert.EndsWith(
            "task_torn.json",
            Assert.Single(report.Skipped).What,
            StringComparison.Ordinal
        );
        Assert.Equal(7, report.Tasks.Count);
    }

    [Fact]
    public void Times_without_a_zone_are_local()
    {
        ImportSample("v2");

        var local = new DateTime(2025, 2, 1, 9, 30, 0, DateTimeKind.Local).AddTicks(1_234_560);
        Assert.Equal(
            local.ToUniversalTime().Ticks / 10_000,
            Read("task_1738400000001").CreatedAt.UtcTicks / 10_000
        );
    }

    [Fact]
    public void An_error_that_is_a_number_is_read_and_a_priority_out_of_range_is_told_of()
    {
        var report = ImportSample("v2");

        Assert.Equal("123", Failure("task_1738400000001").Message);
        Assert.Equal(10, Read("task_1738400000001").Priority);
        Assert.Contains(
            report.Tasks.Single(t => t.From == "task_1738400000001").Changes,
            c => c.Contains("9999", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void What_failed_before_the_import_is_not_retried_by_itself()
    {
        ImportSample("v2");

        var (snapshot, changed) = _project.Project.Reconciler.Reconcile(autoRetry: true);

        Assert.Equal(0, changed);
        Assert.Single(snapshot.Unfinished);
    }

    [Fact]
    public void Lines_of_retries_and_unknown_members_are_kept()
    {
        ImportSample("v2");

        var retry = Read("task_1738400000003");

        Assert.Equal("task_1738400000002", retry.Parent?.Value);
        Assert.Equal("task_1738400000002", retry.RetryHistory[0].RetriedFrom?.Value);
        Assert.Equal(retry.Id, Failure("task_1738400000002").RetriedBy);
        Assert.Equal(3, Failure("task_1738400000002").ExitCode);
        Assert.Null(retry.Timeout);
        Assert.Contains(retry.Unknown, m => m.Key == "customField");
    }

    [Fact]
    public void Paths_and_surroundings_in_a_foreign_file_steer_nothing()
    {
        ImportSample("v2");

        var task = Read("task_1738400000004");

        Assert.Null(task.WorkingFolder);
        Assert.Empty(task.Environment);
        Assert.Equal("hello from v2\n", File.ReadAllText(Queue.LogFile(task.Id)));
        Assert.Contains(
            "/evil",
            File.ReadAllText(Queue.TaskFile(task.Id)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_complete_task_with_an_error_beside_it_says_so()
    {
        ImportSample("v2");

        var complete = Assert.IsType<TaskState.Complete>(Read("task_1738400000004").State);
        Assert.Contains("left behind", complete.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void Dependencies_mean_the_same_and_what_cannot_be_one_holds_the_task()
    {
        ImportSample("v3");

        Assert.IsType<Readiness.Ready>(Check("task_1764500000002"));
        Assert.IsType<Readiness.Blocked>(Check("task_1764500000003"));
        Assert.IsType<TaskState.Pending>(Read("task_1764500000004").State);
        Assert.True(((TaskState.Pending)Read("task_1764500000004").State).Held);
    }

    [Fact]
    public void The_archive_goes_into_the_archive_and_the_index_is_no_task()
    {
        var report = ImportSample("v3");

        Assert.IsType<TaskRead.Found>(Queue.ReadArchived(TaskId.Parse("task_1764400000001")));
        Assert.Equal(
            "hello from the archive\n",
            File.ReadAllText(Queue.FindLog(TaskId.Parse("task_1764400000001")))
        );
        Assert.DoesNotContain(
            report.Skipped,
            s => s.What.Contains("index", StringComparison.Ordinal)
        );
        Assert.Equal(5, report.Tasks.Count);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("v3")]
    public void A_second_import_changes_nothing(string sample)
    {
        var first = ImportSample(sample);
        var before = Everything(_project.Root);

        var second = ImportSample(sample);

        Assert.Empty(second.Tasks);
        Assert.Empty(second.Agents);
        Assert.Equal(first.Tasks.Count, second.AlreadyThere);
        Assert.Equal(before, Everything(_project.Root));
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("v3")]
    public void Nothing_is_changed_in_the_older_queue(string sample)
    {
        var before = Everything(Sample(sample));

        ImportSample(sample);

        Assert.Equal(before, Everything(Sample(sample)));
    }

    [Fact]
    public void A_dry_run_writes_nothing_and_tells_the_same()
    {
        var before = Everything(_project.Root);

        var told = new Import(Queue, TimeProvider.System).Run(
            [Sample("v3")],
            _project.Root,
            dryRun: true
        );

        Assert.Equal(before, Everything(_project.Root));
        var done = ImportSample("v3");
        Assert.Equal(done.Tasks.Select(t => t.From), told.Tasks.Select(t => t.From));
        Assert.Equal(done.Agents, told.Agents);
    }

    [Fact]
    public void An_id_that_is_taken_by_another_task_is_not_reused_and_those_who_name_it_follow()
    {
        var taken = TaskId.Parse("task_1764500000001");
        var other = _project.Add();
        _project.Write(_project.Read(other) with { Id = taken });

        var report = ImportSample("v3");

        var moved = report.Tasks.Single(t => t.From == taken.Value).Id;
        Assert.NotEqual(taken, moved);
        Assert.Equal(moved, Assert.Single(Read("task_1764500000002").DependsOn));
        Assert.Equal("true", _project.Read(taken).Prompt);
    }

    [Fact]
    public void Agents_come_as_they_are_and_one_without_args_gets_its_prompt()
    {
        ImportSample("v2");

        var config = AgentConfig.Load(_project.Root);
        Assert.Equal("opencode", config.Agents["coder"].Command);
        Assert.Equal(4, config.Agents["coder"].Args.Length);
        Assert.Equal("{prompt}", Assert.Single(config.Agents["argless"].Args));
        Assert.False(config.Agents.ContainsKey("no command"));
    }

    [Fact]
    public void Escaped_braces_of_templates_become_single_ones()
    {
        ImportSample("v3");

        var agents = AgentConfig.Load(_project.Root).Agents;

        Assert.Equal(
            "Do {userPrompt}, then write {\"task\": \"{taskId}\"}",
            agents["inline"].PromptTemplate
        );
        Assert.Equal(".agents/prompts/filed.md", agents["filed"].PromptTemplateFile);
        Assert.Equal(
            "Task {taskId}: {userPrompt}\nAnswer as {\"ok\": true}\n",
            File.ReadAllText(Path.Join(Queue.Folder, "prompts/filed.md"))
        );
        Assert.Equal("Answer {\"a\": {\"b\": 1}} to {userPrompt}", agents["broken"].PromptTemplate);
        Assert.Equal("/bin/bash", agents["shell"].Command);
    }

    [Fact]
    public void A_template_outside_the_older_project_is_not_read()
    {
        var report = ImportSample("v3");

        Assert.Null(AgentConfig.Load(_project.Root).Agents["outside"].PromptTemplateFile);
        Assert.Contains(
            report.AgentChanges,
            c => c.StartsWith("outside:", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Agents_that_are_configured_here_stay_as_they_are()
    {
        var path = Path.Join(_project.Root, AgentConfig.FileName);
        File.WriteAllText(
            path,
            """
            {
              // mine
              "agents": { "coder": { "command": "mine", "args": ["{prompt}"] } },
            }
            """
        );

        var report = ImportSample("v2");

        var config = AgentConfig.Load(_project.Root);
        Assert.Equal("mine", config.Agents["coder"].Command);
        Assert.Equal("mystery", config.Agents["argless"].Command);
        Assert.Contains("// mine", File.ReadAllText(path), StringComparison.Ordinal);
        Assert.Contains(report.Skipped, s => s.What == "agent coder");
    }

    [Fact]
    public void A_link_in_the_older_queue_is_not_followed()
    {
        var old = Path.Join(_project.Root, "old");
        Directory.CreateDirectory(Path.Join(old, "tasks"));
        Directory.CreateDirectory(Path.Join(old, "logs"));
        File.WriteAllText(Path.Join(_project.Root, "secret"), "secret");
        File.WriteAllText(
            Path.Join(old, "tasks/task_1.json"),
            """{"taskId":"task_1","status":"complete","agent":"a","prompt":"p"}"""
        );
        File.CreateSymbolicLink(
            Path.Join(old, "logs/task_1.log"),
            Path.Join(_project.Root, "secret")
        );
        File.CreateSymbolicLink(
            Path.Join(old, "tasks/task_2.json"),
            Path.Join(old, "tasks/task_1.json")
        );

        var report = new Import(Queue, TimeProvider.System).Run(
            [old],
            _project.Root,
            dryRun: false
        );

        Assert.Equal("task_1", Assert.Single(report.Tasks).From);
        Assert.Single(report.Skipped);
        Assert.False(File.Exists(Queue.LogFile(TaskId.Parse("task_1"))));
    }

    [Fact]
    public void A_folder_with_nothing_in_it_is_refused()
    {
        Assert.Throws<QueueException>(() =>
            new Import(Queue, TimeProvider.System).Run(
                [_project.Root],
                _project.Root,
                dryRun: false
            )
        );
        Assert.Throws<QueueException>(() =>
            new Import(Queue, TimeProvider.System).Run([Queue.Folder], _project.Root, dryRun: false)
        );
    }

    private ImportReport ImportSample(string name) =>
        new Import(Queue, TimeProvider.System).Run([Sample(name)], _project.Root, dryRun: false);

    private static string Sample(string name, [CallerFilePath] string here = "") =>
        Path.Join(Path.GetDirectoryName(here), "Samples", name);

    private AgentTask Read(string id) => _project.Read(TaskId.Parse(id));

    private TaskState.Failed Failure(string id) => Assert.IsType<TaskState.Failed>(Read(id).State);

    private Readiness Check(string id) =>
        new Dependencies(Queue, QueueSnapshot.Take(Queue)).Check(Read(id));

    private static SortedDictionary<string, string> Everything(string folder) =>
        new(
            Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Where(f => !f.Contains("/run/", StringComparison.Ordinal))
                .ToDictionary(f => f, File.ReadAllText),
            StringComparer.Ordinal
        );
}
