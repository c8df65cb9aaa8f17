using System.Text;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>F25: whatever stands in the configuration, it is obeyed or refused with a sentence.</summary>
[Trait("Fault", "F25")]
public sealed class ConfigurationTests
{
    private const string Good =
        """{"agents": {"coder": {"command": "true", "args": ["--", "{prompt}"], "timeout": "5m"}}}""";

    private static readonly string[] s_wrong =
    [
        "[]",
        "{\"a\": 1}",
        "-1",
        "1e400",
        "\"\\ud800\"",
        "\"\"",
    ];

    /// <summary>Each value is wrong for nearly every key; where it is right, it is obeyed.</summary>
    [Fact]
    public void A_value_of_any_kind_under_any_key_is_obeyed_or_refused() =>
        Fault.Inject(
            "F25",
            fault =>
            {
                foreach (var key in AgentConfigReader.AgentKeys)
                {
                    foreach (var value in s_wrong)
                    {
                        Load(
                            $$"""{"agents": {"coder": {"command": "true", "{{key}}": {{value}} } } }""",
                            mustFail: false
                        );
                        fault.Injected();
                    }
                }
            }
        );

    [Fact]
    public void A_file_that_was_cut_is_refused() =>
        Fault.Inject(
            "F25",
            fault =>
            {
                for (var length = 0; length < Good.Length; length++)
                {
                    Load(Good[..length], mustFail: true);
                    fault.Injected();
                }
            }
        );

    [Fact]
    public void Size_and_depth_are_bounded() =>
        Fault.Inject(
            "F25",
            fault =>
            {
                var large = Good.Replace(
                    "5m\"",
                    "5m\", \"description\": \"" + new string('x', 9 << 20) + "\"",
                    StringComparison.Ordinal
                );
                Assert.NotNull(Load(large, mustFail: false));
                Load(Good + new string(' ', 11 << 20), mustFail: true);
                foreach (var depth in (int[])[65, 1_000, 100_000])
                {
                    var deep = new string('[', depth) + new string(']', depth);
                    Load($$"""{"agents": {}, "x": {{deep}} }""", mustFail: true);
                    Load(deep, mustFail: true);
                }

                fault.Injected(8);
            }
        );

    [Fact]
    public void What_a_newer_version_has_added_is_told_and_keeps_nothing() =>
        Fault.Inject(
            "F25",
            fault =>
            {
                var newer = Good.Replace(
                        "\"timeout\"",
                        "\"telepathy\": true, \"timeout\"",
                        StringComparison.Ordinal
                    )
                    .Replace(
                        "{\"agents\"",
                        "{\"version\": 2, \"agents\"",
                        StringComparison.Ordinal
                    );
                using var folder = new TempProject(newer);
                // Unknown keys are either warned of or refused, but never silent.
                Assert.NotEmpty(AgentConfig.Validate(folder.Root, "/bin:/usr/bin"));
                fault.Injected();
            }
        );

    [Fact]
    public void Without_a_file_there_are_the_built_in_agents() =>
        Fault.Inject(
            "F25",
            fault =>
            {
                using var folder = new TempProject(null);
                Assert.Equal(["shell"], AgentConfig.Load(folder.Root).Agents.Keys);
                Assert.Equal(Settings.Default, Settings.Load(folder.Root));
                fault.Injected();
            }
        );

    [Fact]
    public void A_running_task_keeps_what_it_was_started_with() =>
        Fault.Inject(
            "F25",
            fault =>
            {
                var world = new World();
                world.Planner.Change = static p => p with { Timeout = TimeSpan.FromSeconds(20) };
                world.Host.Script = _ =>
                    new FakeAgent()
                        .At(
                            1,
                            _ =>
                                world.Planner.Change = static p =>
                                    p with
                                    {
                                        Timeout = TimeSpan.FromSeconds(3),
                                        Completion = Completion.Sentinel,
                                    }
                        )
                        .Exit(10);
                world.Put(world.NewTask("a"));
                world.Put(world.NewTask("b"));
                world.Open().Run.BeginDrain(new(1));
                world.Backend.LiveAll();
                Assert.IsType<TaskState.Complete>(world.Read(TaskId.Parse("task_a")).State);
                Assert.Equal(
                    Reason.Timeout,
                    Assert.IsType<TaskState.Failed>(world.Read(TaskId.Parse("task_b")).State).Reason
                );
                fault.Injected();
            }
        );

    [Fact]
    public void One_that_breaks_during_a_run_costs_no_task() =>
        Fault.Inject(
            "F25",
            fault =>
            {
                var world = new World();
                world.Host.Script = _ =>
                    new FakeAgent()
                        .At(1, _ => world.Planner.Refuses = QueueException.Usage("it is not JSON"))
                        .Exit(5, code: 3);
                world.Put(world.NewTask("a"));
                world.Put(world.NewTask("b"));
                world.Open().Run.BeginDrain(new(1));
                world.Backend.LiveAll();
                Assert.Equal(
                    Reason.Exit,
                    Assert.IsType<TaskState.Failed>(world.Read(TaskId.Parse("task_a")).State).Reason
                );
                Assert.IsType<TaskState.Pending>(world.Read(TaskId.Parse("task_b")).State);
                world.Planner.Refuses = null;
                world.Host.Script = static _ => new FakeAgent().Exit(1);
                world.Open().Run.Fill(1);
                world.Backend.LiveAll();
                Assert.IsType<TaskState.Complete>(world.Read(TaskId.Parse("task_b")).State);
                fault.Injected();
            }
        );

    private static AgentConfig? Load(string json, bool mustFail)
    {
        using var folder = new TempProject(json);
        try
        {
            var config = AgentConfig.Load(folder.Root);
            Assert.False(mustFail, "accepted: " + json[..Math.Min(json.Length, 100)]);
            return config;
        }
        catch (QueueException e)
        {
            Assert.NotEmpty(e.Message);
            Assert.Equal(ExitCode.Usage, e.ExitCode);
            return null;
        }
    }

    private sealed class TempProject : IDisposable
    {
        public TempProject(string? config)
        {
            if (config is not null)
            {
                File.WriteAllText(Path.Join(Root, AgentConfig.FileName), config, Encoding.UTF8);
            }
        }

        public string Root { get; } = Directory.CreateTempSubdirectory("agentq-config-").FullName;

        public void Dispose() => Directory.Delete(Root, recursive: true);
    }
}
