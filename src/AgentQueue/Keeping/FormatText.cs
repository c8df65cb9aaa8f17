using System.Text;
using AgentQueue.Config;

namespace AgentQueue.Keeping;

/// <summary>
/// Prompt templates of the older tool, in which <c>{{</c> and <c>}}</c> stood for a brace. Ours have no
/// such escape: braces around anything but a placeholder are plain.
/// </summary>
internal static class FormatText
{
    private static readonly string[] s_fields =
    [
        Placeholders.TaskId,
        Placeholders.UserPrompt,
        Placeholders.PlanFile,
        Placeholders.LogFile,
        Placeholders.Agent,
    ];

    /// <summary>The template as we read it.</summary>
    /// <param name="doubt">Something that is not quite the same; null if all is.</param>
    public static string Translate(string template, out string? doubt)
    {
        doubt = null;
        var text = new StringBuilder(template.Length);
        for (var i = 0; i < template.Length; i++)
        {
            var c = template[i];
            if (c is not ('{' or '}'))
            {
                text.Append(c);
            }
            else if (i + 1 < template.Length && template[i + 1] == c)
            {
                text.Append(c);
                i++;
            }
            else if (c == '{' && FieldAt(template, i) is { } field)
            {
                text.Append('{').Append(field).Append('}');
                i += field.Length + 1;
            }
            else
            {
                // Not valid there: the older tool passed the whole template over.
                doubt =
                    "the older tool could not read its template and never used it; it is used here, as it stands";
                return template;
            }
        }

        var translated = text.ToString();
        if (Fields(translated) > Fields(template.Replace("{{", "", StringComparison.Ordinal)))
        {
            doubt = "an escaped name in braces in its template is a placeholder here";
        }

        return translated;
    }

    private static string? FieldAt(string template, int brace) =>
        Array.Find(
            s_fields,
            f => string.CompareOrdinal(template, brace + 1, f + "}", 0, f.Length + 1) == 0
        );

    private static int Fields(string text)
    {
        var count = 0;
        Placeholders.Expand(
            text,
            name =>
            {
                count += Placeholders.InTemplate.Contains(name) ? 1 : 0;
                return null;
            }
        );
        return count;
    }
}
