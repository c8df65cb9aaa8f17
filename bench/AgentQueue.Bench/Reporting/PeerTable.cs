using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>The same work done by several tools: a column for each of them, a row for each work.</summary>
internal sealed class PeerTable
{
    private readonly List<string> _tools = [];
    private readonly List<string> _works = [];
    private readonly Dictionary<(string Work, string Tool), string> _cells = [];

    public IReadOnlyList<string> Tools => _tools;

    public IReadOnlyList<string> Works => _works;

    public string this[string work, string tool] => _cells.GetValueOrDefault((work, tool), "");

    public void Set(string work, string tool, string text)
    {
        Remember(_tools, tool);
        Remember(_works, work);
        _cells[(work, tool)] = text;
    }

    public void Set(string work, string tool, Samples samples, string unit)
    {
        var (low, high) = samples.Spread;
        var spread = samples.Count > 1 ? $" ({Show.Number(low)} to {Show.Number(high)})" : "";
        Set(work, tool, $"{Show.Number(samples.Median)} {unit}{spread}");
    }

    private static void Remember(List<string> names, string name)
    {
        if (!names.Contains(name))
        {
            names.Add(name);
        }
    }
}

/// <summary>How figures are written.</summary>
internal static class Show
{
    public static string Number(double value) =>
        value.ToString(
            value >= 100 ? "#,0"
                : value >= 10 ? "0.#"
                : "0.##",
            CultureInfo.InvariantCulture
        );

    public static string Count(int value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
