using System.Diagnostics;
using System.Text;
using AgentQueue.Config;

namespace AgentQueue.Assistants;

/// <summary>
/// The commands of the <c>/</c> menu and the skill. There is one text for each verb, in
/// <c>assistants/commands/</c>; here it gets the form that an assistant reads. What the user types goes in
/// by no placeholder: what an assistant appends by itself is never run, but by OpenCode. There a placeholder that
/// is never reached drops it, also in the skill, which more than one reads from the same file.
/// </summary>
internal static class SlashCommands
{
    private const string Folder = KnownAssistants.Prefix + "commands/";
    private const string Extension = ".md";
    private const string ArgumentsMark = "{arguments}";
    private const string HintMark = "{hint}";

    /// <summary>The text about what is typed behind a command, where it simply follows.</summary>
    public const string Arguments = "arguments";

    /// <summary>The verbs that have a command, in their order.</summary>
    public static IReadOnlyList<string> Verbs { get; } =
    [
        .. EmbeddedText
            .Names(Folder)
            .Select(static n => n[Folder.Length..^Extension.Length])
            .Order(StringComparer.Ordinal),
    ];

    public static string Skill => Text(KnownAssistants.Prefix + "SKILL.md");

    /// <summary>The file of a verb.</summary>
    public static string Render(string verb, SlashStyle style)
    {
        var (description, hint, body) = Source(Folder + verb);
        var arguments = Text(KnownAssistants.Prefix + style.Arguments + Extension).TrimEnd('\n');
        // That nothing can be read there comes first, since what follows speaks of what is named.
        body =
            style.Arguments == Arguments
                ? body.Replace(ArgumentsMark, arguments, StringComparison.Ordinal)
                    .Replace(HintMark, hint, StringComparison.Ordinal)
                : $"{arguments}\n\n{body.Replace($"{ArgumentsMark}\n\n", "", StringComparison.Ordinal)}";
        return style.Format switch
        {
            SlashFormat.Plain => body,
            SlashFormat.Frontmatter => Frontmatter(style, description, hint) + body,
            // No literal text of TOML can hold three single quotes; a test looks for them.
            SlashFormat.Toml =>
                $"description = {ConfigText.Quote(description)}\nprompt = '''\n{body}'''\n",
        };
    }

    // Text in double quotes means the same in YAML as in JSON.
    private static string Frontmatter(SlashStyle style, string description, string hint)
    {
        var text = new StringBuilder("---\n");
        text.Append("description: ").Append(ConfigText.Quote(description)).Append('\n');
        if (hint.Length > 0 && style.Arguments == Arguments)
        {
            text.Append("argument-hint: ").Append(ConfigText.Quote(hint)).Append('\n');
        }

        foreach (var (name, value) in style.Frontmatter)
        {
            text.Append(name).Append(": ").Append(ConfigText.Quote(value)).Append('\n');
        }

        return text.Append("---\n\n").ToString();
    }

    // "---", description, argument-hint, "---", the body.
    private static (string Description, string Hint, string Body) Source(string name)
    {
        var lines = Text(name + Extension).Split('\n', 5);
        return lines is ["---", var description, var hint, "---", var body]
            ? (Value(description, "description: "), Value(hint, "argument-hint: "), body)
            : throw new UnreachableException($"{name} does not begin as it should");
    }

    private static string Value(string line, string name) =>
        line.StartsWith(name, StringComparison.Ordinal)
            ? line[name.Length..].Trim('"')
            : throw new UnreachableException($"'{line}' should be {name}");

    private static string Text(string name) => Encoding.UTF8.GetString(EmbeddedText.Read(name));
}
