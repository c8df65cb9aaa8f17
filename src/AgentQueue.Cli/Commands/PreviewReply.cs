using System.Text;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>What an agent would be started with, as text and as JSON. Of the environment the names alone.</summary>
internal static class PreviewReply
{
    private const int LabelWidth = 16;

    public static void Print(Screen screen, AgentPreview preview)
    {
        var agent = preview.Agent;
        Row(screen, "command", LineOf(preview));
        Row(screen, "cwd", preview.WorkingFolder);
        Row(screen, "env", string.Join(", ", NamesOf(preview, areSet: true)));
        Row(screen, "env without", string.Join(", ", NamesOf(preview, areSet: false)));
        Row(screen, "timeout", Time(preview.Timeout));
        Row(screen, "idleTimeout", Time(preview.IdleTimeout));
        if (preview.PromptText is not null)
        {
            Row(screen, "promptVia", AgentView.WordFor(agent.PromptVia));
            Row(screen, "prompt", preview.Prompt ?? "none for events; {userPrompt} stands for any");
        }

        if (!preview.Variables.IsEmpty)
        {
            screen.Line("variables");
            foreach (var variable in preview.Variables)
            {
                Row(
                    screen,
                    "  " + variable.Name,
                    $"{variable.Value ?? variable.Problem}  ({variable.From})",
                    variable.Problem is null ? Tone.Plain : Tone.Warn
                );
            }
        }

        if (preview.Problem is { } problem)
        {
            screen.Line();
            screen.Line($"It cannot be started: {problem}", Tone.Bad);
        }
    }

    public static void Write(Utf8JsonWriter w, AgentPreview preview)
    {
        w.WriteString("agent"u8, preview.Agent.Name);
        w.WriteStartArray("command"u8);
        foreach (var word in preview.Command)
        {
            w.WriteStringValue(word);
        }

        w.WriteEndArray();
        w.WriteString("commandLine"u8, LineOf(preview));
        w.WriteString("cwd"u8, preview.WorkingFolder);
        Names(w, "env", NamesOf(preview, areSet: true));
        Names(w, "envRemoved", NamesOf(preview, areSet: false));
        Seconds(w, "timeout", preview.Timeout);
        Seconds(w, "idleTimeout", preview.IdleTimeout);
        w.WriteString("promptVia"u8, AgentView.WordFor(preview.Agent.PromptVia));
        w.WriteString("prompt"u8, preview.Prompt);
        w.WriteString("promptText"u8, preview.PromptText);
        w.WriteStartArray("variables"u8);
        foreach (var variable in preview.Variables)
        {
            w.WriteStartObject();
            w.WriteString("name"u8, variable.Name);
            w.WriteString("from"u8, variable.From);
            w.WriteString("value"u8, variable.Value);
            if (variable.Problem is { } why)
            {
                w.WriteString("problem"u8, why);
            }

            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteString("problem"u8, preview.Problem);
    }

    /// <summary>As it could be typed into a shell, on one line whatever stands in it.</summary>
    public static string LineOf(AgentPreview preview) =>
        string.Join(' ', preview.Command.Select(OneLine));

    private static string OneLine(string word)
    {
        if (!word.Any(char.IsControl))
        {
            return ShellWords.Quote(word);
        }

        var quoted = new StringBuilder("$'");
        foreach (var c in word)
        {
            quoted.Append(
                c switch
                {
                    '\n' => "\\n",
                    '\t' => "\\t",
                    '\r' => "\\r",
                    '\'' or '\\' => $"\\{c}",
                    // Three digits, so that none behind it is taken for a part of it.
                    < ' ' or '\x7f' => $"\\{Convert.ToString(c, 8).PadLeft(3, '0')}",
                    _ => c.ToString(),
                }
            );
        }

        return quoted.Append('\'').ToString();
    }

    private static IEnumerable<string> NamesOf(AgentPreview preview, bool areSet) =>
        preview
            .Agent.Environment.Where(v => v.Value is not null == areSet)
            .Select(static v => v.Key);

    private static void Row(Screen screen, string label, string value, Tone tone = Tone.Plain)
    {
        if (value.Length == 0)
        {
            return;
        }

        var lead = label.Length < LabelWidth ? label.PadRight(LabelWidth) : label + " ";
        foreach (var line in value.Split('\n'))
        {
            screen.Line(lead + line, tone);
            lead = new string(' ', LabelWidth);
        }
    }

    private static string Time(TimeSpan? time) => time is { } t ? Duration.Format(t) : "none";

    private static void Names(Utf8JsonWriter w, string name, IEnumerable<string> values)
    {
        w.WriteStartArray(name);
        foreach (var value in values)
        {
            w.WriteStringValue(value);
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
