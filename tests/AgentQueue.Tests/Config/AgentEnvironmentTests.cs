using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Config;

public class AgentEnvironmentTests
{
    private static string[] Build(
        (string Name, string Value)[] runner,
        params (string Name, string? Value)[] overrides
    ) =>
        [
            .. AgentEnvironment
                .Build(
                    runner.ToDictionary(v => v.Name, v => v.Value),
                    overrides.Select(v => KeyValuePair.Create(v.Name, v.Value)),
                    TaskId.Parse("task_1"),
                    "/project/task_1.json",
                    "/project"
                )
                .Where(line => !line.StartsWith("AGENTQ_", StringComparison.Ordinal)),
        ];

    [Fact]
    public void The_agent_learns_its_own_task_and_not_that_of_its_parent() =>
        Assert.Equal(
            [
                "A=1",
                "AGENTQ_ROOT=/project",
                "AGENTQ_TASK_FILE=/project/task_1.json",
                "AGENTQ_TASK_ID=task_1",
                "Z=2",
            ],
            AgentEnvironment
                .Build(
                    new Dictionary<string, string>
                    {
                        ["Z"] = "2",
                        ["AGENTQ_TASK_ID"] = "task_parent",
                        ["AGENTQ_ROOT"] = "/elsewhere",
                        ["A"] = "1",
                    },
                    [],
                    TaskId.Parse("task_1"),
                    "/project/task_1.json",
                    "/project"
                )
                .ToArray()
        );

    [Theory]
    [InlineData("CLAUDECODE")]
    [InlineData("CLAUDE_CODE_ENTRYPOINT")]
    [InlineData("CLAUDE_CODE_SESSION_ID")]
    [InlineData("CLAUDE_CODE_CHILD_SESSION")]
    [InlineData("CLAUDE_CODE_SOMETHING_NEW")]
    [InlineData("AI_AGENT")]
    [InlineData("OPENCODE")]
    [InlineData("OPENCODE_PID")]
    [InlineData("AGENT")]
    [InlineData("CODEX_THREAD_ID")]
    [InlineData("CODEX_SESSION_ID")]
    [InlineData("CODEX_CI")]
    [InlineData("GEMINI_CLI")]
    [InlineData("QWEN_CODE")]
    [InlineData("COPILOT_CLI")]
    [InlineData("COPILOT_AGENT_SESSION_ID")]
    public void A_mark_of_a_parent_assistant_is_dropped(string name) =>
        Assert.Empty(Build([(name, "1")]));

    [Theory]
    [InlineData("PATH", "/bin")]
    [InlineData("AGENT", "mine")]
    [InlineData("ANTHROPIC_API_KEY", "k")]
    [InlineData("CLAUDE_CONFIG_DIR", "d")]
    [InlineData("CLAUDE_CODE_USE_BEDROCK", "1")]
    [InlineData("CLAUDE_CODE_USE_VERTEX", "1")]
    [InlineData("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")]
    [InlineData("CLAUDE_CODE_OAUTH_TOKEN", "t")]
    [InlineData("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "9")]
    [InlineData("CODEX_HOME", "d")]
    [InlineData("GEMINI_CLI_TRUST_WORKSPACE", "true")]
    [InlineData("GEMINI_API_KEY", "k")]
    [InlineData("OPENCODE_PERMISSION", "{}")]
    [InlineData("COPILOT_HOME", "d")]
    [InlineData("GIT_CONFIG_GLOBAL", "/dev/null")]
    [InlineData("QWEN_CODE_NO_RELAUNCH", "true")]
    public void What_a_user_configures_is_kept(string name, string value) =>
        Assert.Equal([$"{name}={value}"], Build([(name, value)]));

    [Fact]
    public void What_an_assistant_sets_beside_its_mark_goes_with_the_mark() =>
        Assert.Equal(
            ["GIT_CONFIG_COUNT=1"],
            Build([
                ("GEMINI_CLI", "1"),
                ("GEMINI_CLI_NO_RELAUNCH", "true"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("QWEN_CODE", "1"),
                ("QWEN_CODE_NO_RELAUNCH", "true"),
                ("GIT_CONFIG_COUNT", "1"),
            ])
        );

    [Fact]
    public void A_configuration_may_set_a_mark_again_and_take_a_variable_away() =>
        Assert.Equal(
            ["CLAUDECODE=1", "KEPT="],
            Build(
                [("CLAUDECODE", "0"), ("GONE", "x"), ("KEPT", "x")],
                ("CLAUDECODE", "1"),
                ("GONE", null),
                ("KEPT", "")
            )
        );

    [Fact]
    public void The_result_is_sorted_and_names_each_variable_once() =>
        Assert.Equal(
            ["A=3", "B=2", "a=4"],
            Build([("a", "4"), ("B", "2"), ("A", "1")], ("A", "3"))
        );
}
