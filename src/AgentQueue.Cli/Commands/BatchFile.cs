using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// The file of <c>start --batch</c>: a JSON object a line, with the names of the task file. Blank lines are
/// passed over; anything not understood refuses the whole batch, with its line.
/// </summary>
internal static class BatchFile
{
    private static readonly string[] s_keys =
    [
        "agent",
        "prompt",
        "name",
        "labels",
        "cwd",
        "worktree",
        "base",
        "env",
        "priority",
        "timeout",
        "timeoutWarning",
        "idleTimeout",
        "maxRetries",
        "autoRetry",
        "dependsOn",
        "afterAny",
        "afterNotOk",
        "held",
        "at",
        "in",
    ];

    public static IReadOnlyList<NewTask> Read(
        string text,
        string source,
        Settings settings,
        Func<string, TaskId> findId,
        string currentFolder,
        TimeProvider clock
    )
    {
        var tasks = new List<NewTask>();
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                tasks.Add(
                    new Line(source, number, clock).Read(line, settings, findId, currentFolder)
                );
            }
        }

        return tasks;
    }

    private sealed class Line(string source, int number, TimeProvider clock)
    {
        public NewTask Read(
            string text,
            Settings settings,
            Func<string, TaskId> findId,
            string currentFolder
        )
        {
            try
            {
                return ReadMembers(text, settings, findId, currentFolder);
            }
            catch (InvalidOperationException)
            {
                // The reader meets half of a surrogate pair only when a text is asked for.
                throw Problem("it holds text that is not valid Unicode");
            }
        }

        private NewTask ReadMembers(
            string text,
            Settings settings,
            Func<string, TaskId> findId,
            string currentFolder
        )
        {
            using var document = Parse(text);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw Problem("a JSON object is wanted");
            }

            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var member in root.EnumerateObject())
            {
                if (!s_keys.Contains(member.Name, StringComparer.Ordinal))
                {
                    throw Problem(
                        $"unknown key '{member.Name}'{Nearest.Suggestion(member.Name, s_keys)}"
                    );
                }

                if (!seen.Add(member.Name))
                {
                    throw Problem($"'{member.Name}' stands there twice");
                }
            }

            var cwd = Text(root, "cwd");
            return new NewTask(
                Text(root, "agent") ?? throw Problem("it has no agent"),
                Text(root, "prompt") ?? throw Problem("it has no prompt")
            )
            {
                Name = Text(root, "name"),
                Labels = Map(root, "labels")
                    .ToImmutableSortedDictionary(
                        static m => m.Key,
                        m => m.Value ?? throw Problem($"label '{m.Key}' has no value"),
                        StringComparer.Ordinal
                    ),
                WorkingFolder = cwd is null ? null : Path.GetFullPath(cwd, currentFolder),
                Worktree = WorktreeOf(root),
                Environment = Map(root, "env")
                    .ToImmutableSortedDictionary(
                        m => KeyValues.VariableName(m.Key, "'env'"),
                        static m => m.Value,
                        StringComparer.Ordinal
                    ),
                Priority = Number(root, "priority", 1, 10) ?? AgentTask.DefaultPriority,
                Timeout = Time(root, "timeout"),
                TimeoutWarning = Time(root, "timeoutWarning"),
                IdleTimeout = Time(root, "idleTimeout"),
                MaxRetries =
                    Number(root, "maxRetries", 0, Settings.MostRetries) ?? settings.MaxRetries,
                AutoRetry = Flag(root, "autoRetry") ?? settings.AutoRetry,
                Hold = Flag(root, "held") ?? false,
                NotBefore = Start(root),
                DependsOn = NewTask.Unique([
                    .. Dependencies(root, "dependsOn", DependencyKind.AfterOk, findId),
                    .. Dependencies(root, "afterAny", DependencyKind.AfterAny, findId),
                    .. Dependencies(root, "afterNotOk", DependencyKind.AfterNotOk, findId),
                ]),
            };
        }

        private Worktree? WorktreeOf(JsonElement root)
        {
            var from = Text(root, "base");
            var worktree = Member(root, "worktree")?.ValueKind switch
            {
                null or JsonValueKind.False => null,
                JsonValueKind.True => new Worktree { Base = from },
                JsonValueKind.String => new Worktree
                {
                    Branch = Text(root, "worktree"),
                    Base = from,
                },
                _ => throw Problem("'worktree' must be true, false or the name of a branch"),
            };
            return worktree is null && from is not null
                ? throw Problem("'base' says what the branch of a worktree begins from")
                : worktree;
        }

        private JsonDocument Parse(string text)
        {
            try
            {
                return JsonDocument.Parse(text);
            }
            catch (JsonException e)
            {
                throw Problem($"not valid JSON (column {e.BytePositionInLine + 1})");
            }
        }

        private static JsonElement? Member(JsonElement root, string name) =>
            root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
                ? value
                : null;

        private string? Text(JsonElement root, string name)
        {
            if (Member(root, name) is not { } value)
            {
                return null;
            }

            return value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : throw Problem($"'{name}' must be a text");
        }

        private int? Number(JsonElement root, string name, int least, int most) =>
            Member(root, name) is not { } value ? null
            : value.ValueKind == JsonValueKind.Number
            && value.TryGetInt32(out var number)
            && number >= least
            && number <= most
                ? number
            : throw Problem(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{name}' must be a whole number from {least} to {most}"
                )
            );

        private bool? Flag(JsonElement root, string name) =>
            Member(root, name)?.ValueKind switch
            {
                null => null,
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ => throw Problem($"'{name}' must be true or false"),
            };

        private TimeSpan? Time(JsonElement root, string name)
        {
            if (Member(root, name) is not { } value)
            {
                return null;
            }

            var text =
                value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
            return Duration.TryParse(text, out var time) && time > TimeSpan.Zero
                ? time
                : throw Problem($"'{name}' must be a time such as 300 or \"5m\"");
        }

        private DateTimeOffset? Start(JsonElement root)
        {
            var (at, wait, now) = (Text(root, "at"), Time(root, "in"), clock.GetUtcNow());
            if (at is null)
            {
                return now + wait;
            }

            if (wait is not null)
            {
                throw Problem("'at' and 'in' both say when it may start");
            }

            try
            {
                return StartTime.Parse(at, "'at'", now, clock.LocalTimeZone);
            }
            catch (QueueException e)
            {
                throw Problem(e.Message);
            }
        }

        private IEnumerable<Dependency> Dependencies(
            JsonElement root,
            string name,
            DependencyKind kind,
            Func<string, TaskId> findId
        ) => Ids(root, name).Select(part => new Dependency(findId(part), kind));

        private IEnumerable<string> Ids(JsonElement root, string name)
        {
            if (Member(root, name) is not { } value)
            {
                yield break;
            }

            if (value.ValueKind != JsonValueKind.Array)
            {
                throw Problem($"'{name}' must be an array of ids");
            }

            foreach (var item in value.EnumerateArray())
            {
                yield return item.ValueKind == JsonValueKind.String
                    ? item.GetString()!
                    : throw Problem($"'{name}' must be an array of ids");
            }
        }

        private IEnumerable<KeyValuePair<string, string?>> Map(JsonElement root, string name)
        {
            if (Member(root, name) is not { } value)
            {
                yield break;
            }

            if (value.ValueKind != JsonValueKind.Object)
            {
                throw Problem($"'{name}' must be an object");
            }

            foreach (var member in value.EnumerateObject())
            {
                yield return member.Value.ValueKind switch
                {
                    JsonValueKind.String => KeyValuePair.Create(
                        member.Name,
                        member.Value.GetString()
                    ),
                    JsonValueKind.Null => KeyValuePair.Create(member.Name, (string?)null),
                    _ => throw Problem($"'{name}.{member.Name}' must be a text"),
                };
            }
        }

        private QueueException Problem(string what) =>
            QueueException.Usage(
                string.Create(CultureInfo.InvariantCulture, $"{source}:{number}: {what}"),
                "Nothing was queued; see the names in docs/format.md"
            );
    }
}
