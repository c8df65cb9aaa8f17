using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>Writes agents as JSON: the text of a fresh <c>agent-config.json</c>, or one entry of it.</summary>
internal static class ConfigTemplate
{
    /// <summary>A complete file with comments, the agents that were found and <c>shell</c>.</summary>
    public static string Write(IEnumerable<AgentDefinition> found)
    {
        var text = new StringBuilder(
            $$"""
            {
              "$schema": "./.agents/{{ConfigSchema.FileName}}",

              // The agents of this project. "agentq start NAME PROMPT" queues a task for one of them.
              //   adapter         an agent CLI that agentq knows ("agentq agents"); then model, permission
              //                   (read, edit, full) and more, and args are added to its own
              //   command, args   what is run; {prompt} {taskId} {agent} {planFile} {logFile} {workspace}
              //                   {promptFile} are replaced in args, and each stays one argument
              //   promptVia       "arg" (default), "stdin" or "file"
              //   promptTemplate, promptTemplateFile   what surrounds the user's prompt, as {userPrompt}
              //   env             "${NAME}" takes a value from whoever runs the task: keep secrets there
              //   cwd, timeout, idleTimeout, exitGrace, completion, maxParallel, keepChildren, worktree
              // "agentq config validate" checks this file.
              "agents": {

            """.ReplaceLineEndings("\n")
        );
        var agents = found
            .Where(agent => agent.Name != AgentDefinition.Shell)
            .Append(AgentConfig.Shell(OperatingSystem.IsWindows()))
            .ToList();
        if (agents.Count == 1)
        {
            text.Append(
                "    // No agent CLI was found on PATH; an entry for one looks like this:\n"
            );
            foreach (var line in Example().Split('\n'))
            {
                text.Append("    // ").Append(line).Append('\n');
            }
        }

        text.AppendJoin(",\n", agents.Select(agent => $"    {Entry(agent, "    ")}"));
        return text.Append("\n  }\n}\n").ToString();
    }

    /// <summary><c>"name": { … }</c> with every key that is not at its default.</summary>
    public static string Entry(AgentDefinition agent, string indent)
    {
        var lines = Members(agent).Select(m => $"{indent}  \"{m.Key}\": {m.Json}");
        return $"{ConfigText.Quote(agent.Name)}: {{\n{string.Join(",\n", lines)}\n{indent}}}";
    }

    private static string Example() =>
        Entry(Adapters.AgentOf(new Adapters("", null).Find("claude")), "");

    private static IEnumerable<(string Key, string Json)> Members(AgentDefinition agent)
    {
        if (agent.Description is { } description)
        {
            yield return (AgentConfigReader.DescriptionKey, ConfigText.Quote(description));
        }

        foreach (var member in WorkMembers(agent.Work))
        {
            yield return member;
        }

        if (agent.Command.Length > 0)
        {
            yield return (AgentConfigReader.CommandKey, ConfigText.Quote(agent.Command));
        }

        if (agent.Command.Length > 0 || !agent.Args.IsEmpty)
        {
            yield return (AgentConfigReader.ArgsKey, List(agent.Args));
        }

        if (agent.PromptVia != default)
        {
            yield return (
                AgentConfigReader.PromptViaKey,
                WordFor(agent.PromptVia, AgentConfigReader.PromptVias)
            );
        }

        if (agent.PromptTemplate is { } template)
        {
            yield return (AgentConfigReader.PromptTemplateKey, ConfigText.Quote(template));
        }

        if (agent.PromptTemplateFile is { } file)
        {
            yield return (AgentConfigReader.PromptTemplateFileKey, ConfigText.Quote(file));
        }

        if (!agent.Environment.IsEmpty)
        {
            var variables = agent.Environment.Select(v =>
                $"{ConfigText.Quote(v.Key)}: {(v.Value is null ? "null" : ConfigText.Quote(v.Value))}"
            );
            yield return (AgentConfigReader.EnvKey, $"{{ {string.Join(", ", variables)} }}");
        }

        if (agent.Cwd is { } cwd)
        {
            yield return (AgentConfigReader.CwdKey, ConfigText.Quote(cwd));
        }

        if (agent.Timeout is { } timeout)
        {
            yield return (
                AgentConfigReader.TimeoutKey,
                ConfigText.Quote(ConfigText.Length(timeout))
            );
        }

        if (agent.IdleTimeout is { } idle)
        {
            yield return (
                AgentConfigReader.IdleTimeoutKey,
                ConfigText.Quote(ConfigText.Length(idle))
            );
        }

        if (agent.Completion != default)
        {
            yield return (
                AgentConfigReader.CompletionKey,
                WordFor(agent.Completion, AgentConfigReader.Completions)
            );
        }

        if (agent.ExitGrace != AgentDefinition.DefaultExitGrace)
        {
            yield return (
                AgentConfigReader.ExitGraceKey,
                ConfigText.Quote(ConfigText.Length(agent.ExitGrace))
            );
        }

        if (agent.MaxParallel is { } parallel)
        {
            yield return (AgentConfigReader.MaxParallelKey, ConfigText.Whole(parallel));
        }

        if (agent.KeepChildren)
        {
            yield return (AgentConfigReader.KeepChildrenKey, ConfigText.Flag(true));
        }

        if (agent.Worktree is { } worktree)
        {
            yield return (WorktreeRuleReader.AgentKey, WorktreeRuleReader.Write(worktree));
        }

        foreach (var member in EventMembers(agent))
        {
            yield return member;
        }
    }

    private static IEnumerable<(string Key, string Json)> WorkMembers(AgentWork work)
    {
        foreach (
            var (key, text) in new[]
            {
                (AgentWorkReader.AdapterKey, work.Adapter),
                ("model", work.Model),
                ("permission", work.Permission?.Word()),
                ("account", work.Account),
                ("onLimit", work.OnLimit?.ToString()),
                ("startTimeout", work.StartTimeout is { } start ? ConfigText.Length(start) : null),
            }
        )
        {
            if (text is not null)
            {
                yield return (key, ConfigText.Quote(text));
            }
        }

        foreach (
            var (key, flag) in new[]
            {
                ("apiKeys", work.ApiKeys ? (bool?)null : false),
                ("requireChanges", work.RequireChanges ? true : null),
                ("requireClean", work.RequireClean ? true : null),
            }
        )
        {
            if (flag is { } value)
            {
                yield return (key, ConfigText.Flag(value));
            }
        }

        foreach (
            var (key, number) in new[]
            {
                ("maxUsd", work.MaxUsd),
                ("maxTokens", work.MaxTokens),
                ("maxTurns", work.MaxTurns),
                ("fixAttempts", work.FixAttempts > 0 ? work.FixAttempts : null),
            }
        )
        {
            if (number is { } value)
            {
                yield return (key, value.ToText());
            }
        }

        foreach (
            var (key, words) in new[]
            {
                ("fallback", work.Fallback),
                ("retryOn", work.RetryOn ?? []),
                ("verify", work.Verify),
            }
        )
        {
            if (!words.IsEmpty || (key == "retryOn" && work.RetryOn is not null))
            {
                yield return (key, List(words));
            }
        }
    }

    private static string List(IEnumerable<string> words) =>
        $"[{string.Join(", ", words.Select(ConfigText.Quote))}]";

    private static IEnumerable<(string Key, string Json)> EventMembers(AgentDefinition agent)
    {
        var rule = agent.Events;
        if (agent.Prompt is { } prompt)
        {
            yield return (EventRuleReader.PromptKey, ConfigText.Quote(prompt));
        }

        foreach (
            var (key, names) in new[]
            {
                (EventRuleReader.TriggersKey, rule.Triggers),
                (EventRuleReader.AllOfKey, rule.AllOf),
                (EventRuleReader.CancelOnKey, rule.CancelOn),
            }
        )
        {
            if (!names.IsEmpty)
            {
                yield return (key, $"[{string.Join(", ", names.Select(ConfigText.Quote))}]");
            }
        }

        if (rule.MaxConcurrent != 1)
        {
            yield return (
                EventRuleReader.MaxConcurrentKey,
                ConfigText.Whole(rule.MaxConcurrent ?? 0)
            );
        }

        if (rule.OnRetrigger != default)
        {
            yield return (
                EventRuleReader.OnRetriggerKey,
                WordFor(rule.OnRetrigger, EventRuleReader.OnRetriggers)
            );
        }

        if (rule.Debounce > TimeSpan.Zero)
        {
            yield return (
                EventRuleReader.DebounceKey,
                ConfigText.Whole((int)rule.Debounce.TotalMilliseconds)
            );
        }

        if (rule.DebounceMode != default)
        {
            yield return (
                EventRuleReader.DebounceModeKey,
                WordFor(rule.DebounceMode, EventRuleReader.DebounceModes)
            );
        }

        if (rule.KeepHistory is { } keep)
        {
            yield return (EventRuleReader.KeepHistoryKey, ConfigText.Whole(keep));
        }

        if (!agent.Variables.IsEmpty)
        {
            var variables = agent.Variables.Select(static v =>
                $"{ConfigText.Quote(v.Key)}: {ConfigText.Quote(v.Value)}"
            );
            yield return (EventRuleReader.VariablesKey, $"{{ {string.Join(", ", variables)} }}");
        }

        if (rule.OutputExtension is { } extension)
        {
            yield return (EventRuleReader.OutputExtensionKey, ConfigText.Quote(extension));
        }

        if (!rule.LoopDetection)
        {
            yield return (EventRuleReader.LoopDetectionKey, ConfigText.Flag(false));
        }
    }

    private static string WordFor<TChoice>(TChoice choice, (string Word, TChoice Choice)[] words)
        where TChoice : struct, Enum =>
        ConfigText.Quote(Array.Find(words, w => w.Choice.Equals(choice)).Word);
}
