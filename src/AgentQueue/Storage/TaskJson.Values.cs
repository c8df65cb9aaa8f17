using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <content>The values of members, each as leniently as it can be read.</content>
internal static partial class TaskJson
{
    private sealed partial class Fields
    {
        private static string? Text(ref Utf8JsonReader r)
        {
            if (r.TokenType == JsonTokenType.String)
            {
                return Plain(ref r);
            }

            r.Skip();
            return null;
        }

        // Looked at before it is made: a text takes twice its bytes, and a file may be all one text.
        private static string Plain(ref Utf8JsonReader r)
        {
            // An escape of six bytes stands for one at least.
            var shortest = r.ValueIsEscaped
                ? r.ValueSpan.Length - (5 * r.ValueSpan.Count((byte)'\\'))
                : r.ValueSpan.Length;
            return shortest > LongestText
                ? throw new FormatException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"a text in it is longer than {LongestText >> 20} MiB"
                    )
                )
                : r.GetString()!;
        }

        // For a message: whoever made the file may have made it unreadable on purpose.
        private static string? Short(string? text) =>
            text?.Length > LongestShown ? text[..LongestShown] + "…" : text;

        private static void Bound(int count, int most, string what)
        {
            if (count > most)
            {
                throw new FormatException(
                    string.Create(CultureInfo.InvariantCulture, $"it has more than {most} {what}")
                );
            }
        }

        // Older tools stored whatever an agent had put into .error, numbers and objects included.
        private static string? AnyText(ref Utf8JsonReader r) =>
            r.TokenType switch
            {
                JsonTokenType.String => Plain(ref r),
                JsonTokenType.Null => null,
                _ => JsonElement.ParseValue(ref r).GetRawText(),
            };

        private static long? Number(ref Utf8JsonReader r)
        {
            if (r.TokenType == JsonTokenType.Number)
            {
                return r.TryGetInt64(out var whole) ? whole
                    : r.TryGetDouble(out var real)
                        ? (long)Math.Clamp(Math.Ceiling(real), int.MinValue, int.MaxValue)
                    : null;
            }

            return
                Text(ref r) is { } text
                && long.TryParse(
                    text,
                    NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture,
                    out var number
                )
                ? number
                : null;
        }

        // Fractions are of plans; whoever wrote them as text meant whole seconds.
        private static TimeSpan? Seconds(ref Utf8JsonReader r)
        {
            double? seconds =
                r.TokenType == JsonTokenType.Number && r.TryGetDouble(out var real)
                    ? real
                    : Number(ref r);
            // To the nearest tick: 4.35 s times their number is a hair less than the number that was written.
            return seconds is > 0 and var s
                ? TimeSpan.FromTicks(
                    (long)
                        Math.Round(
                            Math.Min((double)s, Duration.Longest.TotalSeconds)
                                * TimeSpan.TicksPerSecond
                        )
                )
                : null;
        }

        private static DateTimeOffset? Time(ref Utf8JsonReader r)
        {
            if (
                r.TokenType == JsonTokenType.String
                && !r.HasValueSequence
                && r.ValueSpan.Length <= 40
                && r.TryGetDateTimeOffset(out var time)
            )
            {
                return time.ToUniversalTime();
            }

            return
                Text(ref r) is { } text
                && DateTimeOffset.TryParse(
                    text,
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeLocal,
                    out var other
                )
                ? other.ToUniversalTime()
                : null;
        }

        private static TaskId? Id(ref Utf8JsonReader r) =>
            Text(ref r) is { } text && TaskId.TryParse(text, out var id) ? id : null;

        private static ImmutableArray<TaskId> Ids(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartArray)
            {
                r.Skip();
                return [];
            }

            var ids = ImmutableArray.CreateBuilder<TaskId>();
            while (r.Read() && r.TokenType != JsonTokenType.EndArray)
            {
                Bound(ids.Count + 1, MostItems, "dependencies");
                ids.Add(
                    Id(ref r) ?? throw new FormatException("a dependency in it is not a task id")
                );
            }

            return ids.ToImmutable();
        }

        private static ImmutableSortedDictionary<string, T> Map<T>(
            ref Utf8JsonReader r,
            Func<string?, T> value
        )
        {
            if (r.TokenType != JsonTokenType.StartObject)
            {
                r.Skip();
                return ImmutableSortedDictionary<string, T>.Empty;
            }

            var map = ImmutableSortedDictionary.CreateBuilder<string, T>(StringComparer.Ordinal);
            while (r.Read() && r.TokenType == JsonTokenType.PropertyName)
            {
                var key = Plain(ref r);
                r.Read();
                if (!map.TryAdd(key, value(AnyText(ref r))))
                {
                    throw new FormatException($"'{Short(key)}' stands in it twice");
                }

                Bound(map.Count, MostEntries, "labels or variables");
            }

            return map.ToImmutable();
        }

        private static ImmutableArray<RetryRecord> History(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartArray)
            {
                r.Skip();
                return [];
            }

            var records = ImmutableArray.CreateBuilder<RetryRecord>();
            while (r.Read() && r.TokenType != JsonTokenType.EndArray)
            {
                Bound(records.Count + 1, MostItems, "earlier attempts");
                if (r.TokenType != JsonTokenType.StartObject)
                {
                    r.Skip();
                    continue;
                }

                long attempt = 0;
                DateTimeOffset? timestamp = null;
                string? error = null;
                TaskId? from = null;
                while (r.Read() && r.TokenType == JsonTokenType.PropertyName)
                {
                    var name = r.GetString();
                    r.Read();
                    switch (name)
                    {
                        case "attempt":
                            attempt = Number(ref r) ?? 0;
                            break;
                        case "timestamp":
                            timestamp = Time(ref r);
                            break;
                        case "error":
                            error = AnyText(ref r);
                            break;
                        case "retriedFrom":
                            from = Id(ref r);
                            break;
                        default:
                            r.Skip();
                            break;
                    }
                }

                records.Add(
                    new RetryRecord(
                        (int)Math.Clamp(attempt, 0, int.MaxValue),
                        timestamp ?? DateTimeOffset.UnixEpoch,
                        error,
                        from
                    )
                );
            }

            return records.ToImmutable();
        }
    }
}
