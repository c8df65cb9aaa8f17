using System.Globalization;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Plans;

/// <summary>Turns the matrix of a task into the combinations of its values.</summary>
internal static class PlanMatrix
{
    // Each combination, with what it adds to the id, in the order of the file.
    public static IEnumerable<(
        string Suffix,
        IReadOnlyDictionary<string, string> Values
    )> Combinations(SourceValue value, string key, ConfigReader reader, PlanValues values)
    {
        var axes = new List<(string Name, List<string> Values)>();
        foreach (var member in reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!values.IsName(member, path))
            {
                yield break;
            }

            if (member.Value.Kind != JsonValueKind.Array || member.Value.Items.IsEmpty)
            {
                reader.Error(member.Value.At, path, "must be a list of at least one value");
                yield break;
            }

            var texts = new List<string>();
            var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (var item in member.Value.Items)
            {
                if (values.Value(item, path) is not { } text)
                {
                    yield break;
                }

                if (!PlanText.IsId(text) || !seen.Add(text))
                {
                    reader.Error(
                        item.At,
                        path,
                        $"has '{text}', which cannot be a part of an id, or stands here twice"
                    );
                    yield break;
                }

                texts.Add(text);
            }

            axes.Add((member.Name, texts));
        }

        if (axes.Count == 0)
        {
            if (value.Kind == JsonValueKind.Object)
            {
                reader.Error(value.At, key, "has no values");
            }

            yield break;
        }

        var total = axes.Aggregate(
            1L,
            static (product, axis) => Math.Min(product * axis.Values.Count, int.MaxValue)
        );
        if (total > PlanReader.MostTasks)
        {
            reader.Error(
                value.At,
                key,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"makes more than {PlanReader.MostTasks} tasks"
                )
            );
            yield break;
        }

        for (var number = 0L; number < total; number++)
        {
            var rest = number;
            var combination = new Dictionary<string, string>(StringComparer.Ordinal);
            for (var i = axes.Count - 1; i >= 0; i--)
            {
                combination[axes[i].Name] = axes[i].Values[(int)(rest % axes[i].Values.Count)];
                rest /= axes[i].Values.Count;
            }

            yield return (string.Concat(axes.Select(a => "-" + combination[a.Name])), combination);
        }
    }
}
