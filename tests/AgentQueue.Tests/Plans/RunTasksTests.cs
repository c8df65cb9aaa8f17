using System.Text;
using AgentQueue.Plans;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Plans;

public sealed class RunTasksTests
{
    [Fact]
    public void A_node_becomes_a_task_with_all_that_its_plan_says()
    {
        var tasks = Tasks(
            """
            artifacts_dir: out
            tasks:
              - id: build
                cmd: [make, all]
                cwd: src
                env: {MODE: release}
                timeout_sec: 1.5
                retries: 2
                retry_backoff_sec: [0, 0.5]
                outputs: ["bin/*"]
                priority: 9
              - id: deploy.it
                cmd: [ship]
                depends_on: [build]
                approval: Now?
            """
        );
        var (build, deploy) = (tasks[0], tasks[1]);
        Assert.Equal(
            ["task_0123456789abcd-p1-build", "task_0123456789abcd-p2-deploy-it"],
            tasks.Select(static t => t.Id.Value)
        );
        Assert.Equal(
            (PlanStep.CommandAgent, "make all", "build", World.Root + "/src", 9),
            (build.Agent, build.Prompt, build.Name, build.WorkingFolder, build.Priority)
        );
        Assert.Equal(("release", 1.5), (build.Environment["MODE"], build.Timeout?.TotalSeconds));
        Assert.Equal((2, true), (build.MaxRetries, build.AutoRetry));
        Assert.Equal(["make", "all"], build.Step!.Command.AsEnumerable());
        Assert.Equal([0, 0.5], build.Step.Backoff.Select(static b => b.TotalSeconds));
        Assert.Equal(World.Root + "/out/build", build.Step.ArtifactsFolder);
        Assert.Equal(["bin/*"], build.Step.Outputs.AsEnumerable());
        Assert.Equal([build.Id], deploy.DependsOn.AsEnumerable());
        Assert.Equal((new TaskState.Pending(Held: true), 5), (deploy.State, deploy.Priority));
        Assert.Equal(
            (0, false, "Now?"),
            (deploy.MaxRetries, deploy.AutoRetry, deploy.Step!.Approval)
        );
        Assert.Equal((World.Root, "deploy.it"), (deploy.WorkingFolder, deploy.Step.Node));
    }

    [Fact]
    public void What_texts_name_of_other_tasks_is_stored_with_their_ids()
    {
        var tasks = Tasks(
            """
            tasks:
              - {id: a.b, cmd: [make]}
              - {id: c, cmd: [cat, "${tasks.a.b.log}", "$HOME ${X}"], depends_on: [a.b], env: {R: "${tasks.a.b.result}"}}
            """
        );
        var id = tasks[0].Id;
        Assert.Equal(
            ["cat", $"${{tasks.{id}.log}}", "$HOME ${X}"],
            tasks[1].Step!.Command.AsEnumerable()
        );
        Assert.Equal($"${{tasks.{id}.result}}", tasks[1].Environment["R"]);
    }

    [Fact]
    public void A_matrix_that_limits_itself_is_a_group_of_neighbours()
    {
        var (plan, _) = Read(
            """
            tasks:
              - {id: first, cmd: [x]}
              - id: m
                cmd: [x, "${matrix.os}"]
                matrix: {os: [a, b, c]}
                max_parallel: 2
              - id: free
                cmd: [x, "${matrix.os}"]
                matrix: {os: [a, b]}
              - id: n
                cmd: [x, "${matrix.os}"]
                matrix: {os: [a, b]}
                max_parallel: 1
            """
        );
        Assert.Equal([(2, 4, 2), (7, 8, 1)], RunTasks.GroupsOf(plan).AsEnumerable());
    }

    [Fact]
    public void A_condition_names_the_first_attempt_and_a_file_of_its_folder()
    {
        var tasks = Tasks(
            """
            tasks:
              - {id: a, cmd: [make], cwd: src}
              - {id: b, cmd: [x], when: {task: a, outcome: failed}}
              - {id: c, cmd: [x], when: {task: a, file: report.txt, contains: ok}}
            """
        );
        Assert.Equal(new StepCondition(tasks[0].Id, "failed", null, null), tasks[1].Step!.When);
        Assert.Equal(
            new StepCondition(tasks[0].Id, null, World.Root + "/src/report.txt", "ok"),
            tasks[2].Step!.When
        );
        Assert.All(tasks.Skip(1), t => Assert.Equal([tasks[0].Id], t.DependsOn.AsEnumerable()));
    }

    [Fact]
    public void The_same_plan_and_run_give_the_same_tasks_and_each_is_read_back_whole()
    {
        const string Text = """
            tasks:
              - {id: a, cmd: [make]}
              - {id: b, agent: coder, prompt: "say ${tasks.a.log}", depends_on: [a]}
            """;
        var first = Tasks(Text);
        Assert.Equal(TaskText.Of(first), TaskText.Of(Tasks(Text)));
        Assert.All(
            first,
            static t =>
                Assert.Equal(
                    TaskText.Of(t),
                    TaskText.Of(
                        AgentQueue.Storage.TaskJson.Read(AgentQueue.Storage.TaskJson.Write(t), t.Id)
                    )
                )
        );
    }

    private static (Plan Plan, RunRecord Run) Read(string text)
    {
        var (plan, problems) = PlanReader.Read(
            "plan.yaml",
            Encoding.UTF8.GetBytes(text),
            new Dictionary<string, string>()
        );
        Assert.Empty(problems.Select(static p => p.ToString()));
        var stage = new RunStage([.. plan!.Tasks.Select(static t => t.Id)]);
        return (
            plan,
            stage.Record with
            {
                ArtifactsFolder = plan.ArtifactsFolder is { } folder
                    ? Path.GetFullPath(folder, World.Root)
                    : null,
            }
        );
    }

    private static IReadOnlyList<AgentTask> Tasks(string text)
    {
        var (plan, run) = Read(text);
        return RunTasks.Of(plan, run);
    }
}
