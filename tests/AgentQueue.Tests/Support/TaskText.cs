using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace AgentQueue.Tests.Support;

/// <summary>All that an object holds, as text: records with collections in them have no useful equality.</summary>
internal static class TaskText
{
    public static string Of(object? value)
    {
        var text = new StringBuilder();
        Write(text, value);
        return text.ToString();
    }

    private static void Write(StringBuilder text, object? value)
    {
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case string or decimal or DateTimeOffset or TimeSpan or Enum or AgentQueue.Tasks.TaskId:
            case { } when value.GetType().IsPrimitive:
                text.Append(
                    value is DateTimeOffset t ? t.UtcDateTime.ToString("O", null) : value.ToString()
                );
                break;
            case JsonElement json:
                text.Append(JsonSerializer.Serialize(json));
                break;
            case IEnumerable items:
                text.Append('[');
                foreach (var item in items)
                {
                    Write(text, item);
                    text.Append("; ");
                }

                text.Append(']');
                break;
            default:
                text.Append(value.GetType().Name).Append('{');
                foreach (
                    var property in value
                        .GetType()
                        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
                        .Where(static p => p.GetIndexParameters().Length == 0)
                        .OrderBy(static p => p.Name, StringComparer.Ordinal)
                )
                {
                    text.Append(property.Name).Append('=');
                    Write(text, property.GetValue(value));
                    text.Append(", ");
                }

                text.Append('}');
                break;
        }
    }
}
