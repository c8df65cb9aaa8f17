using System.Text.Json;

namespace AgentQueue.Cli.Commands;

/// <summary>An agent in a <c>--json</c> answer; of its environment the names alone.</summary>
internal static class AgentReply
{
    public static void WriteArray(Utf8JsonWriter w, IReadOnlyList<AgentView> agents)
    {
        w.WriteStartArray("agents"u8);
        foreach (var agent in agents)
        {
            w.WriteStartObject();
            Members(w, agent);
            w.WriteEndObject();
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
