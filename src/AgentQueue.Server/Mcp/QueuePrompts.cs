using ModelContextProtocol.Protocol;

namespace AgentQueue.Server.Mcp;

/// <summary>What people have their assistant do with the queue again and again.</summary>
internal static class QueuePrompts
{
    private static readonly (Prompt Prompt, Func<Func<string, string>, string> Text)[] s_all =
    [
        (
            Describe(
                "delegate",
                "Delegate a task",
                "Give a task to an agent, go on meanwhile, and report what it came to",
                ("agent", "Who shall do it", true),
                ("task", "What shall be done", true)
            ),
            static value =>
                $"""
                    Have the agent '{value(
                        "agent"
                    )}' do what stands between the marks, by the agentq tools:

                    <task>
                    {value("task")}
                    </task>

                    1. Call start with a prompt that tells all the agent needs to know: it does not see this conversation.
                    2. Call wait. If timedOut is true, call it again, or do something useful before.
                    3. Call result, check what it claims where that is cheap, and report it in a few sentences, with the id.
                    If it failed, read logs, say why, and call retry only if that can help.
                    """
        ),
        (
            Describe(
                "fan_out",
                "Work in parallel",
                "Split a goal into independent tasks, run them side by side, and put the results together",
                ("goal", "What shall be reached", true),
                ("agent", "Who shall do the parts", true)
            ),
            static value =>
                $"""
                    Reach the goal between the marks with several tasks for the agent '{value(
                        "agent"
                    )}', by the agentq tools:

                    <goal>
                    {value("goal")}
                    </goal>

                    1. Split it into 2 to 8 parts that do not touch the same files; give each a worktree where they might.
                    2. Call start for each with run false, and depends_on where one needs another; then call run with drain.
                    3. Call wait for all of them until timedOut is false; result for each.
                    4. Put the results together, say what failed and why, and name the ids.
                    """
        ),
        (
            Describe(
                "recover",
                "Look after failures",
                "Find the tasks that failed, say why, and retry what is worth it"
            ),
            static _ =>
                """
                    Look after the failed tasks of this project, by the agentq tools:

                    1. Call list with state ["failed"].
                    2. For each that has no retriedBy: result, and logs where that does not tell why.
                    3. Call retry for those that can succeed now: a limit that is over, a network that was away, a cause that is mended. With resume where the agent had done half of it.
                    4. Report a line for each: the id, why it failed, what you did.
                    """
        ),
    ];

    public static IReadOnlyList<Prompt> All { get; } = [.. s_all.Select(static p => p.Prompt)];

    /// <summary>
    /// False for an assistant that gives what its user typed behind a prompt to a shell: OpenCode runs
    /// <c>!`…`</c> wherever it stands in the filled text, and no form of ours keeps it from that. False for one that
    /// is not known, too: over HTTP most do not say who they are with each request.
    /// </summary>
    public static bool AreSafeIn(string? client) =>
        client?.StartsWith("opencode", StringComparison.OrdinalIgnoreCase) == false;

    /// <summary>The prompt with its arguments in it; null if there is none of that name.</summary>
    /// <exception cref="QueueException">An argument is missing.</exception>
    public static GetPromptResult? Get(string name, Func<string, string?> argument)
    {
        var (prompt, text) = s_all.FirstOrDefault(p => p.Prompt.Name == name);
        if (prompt is null)
        {
            return null;
        }

        var filled = text(a =>
            argument(a) ?? throw new QueueException($"The prompt {name} wants the argument '{a}'")
        );
        return new GetPromptResult
        {
            Description = prompt.Description,
            Messages =
            [
                new PromptMessage
                {
                    Role = Role.User,
                    Content = new TextContentBlock { Text = filled },
                },
            ],
        };
    }

    private static Prompt Describe(
        string name,
        string title,
        string description,
        params (string Name, string Description, bool Required)[] arguments
    ) =>
        new()
        {
            Name = name,
            Title = title,
            Description = description,
            Arguments =
            [
                .. arguments.Select(static a => new PromptArgument
                {
                    Name = a.Name,
                    Description = a.Description,
                    Required = a.Required,
                }),
            ],
        };
}
