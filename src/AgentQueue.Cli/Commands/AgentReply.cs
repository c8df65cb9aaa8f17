using System.Collections.Immutable;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>An agent in a <c>--json</c> answer; of its environment the names alone.</summary>
internal static class AgentReply
{
    public static void WriteArray(
        Utf8JsonWriter w,
        IReadOnlyList<AgentView> agents,
        IReadOnlyList<string> notInstalled
    )
    {
        w.WriteStartArray("agents"u8);
        foreach (var agent in agents)
        {
            w.WriteStartObject();
            Members(w, agent);
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteStartArray("notInstalled"u8);
        foreach (var name in notInstalled)
        {
            w.WriteStringValue(name);
        }

        w.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter w, ReadOnlySpan<byte> name, AgentView view)
    {
        w.WriteStartObject(name);
        Members(w, view);
        if (view.Plan is { } plan)
        {
            w.WriteStartArray("sampleCommand"u8);
            w.WriteStringValue(plan.Executable);
            foreach (var argument in plan.ShownArguments)
            {
                w.WriteStringValue(argument);
            }

            w.WriteEndArray();
            w.WriteString("samplePrompt"u8, plan.PromptText);
        }

        if (view.Problem is { } problem)
        {
            w.WriteString("problem"u8, problem);
        }

        w.WriteEndObject();
    }

    private static void Members(Utf8JsonWriter w, AgentView view)
    {
        var agent = view.Agent;
        w.WriteString("name"u8, agent.Name);
        w.WriteBoolean("builtIn"u8, view.IsBuiltIn);
        w.WriteString("file"u8, view.File);
        w.WriteString("adapter"u8, agent.Work.Adapter);
        w.WriteString("version"u8, view.Version);
        w.WriteString("versionState"u8, AgentView.WordFor(view.Standing));
        w.WriteString("permission"u8, view.Permission?.Word());
        w.WriteString("model"u8, agent.Work.Model);
        w.WriteString("account"u8, agent.Work.Account);
        w.WriteString("description"u8, agent.Description);
        w.WriteString("command"u8, agent.Command);
        w.WriteStartArray("args"u8);
        foreach (var argument in agent.Args)
        {
            w.WriteStringValue(argument);
        }

        w.WriteEndArray();
        w.WriteString("found"u8, view.Found);
        w.WriteString("promptVia"u8, AgentView.WordFor(agent.PromptVia));
        w.WriteString("promptTemplate"u8, agent.PromptTemplate);
        w.WriteString("promptTemplateFile"u8, agent.PromptTemplateFile);
        w.WriteStartArray("env"u8);
        foreach (var name in agent.Environment.Keys)
        {
            w.WriteStringValue(name);
        }

        w.WriteEndArray();
        w.WriteString("cwd"u8, agent.Cwd);
        Seconds(w, "timeout", agent.Timeout);
        Seconds(w, "idleTimeout", agent.IdleTimeout);
        w.WriteString("completion"u8, AgentView.WordFor(agent.Completion));
        Seconds(w, "exitGrace", agent.ExitGrace);
        if (agent.MaxParallel is { } most)
        {
            w.WriteNumber("maxParallel"u8, most);
        }
        else
        {
            w.WriteNull("maxParallel"u8);
        }

        w.WriteBoolean("keepChildren"u8, agent.KeepChildren);
        Worktree(w, agent.Worktree);
        Events(w, agent);
    }

    private static void Worktree(Utf8JsonWriter w, WorktreeRule? rule)
    {
        if (rule is null)
        {
            w.WriteNull("worktree"u8);
            return;
        }

        w.WriteStartObject("worktree"u8);
        w.WriteString("root"u8, rule.Root);
        Commands(w, "setup", rule.Setup);
        Seconds(w, "setupTimeout", rule.SetupTimeout);
        Commands(w, "teardown", rule.Teardown);
        Seconds(w, "teardownTimeout", rule.TeardownTimeout);
        w.WriteEndObject();
    }

    private static void Commands(
        Utf8JsonWriter w,
        string name,
        ImmutableArray<ImmutableArray<string>>? commands
    )
    {
        if (commands is not { } some)
        {
            w.WriteNull(name);
            return;
        }

        w.WriteStartArray(name);
        foreach (var command in some)
        {
            w.WriteStartArray();
            foreach (var word in command)
            {
                w.WriteStringValue(word);
            }

            w.WriteEndArray();
        }

        w.WriteEndArray();
    }

    private static void Events(Utf8JsonWriter w, AgentDefinition agent)
    {
        var rule = agent.Events;
        w.WriteString("prompt"u8, agent.Prompt);
        Texts(w, "triggers", rule.Triggers);
        Texts(w, "allOf", rule.AllOf);
        Texts(w, "cancelOn", rule.CancelOn);
        w.WriteNumber("maxConcurrent"u8, rule.MaxConcurrent ?? 0);
        w.WriteString("onRetrigger"u8, AgentView.WordFor(rule.OnRetrigger));
        w.WriteNumber("debounceMs"u8, (long)rule.Debounce.TotalMilliseconds);
        w.WriteString("debounceMode"u8, AgentView.WordFor(rule.DebounceMode));
        if (rule.KeepHistory is { } keep)
        {
            w.WriteNumber("keepHistory"u8, keep);
        }
        else
        {
            w.WriteNull("keepHistory"u8);
        }

        w.WriteStartObject("vars"u8);
        foreach (var (name, value) in agent.Variables)
        {
            w.WriteString(name, value);
        }

        w.WriteEndObject();
        w.WriteString("outputExtension"u8, rule.OutputExtension);
        w.WriteBoolean("loopDetection"u8, rule.LoopDetection);
    }

    private static void Texts(Utf8JsonWriter w, string name, IEnumerable<string> texts)
    {
        w.WriteStartArray(name);
        foreach (var text in texts)
        {
            w.WriteStringValue(text);
        }

        w.WriteEndArray();
    }

    private static void Seconds(Utf8JsonWriter w, string name, TimeSpan? time)
    {
        if (time is { } t)
        {
            w.WriteNumber(name, (long)t.TotalSeconds);
        }
        else
        {
            w.WriteNull(name);
        }
    }
}
