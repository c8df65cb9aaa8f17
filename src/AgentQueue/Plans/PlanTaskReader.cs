using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>Reads the keys of one task of a plan.</summary>
/// <param name="agent">Of the plan as a whole; null if it names none.</param>
internal sealed class PlanTaskReader(
    ConfigReader reader,
    PlanValues values,
    ImmutableArray<KeyValuePair<string, string>> parameters,
    string? agent
)
{
    public static readonly string[] Keys =
    [
        "id",
        "cmd",
        "agent",
        "prompt",
        "depends_on",
        "after",
        "when",
        "cwd",
        "env",
        "timeout_sec",
        "retries",
        "retry_backoff_sec",
        "outputs",
        "verify",
        "inputs",
        "matrix",
        "approval",
        "priority",
        "max_parallel",
        "worktree",
        "fix_attempts",
    ];

    private static readonly string[] s_outcomes = ["complete", "failed", "cancelled"];

    private const int MostRetries = 1_000_000;

    private readonly Dictionary<string, string> _parameters = parameters.ToDictionary(
        StringComparer.Ordinal
    );

    // Longer is as good as no limit, and no reason to refuse a plan.
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(3650);

    public PlanTask Read(
        string id,
        string key,
        SourceValue source,
        Dictionary<string, SourceValue> members,
        IReadOnlyDictionary<string, string> matrix
    )
    {
        var task = new PlanTask { Id = id };
        var scope = PlanText.InTask(_parameters, matrix);
        foreach (var (name, value) in members)
        {
            task = With(task, name, value, $"{key}.{name}", scope);
            if (values.IsSpent)
            {
                return task;
            }
        }

        var hasCommand = members.ContainsKey("cmd");
        if (hasCommand && (members.ContainsKey("agent") || members.ContainsKey("prompt")))
        {
            reader.Error(source.At, key, "has a cmd and an agent or prompt; give one of the two");
        }
        else if (!hasCommand && !members.ContainsKey("prompt"))
        {
            reader.Error(source.At, key, "has neither a cmd nor a prompt for an agent");
        }
        else if (!hasCommand)
        {
            task = task with { Agent = task.Agent ?? agent };
            if (task.Agent is null)
            {
                reader.Error(
                    source.At,
                    key,
                    "has a prompt and no agent; name one here, or as 'agent' of the whole plan"
                );
            }
        }

        if (
            task.Backoff.Length > task.Retries
            && members.TryGetValue("retry_backoff_sec", out var pauses)
        )
        {
            reader.Error(
                pauses.At,
                key + ".retry_backoff_sec",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"has {task.Backoff.Length} pauses for {task.Retries} retries"
                )
            );
        }

        if (task.VerifyOutputs && task.Outputs.IsEmpty)
        {
            reader.Error(
                members["verify"].At,
                key + ".verify",
                "asks for outputs, and none are declared"
            );
        }

        return task;
    }

    private PlanTask With(
        PlanTask task,
        string name,
        SourceValue value,
        string key,
        PlanText scope
    ) =>
        name switch
        {
            "cmd" => task with { Command = Command(value, key, scope) },
            "agent" => task with { Agent = values.AgentName(value, key, scope) },
            "prompt" => task with { Prompt = values.Filled(value, key, scope) },
            "depends_on" => task with
            {
                DependsOn = task.DependsOn.AddRange(DependsOn(value, key)),
            },
            "after" => task with { DependsOn = task.DependsOn.AddRange(After(value, key)) },
            "when" => task with { When = Condition(value, key, scope) },
            "cwd" => task with { WorkingFolder = values.Filled(value, key, scope) },
            "env" => task with { Environment = Environment(value, key, scope) },
            "timeout_sec" => task with { Timeout = Seconds(value, key, mayBeZero: false) },
            "retries" => task with { Retries = reader.Whole(value, key, 0, MostRetries) ?? 0 },
            "retry_backoff_sec" => task with { Backoff = Backoff(value, key) },
            "outputs" => task with { Outputs = Outputs(value, key, scope) },
            "verify" => WithVerify(task, value, key, scope),
            "inputs" => task with { Inputs = Inputs(value, key, scope) },
            "approval" => task with { Approval = values.Filled(value, key, scope) },
            "priority" => task with { Priority = reader.Whole(value, key, 1, 10) },
            "max_parallel" => task with
            {
                MaxParallel = reader.Whole(value, key, 1, Settings.MostParallel),
            },
            "worktree" => task with { Worktree = Worktree(value, key, scope) },
            "fix_attempts" => task with
            {
                FixAttempts = reader.Whole(value, key, 0, AgentWorkReader.MostFixAttempts) ?? 0,
            },
            _ => task,
        };

    private Worktree? Worktree(SourceValue value, string key, PlanText scope) =>
        value.Kind is JsonValueKind.True ? new Worktree()
        : value.Kind is JsonValueKind.False ? null
        : values.Filled(value, key, scope) is { Length: > 0 } branch
            ? new Worktree { Branch = branch }
        : null;

    // It is what the old format says, and nearly never what is meant: the task would even succeed.
    private void WarnOfShell(
        SourceValue value,
        string line,
        IReadOnlyList<string> words,
        string key
    )
    {
        var meant =
            line.Trim().Contains('\n', StringComparison.Ordinal) ? "a new line"
            : words.FirstOrDefault(w => CheckCommand.Operators.Contains(w, StringComparer.Ordinal))
                is { } found
                ? $"'{found}'"
            : null;
        if (meant is not null && words is not ["sh" or "bash", ..])
        {
            reader.Warn(
                value.At,
                key,
                $"is given to no shell, so {meant} only stands between its words; for a shell: [\"sh\", \"-c\", \"…\"]"
            );
        }
    }

    private ImmutableArray<string> Command(SourceValue value, string key, PlanText scope)
    {
        if (value.Kind == JsonValueKind.String)
        {
            // Its words are made anew for each task.
            if (
                reader.Text(value, key, mayBeEmpty: false) is not { } line
                || !values.Spend(line.Length, value, key)
            )
            {
                return [];
            }

            var words = ShellWords.Split(line, out var problem);
            if (problem is not null || words.Count == 0)
            {
                reader.Error(value.At, key, problem ?? "has no words in it");
                return [];
            }

            WarnOfShell(value, line, words, key);
            // Filled in after the split: a value never becomes two words.
            return [.. words.Select(w => values.Fill(value, w, key, scope))];
        }

        if (value.Kind != JsonValueKind.Array)
        {
            reader.Error(
                value.At,
                key,
                $"must be a list of texts, or one text, not {value.KindInWords}"
            );
            return [];
        }

        if (value.Items.IsEmpty)
        {
            reader.Error(value.At, key, "is empty: the first item is the program");
            return [];
        }

        var command = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < value.Items.Length; i++)
        {
            var item = values.Filled(value.Items[i], PlanValues.Item(key, i), scope);
            command.Add(item ?? "");
        }

        return command.ToImmutable();
    }

    private IEnumerable<PlanDependency> DependsOn(SourceValue value, string key)
    {
        foreach (var (id, _) in Ids(value, key))
        {
            yield return new PlanDependency(id);
        }
    }

    // afterany:build:test, or a list of such texts; a bare id is afterok.
    private IEnumerable<PlanDependency> After(SourceValue value, string key)
    {
        var items = value.Kind == JsonValueKind.String ? [value] : value.Items;
        if (value.Kind is not (JsonValueKind.String or JsonValueKind.Array))
        {
            reader.Error(
                value.At,
                key,
                $"must be text such as \"afterany:build\", or a list of it, not {value.KindInWords}"
            );
            yield break;
        }

        foreach (var item in items)
        {
            if (reader.Text(item, key, mayBeEmpty: false) is not { } text)
            {
                continue;
            }

            if (!values.Spend(text.Length, item, key))
            {
                yield break;
            }

            var parts = text.Split(':', StringSplitOptions.TrimEntries);
            var kind = DependencyKind.AfterOk;
            if (parts.Length > 1)
            {
                if (DependencyKinds.Find(parts[0]) is not { } found)
                {
                    var words = DependencyKinds.Words;
                    reader.Error(
                        item.At,
                        key,
                        $"must begin with one of {string.Join(", ", words)}, not '{parts[0]}'{Nearest.Suggestion(parts[0], words)}"
                    );
                    continue;
                }

                kind = found;
                parts = parts[1..];
            }

            foreach (var id in parts)
            {
                if (!values.Spend(id.Length, item, key))
                {
                    yield break;
                }

                if (PlanText.IsId(id))
                {
                    yield return new PlanDependency(id, kind);
                }
                else
                {
                    reader.Error(item.At, key, $"has '{id}', which is not the id of a task");
                }
            }
        }
    }

    private IEnumerable<(string Id, SourceValue At)> Ids(SourceValue value, string key)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            reader.Error(value.At, key, $"must be a list of ids, not {value.KindInWords}");
            yield break;
        }

        for (var i = 0; i < value.Items.Length; i++)
        {
            if (!values.Spend(0, value.Items[i], key))
            {
                yield break;
            }

            if (values.Id(value.Items[i], PlanValues.Item(key, i)) is { } id)
            {
                yield return (id, value.Items[i]);
            }
        }
    }

    private PlanCondition? Condition(SourceValue value, string key, PlanText scope)
    {
        string? task = null,
            outcome = null,
            file = null,
            contains = null;
        foreach (var member in reader.Members(value, key, ["task", "outcome", "file", "contains"]))
        {
            var path = ConfigReader.Path(key, member.Name);
            switch (member.Name)
            {
                case "task":
                    task = values.Id(member.Value, path);
                    break;
                case "outcome":
                    outcome = Outcome(member.Value, path);
                    break;
                case "file":
                    file = values.Filled(member.Value, path, scope);
                    break;
                default:
                    contains = values.Filled(member.Value, path, scope);
                    break;
            }
        }

        if (value.Kind != JsonValueKind.Object || task is null)
        {
            if (
                value.Kind == JsonValueKind.Object
                && !value.Members.Any(static m => m.Name == "task")
            )
            {
                reader.Error(value.At, key, "does not say which task it asks about");
            }

            return null;
        }

        if (outcome is null == file is null || file is null != contains is null)
        {
            reader.Error(value.At, key, "must have an outcome, or a file and what it contains");
        }

        return new PlanCondition(task, outcome, file, contains);
    }

    private string? Outcome(SourceValue value, string key)
    {
        if (
            reader.Text(value, key) is not { } word
            || s_outcomes.Contains(word, StringComparer.Ordinal)
        )
        {
            return value.Text;
        }

        reader.Error(
            value.At,
            key,
            $"must be one of {string.Join(", ", s_outcomes)}, not \"{word}\"{Nearest.Suggestion(word, s_outcomes)}"
        );
        return null;
    }

    private ImmutableSortedDictionary<string, string> Environment(
        SourceValue value,
        string key,
        PlanText scope
    )
    {
        var environment = ImmutableSortedDictionary.CreateBuilder<string, string>(
            StringComparer.Ordinal
        );
        foreach (var member in reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!AgentEnvironment.IsName(member.Name))
            {
                reader.Error(member.At, path, "is not a name for an environment variable");
            }
            else if (AgentEnvironment.IsOurs(member.Name))
            {
                reader.Error(member.At, path, "cannot be set: agentq sets it for every task");
            }
            else if (values.Filled(member.Value, path, scope, mayBeEmpty: true) is { } text)
            {
                environment[member.Name] = text;
            }
        }

        return environment.ToImmutable();
    }

    private ImmutableArray<string> Outputs(SourceValue value, string key, PlanText scope)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            reader.Error(value.At, key, $"must be a list of globs, not {value.KindInWords}");
            return [];
        }

        var outputs = ImmutableArray.CreateBuilder<string>();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < value.Items.Length; i++)
        {
            if (values.Filled(value.Items[i], PlanValues.Item(key, i), scope) is not { } glob)
            {
                continue;
            }

            if (seen.Add(glob))
            {
                outputs.Add(glob);
            }
            else
            {
                reader.Error(
                    value.Items[i].At,
                    PlanValues.Item(key, i),
                    $"stands here twice: {glob}"
                );
            }
        }

        return outputs.ToImmutable();
    }

    private PlanTask WithVerify(PlanTask task, SourceValue value, string key, PlanText scope)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            reader.Error(
                value.At,
                key,
                $"must be a list of commands, or the word outputs, not {value.KindInWords}"
            );
            return task;
        }

        var commands = ImmutableArray.CreateBuilder<ImmutableArray<string>>();
        var outputs = false;
        for (var i = 0; i < value.Items.Length; i++)
        {
            if (value.Items[i] is { Kind: JsonValueKind.String, Text: "outputs" })
            {
                outputs = true;
            }
            else if (
                Command(value.Items[i], PlanValues.Item(key, i), scope) is
                { IsEmpty: false } command
            )
            {
                commands.Add(command);
            }
        }

        return task with
        {
            Verify = commands.ToImmutable(),
            VerifyOutputs = outputs,
        };
    }

    private ImmutableSortedDictionary<string, string> Inputs(
        SourceValue value,
        string key,
        PlanText scope
    )
    {
        var inputs = ImmutableSortedDictionary.CreateBuilder<string, string>(
            StringComparer.Ordinal
        );
        foreach (var member in reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!values.IsName(member, path))
            {
                continue;
            }

            if (values.Filled(member.Value, path, scope) is { } text)
            {
                inputs[member.Name] = text;
            }
        }

        return inputs.ToImmutable();
    }

    private ImmutableArray<TimeSpan> Backoff(SourceValue value, string key)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            reader.Error(value.At, key, $"must be a list of seconds, not {value.KindInWords}");
            return [];
        }

        var pauses = ImmutableArray.CreateBuilder<TimeSpan>();
        for (var i = 0; i < value.Items.Length && values.Spend(0, value.Items[i], key); i++)
        {
            pauses.Add(
                Seconds(value.Items[i], PlanValues.Item(key, i), mayBeZero: true) ?? default
            );
        }

        return pauses.ToImmutable();
    }

    private TimeSpan? Seconds(SourceValue value, string key, bool mayBeZero)
    {
        if (value.Kind != JsonValueKind.Number)
        {
            reader.Error(value.At, key, $"must be a number of seconds, not {value.KindInWords}");
            return null;
        }

        if (
            double.TryParse(value.Text, CultureInfo.InvariantCulture, out var seconds)
            && double.IsFinite(seconds)
            && (seconds > 0 || (mayBeZero && seconds == 0))
        )
        {
            return TimeSpan.FromSeconds(Math.Min(seconds, s_longest.TotalSeconds));
        }

        reader.Error(
            value.At,
            key,
            $"must be {(mayBeZero ? "0 or more" : "more than 0")} seconds, not {value.Text}"
        );
        return null;
    }
}
