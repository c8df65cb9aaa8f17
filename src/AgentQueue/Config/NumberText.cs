using System.Globalization;

namespace AgentQueue.Config;

/// <summary>Numbers as programs write them.</summary>
internal static class NumberText
{
    public static string ToText(this int number) => number.ToString(CultureInfo.InvariantCulture);

    public static string ToText(this decimal number) =>
        number.ToString("0.############", CultureInfo.InvariantCulture);
}
