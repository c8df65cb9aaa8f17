using System.Text;

namespace AgentQueue.Config;

/// <summary>
/// Names in braces that stand for something: <c>{prompt}</c>. Text is expanded in one pass from left to
/// right, so what a placeholder brings in is never expanded again; braces around anything but a known
/// name are plain text, so JSON in a template survives. There is no escape.
/// </summary>
internal static class Placeholders
{
    public const string Prompt = "prompt";
    public const string UserPrompt = "userPrompt";
    public const string TaskId = "taskId";
    public const string Agent = "agent";
    public const string PlanFile = "planFile";
    public const string LogFile = "logFile";
    public const string Workspace = "workspace";
    public const string PromptFile = "promptFile";
    public const string DoneFile = "doneFile";
    public const string ErrorFile = "errorFile";
    public const string UsageFile = "usageFile";

    /// <summary>What may stand in an agent's arguments.</summary>
    public static readonly string[] InArgs =
    [
        Prompt,
        TaskId,
        Agent,
        PlanFile,
        LogFile,
        Workspace,
        PromptFile,
        DoneFile,
        ErrorFile,
        UsageFile,
    ];

    /// <summary>What may stand in a prompt template; there <c>{prompt}</c> is the user's prompt too.</summary>
    public static readonly string[] InTemplate = [UserPrompt, .. InArgs];

    /// <param name="valueOf">The value of a name; null if it is not known.</param>
    public static string Expand(string text, Func<string, string?> valueOf)
    {
        if (!text.Contains('{', StringComparison.Ordinal))
        {
            return text;
        }

        var expanded = new StringBuilder(text.Length);
        var from = 0;
        foreach (var (start, name) in Names(text))
        {
            if (valueOf(name) is { } value)
            {
                expanded.Append(text, from, start - from).Append(value);
                from = start + name.Length + 2;
            }
        }

        return expanded.Append(text, from, text.Length - from).ToString();
    }

    public static bool Contains(string text, string name) =>
        text.Contains($"{{{name}}}", StringComparison.Ordinal);

    /// <summary>As <see cref="Contains"/>, for an argument: braces of a variable are none of a placeholder.</summary>
    public static bool InArgument(string argument, string name) =>
        Contains(VariableText.Without(argument), name);

    /// <summary>Words in braces that look like placeholders and are not in <paramref name="known"/>; <c>${NAME}</c> does not.</summary>
    public static IEnumerable<string> Unknown(string text, IReadOnlyCollection<string> known) =>
        Names(text)
            .Where(found => found.Start == 0 || text[found.Start - 1] != '$')
            .Select(found => found.Name)
            .Where(name => !known.Contains(name, StringComparer.Ordinal));

    private static IEnumerable<(int Start, string Name)> Names(string text)
    {
        for (var start = text.IndexOf('{'); start >= 0; start = text.IndexOf('{', start + 1))
        {
            var end = start + 1;
            while (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
            {
                end++;
            }

            if (end < text.Length && text[end] == '}' && end > start + 1)
            {
                yield return (start, text[(start + 1)..end]);
            }
        }
    }
}
