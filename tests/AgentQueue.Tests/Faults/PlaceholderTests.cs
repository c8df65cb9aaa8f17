using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Faults;

/// <summary>What a value brings in is text: no placeholder in it, and no variable, is looked at again.</summary>
public sealed class PlaceholderTests
{
    private static readonly string[] s_values =
    [
        .. Placeholders.InTemplate.Select(static name => $"{{{name}}}"),
        "{prompt}{prompt}",
        "{prompt {prompt}}",
        "{{prompt}}",
        "{pro{prompt}mpt}",
        "{userPrompt}{taskId}",
        "$HOME",
        "${HOME}",
        "${PATH} $PATH %PATH%",
        "$(id) `id`",
        "{",
        "}",
        "{}",
        "{promp",
        "prompt}",
        "\0{prompt}",
        "{\u200bprompt}",
        "{PROMPT}",
        @"\{prompt}",
        "%7Bprompt%7D",
        "{0} {1:x} {{0}}",
    ];

    [Fact]
    [Trait("Fault", "S17")]
    public void A_value_is_put_in_as_it_is() =>
        Fault.Inject(
            "S17",
            fault =>
            {
                foreach (var value in s_values)
                {
                    foreach (var name in Placeholders.InArgs)
                    {
                        fault.Injected();
                        Assert.Equal(
                            $"<{value}>{value}</{{unknown}}>",
                            Placeholders.Expand(
                                $"<{{{name}}}>{{{name}}}</{{unknown}}>",
                                n => n == name ? value : null
                            )
                        );
                    }
                }
            }
        );

    [Fact]
    [Trait("Fault", "S17")]
    public void Two_values_that_make_a_placeholder_together_are_none() =>
        Fault.Inject(
            "S17",
            fault =>
            {
                foreach (var (agent, prompt) in new[] { ("{pro", "mpt}"), ("{", "taskId}") })
                {
                    fault.Injected();
                    Assert.Equal(
                        agent + prompt,
                        Placeholders.Expand(
                            "{agent}{prompt}",
                            n =>
                                n == Placeholders.Agent ? agent
                                : n == Placeholders.Prompt ? prompt
                                : "expanded again"
                        )
                    );
                }
            }
        );

    [Fact]
    [Trait("Fault", "S17")]
    public void A_variables_value_is_not_expanded_either() =>
        Fault.Inject(
            "S17",
            fault =>
            {
                foreach (var value in s_values)
                {
                    fault.Injected();
                    Assert.Equal(
                        $"a{value}b",
                        AgentEnvironment.Expand(
                            "a${SOURCE}b",
                            name => name == "SOURCE" ? value : "expanded again",
                            out _
                        )
                    );
                }
            }
        );

    [Fact]
    [Trait("Fault", "S17")]
    public void A_template_takes_the_prompt_as_it_is() =>
        Fault.Inject(
            "S17",
            fault =>
            {
                var paths = new TaskPaths(
                    "/p",
                    "/plan",
                    "/log",
                    "/w",
                    "/prompt",
                    "/done",
                    "/error",
                    "/usage"
                );
                foreach (var value in s_values)
                {
                    fault.Injected();
                    var task = new AgentTask
                    {
                        Id = TaskId.Parse("task_1"),
                        Agent = "a",
                        Prompt = value,
                        CreatedAt = DateTimeOffset.UnixEpoch,
                        State = new TaskState.Pending(),
                    };
                    Assert.Equal(
                        $"task_1: {value} /done",
                        PromptText.Write("{taskId}: {userPrompt} {doneFile}", task, paths)
                    );
                }
            }
        );
}
