using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using AgentQueue.Config;

namespace AgentQueue.Plans;

/// <summary>
/// Reads a plan's file, YAML or JSON, and collects everything that is wrong with it. What holds between
/// tasks (ids that are not there, cycles) is asked of <see cref="PlanGraph"/> once each task is read.
/// </summary>
internal sealed class PlanReader
{
    public static readonly string[] RootKeys =
    [
        "goal",
        "artifacts_dir",
        "params",
        "agent",
        "max_parallel",
        "fail_fast",
        "tasks",
    ];

    public static readonly string[] TaskKeys =
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
    ];

    private static readonly (string Word, DependencyKind Kind)[] s_kinds =
    [
        ("afterok", DependencyKind.AfterOk),
        ("afterany", DependencyKind.AfterAny),
        ("afternotok", DependencyKind.AfterNotOk),
    ];

    private static readonly string[] s_outcomes = ["complete", "failed", "cancelled"];

    private const int MostTasks = 100_000;
    private const int MostRetries = Settings.MostRetries;
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(3650);

    private readonly ConfigReader _reader;
    private readonly IReadOnlyDictionary<string, string> _given;
    private readonly List<(PlanTask Task, SourceValue Source)> _tasks = [];
    private ImmutableArray<KeyValuePair<string, string>> _parameters = [];
    private string? _agent;

    private PlanReader(string file, IReadOnlyDictionary<string, string> given)
    {
        _reader = new ConfigReader(file);
        _given = given;
    }

    /// <param name="file">As people name it, for the messages.</param>
    /// <param name="given">Values for parameters, as <c>--set</c> gives them.</param>
    /// <returns>The plan, unless a problem is an error.</returns>
    public static (Plan? Plan, IReadOnlyList<ConfigProblem> Problems) Read(
        string file,
        ReadOnlySpan<byte> text,
        IReadOnlyDictionary<string, string>? given = null
    )
    {
        var reader = new PlanReader(file, given ?? ImmutableDictionary<string, string>.Empty);
        var plan = reader.ReadRoot(text);
        var problems = reader._reader.Problems;
        return (reader._reader.HasErrors ? null : plan, problems);
    }

    private Plan? ReadRoot(ReadOnlySpan<byte> text)
    {
        var root = YamlSource.Parse(text, out var problem);
        if (root is null)
        {
            _reader.Error(problem.At, "", $"this is neither YAML nor JSON: {problem.Reason}");
            return null;
        }

        if (root.Kind != JsonValueKind.Object)
        {
            _reader.Error(root.At, "", $"a plan is a map with tasks in it, not {root.KindInWords}");
            return null;
        }

        var members = _reader.Members(root, "", RootKeys).ToDictionary(static m => m.Name);
        SourceValue? Find(string key) => members.GetValueOrDefault(key)?.Value;
        // What follows may be named in every text below.
        ReadParameters(Find("params"), root);
        var scope = PlanText.InTask(_parameters, PlanText.Nothing);
        _agent = Find("agent") is { } agent ? AgentName(agent, "agent") : null;
        var plan = new Plan
        {
            Goal = Find("goal") is { } goal ? Filled(goal, "goal", scope) : null,
            ArtifactsFolder = Find("artifacts_dir") is { } folder
                ? Filled(folder, "artifacts_dir", scope)
                : null,
            MaxParallel = Find("max_parallel") is { } most
                ? _reader.Whole(most, "max_parallel", 1, Settings.MostParallel)
                : null,
            FailFast = Find("fail_fast") is { } fast && (_reader.Flag(fast, "fail_fast") ?? false),
            Parameters = _parameters,
        };
        if (Find("tasks") is not { } tasks)
        {
            _reader.Error(root.At, "tasks", "is missing: a plan has at least one task");
            return null;
        }

        ReadTasks(tasks);
        return plan with { Tasks = PlanGraph.Link(_tasks, _reader) };
    }

    private void ReadParameters(SourceValue? source, SourceValue root)
    {
        var values = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        if (source is not null)
        {
            foreach (var member in _reader.Members(source, "params", known: null))
            {
                var key = ConfigReader.Path("params", member.Name);
                if (!PlanText.IsName(member.Name))
                {
                    _reader.Error(
                        member.At,
                        key,
                        "is not a name: letters, digits, '_' and '-' only, beginning with a letter"
                    );
                }
                else if (_given.TryGetValue(member.Name, out var given))
                {
                    values.Add(new(member.Name, given));
                }
                else if (member.Value.Kind == JsonValueKind.Null)
                {
                    _reader.Error(
                        member.At,
                        key,
                        $"has no default and was not given: --set {member.Name}=VALUE"
                    );
                }
                else if (Value(member.Value, key) is { } text)
                {
                    values.Add(new(member.Name, text));
                }
            }
        }

        _parameters = values.ToImmutable();
        foreach (var name in _given.Keys)
        {
            var known = source?.Members.Select(static m => m.Name) ?? [];
            if (!known.Contains(name, StringComparer.Ordinal))
            {
                _reader.Error(
                    source?.At ?? root.At,
                    "params",
                    $"has no '{name}', which --set names{Nearest.Suggestion(name, known)}"
                );
            }
        }
    }

    private void ReadTasks(SourceValue tasks)
    {
        if (tasks.Kind != JsonValueKind.Array)
        {
            _reader.Error(tasks.At, "tasks", $"must be a list, not {tasks.KindInWords}");
            return;
        }

        if (tasks.Items.IsEmpty)
        {
            _reader.Error(tasks.At, "tasks", "is empty: a plan has at least one task");
            return;
        }

        for (var i = 0; i < tasks.Items.Length; i++)
        {
            ReadTask(tasks.Items[i], string.Create(CultureInfo.InvariantCulture, $"tasks[{i}]"));
            if (_tasks.Count > MostTasks)
            {
                _reader.Error(
                    tasks.Items[i].At,
                    "tasks",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"has more than {MostTasks} tasks, those of its matrices counted"
                    )
                );
                return;
            }
        }
    }

    private void ReadTask(SourceValue source, string key)
    {
        var members = new Dictionary<string, SourceValue>(StringComparer.Ordinal);
        foreach (var member in _reader.Members(source, key, TaskKeys))
        {
            members[member.Name] = member.Value;
        }

        if (source.Kind != JsonValueKind.Object)
        {
            return;
        }

        if (!members.TryGetValue("id", out var idSource))
        {
            _reader.Error(source.At, key, "has no id");
            return;
        }

        if (Id(idSource, key + ".id") is not { } id)
        {
            return;
        }

        // From here on people know it by its id.
        key = $"tasks.{id}";
        if (members.TryGetValue("worktree", out var worktree))
        {
            _reader.Error(
                worktree.At,
                key + ".worktree",
                "is kept for later and cannot be used yet; give the task a cwd instead"
            );
        }

        if (!members.TryGetValue("matrix", out var matrix))
        {
            _tasks.Add((ReadNode(id, key, source, members, PlanText.Nothing), source));
            return;
        }

        foreach (var (suffix, values) in Combinations(matrix, key + ".matrix"))
        {
            var task = ReadNode(id + suffix, key, source, members, values);
            if (task.Id.Length > PlanTask.LongestId)
            {
                _reader.Error(
                    matrix.At,
                    key + ".matrix",
                    $"makes an id that is too long: {task.Id}"
                );
                return;
            }

            _tasks.Add((task with { MatrixOf = id }, source));
        }
    }

    private PlanTask ReadNode(
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
        }

        var hasCommand = members.ContainsKey("cmd");
        if (hasCommand && (members.ContainsKey("agent") || members.ContainsKey("prompt")))
        {
            _reader.Error(source.At, key, "has a cmd and an agent or prompt; give one of the two");
        }
        else if (!hasCommand && !members.ContainsKey("prompt"))
        {
            _reader.Error(source.At, key, "has neither a cmd nor a prompt for an agent");
        }
        else if (!hasCommand)
        {
            task = task with { Agent = task.Agent ?? _agent };
            if (task.Agent is null)
            {
                _reader.Error(
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
            _reader.Error(
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
            _reader.Error(
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
            "agent" => task with { Agent = AgentName(value, key) },
            "prompt" => task with { Prompt = Filled(value, key, scope) },
            "depends_on" => task with
            {
                DependsOn = task.DependsOn.AddRange(DependsOn(value, key)),
            },
            "after" => task with { DependsOn = task.DependsOn.AddRange(After(value, key)) },
            "when" => task with { When = Condition(value, key, scope) },
            "cwd" => task with { WorkingFolder = Filled(value, key, scope) },
            "env" => task with { Environment = Environment(value, key, scope) },
            "timeout_sec" => task with { Timeout = Seconds(value, key, mayBeZero: false) },
            "retries" => task with { Retries = _reader.Whole(value, key, 0, MostRetries) ?? 0 },
            "retry_backoff_sec" => task with { Backoff = Backoff(value, key) },
            "outputs" => task with { Outputs = Outputs(value, key, scope) },
            "verify" => WithVerify(task, value, key, scope),
            "inputs" => task with { Inputs = Inputs(value, key, scope) },
            "approval" => task with { Approval = Filled(value, key, scope) },
            "priority" => task with { Priority = _reader.Whole(value, key, 1, 10) },
            "max_parallel" => task with
            {
                MaxParallel = _reader.Whole(value, key, 1, Settings.MostParallel),
            },
            _ => task,
        };

    private string? Id(SourceValue value, string key)
    {
        if (_reader.Text(value, key, mayBeEmpty: false) is not { } id)
        {
            return null;
        }

        if (PlanText.IsId(id))
        {
            return id;
        }

        _reader.Error(
            value.At,
            key,
            "must begin with a letter or a digit and have at most 128 of A-Z a-z 0-9 . _ -"
        );
        return null;
    }

    private string? AgentName(SourceValue value, string key)
    {
        if (_reader.Text(value, key, mayBeEmpty: false) is not { } name)
        {
            return null;
        }

        if (AgentConfig.IsName(name))
        {
            return name;
        }

        _reader.Error(value.At, key, "is not a name for an agent");
        return null;
    }

    // Text that is not blank, with what stands in ${…} filled in.
    private string? Filled(SourceValue value, string key, PlanText scope, bool mayBeEmpty = false)
    {
        if (_reader.Text(value, key, mayBeEmpty) is not { } text)
        {
            return null;
        }

        var filled = scope.Fill(text, out var problem);
        if (problem is not null)
        {
            _reader.Error(value.At, key, problem);
        }

        return filled;
    }

    // A parameter or a value of a matrix: numbers and truth are texts as they stand there.
    private string? Value(SourceValue value, string key) =>
        value.Kind switch
        {
            JsonValueKind.Number => value.Text,
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => _reader.Text(value, key),
        };

    private ImmutableArray<string> Command(SourceValue value, string key, PlanText scope)
    {
        if (value.Kind == JsonValueKind.String)
        {
            if (_reader.Text(value, key, mayBeEmpty: false) is not { } line)
            {
                return [];
            }

            var words = ShellWords.Split(line, out var problem);
            if (problem is not null || words.Count == 0)
            {
                _reader.Error(value.At, key, problem ?? "has no words in it");
                return [];
            }

            // Filled in after the split: a value never becomes two words.
            return [.. words.Select(w => Fill(value, w, key, scope))];
        }

        if (value.Kind != JsonValueKind.Array)
        {
            _reader.Error(
                value.At,
                key,
                $"must be a list of texts, or one text, not {value.KindInWords}"
            );
            return [];
        }

        if (value.Items.IsEmpty)
        {
            _reader.Error(value.At, key, "is empty: the first item is the program");
            return [];
        }

        var command = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < value.Items.Length; i++)
        {
            var item = Filled(value.Items[i], Item(key, i), scope);
            command.Add(item ?? "");
        }

        return command.ToImmutable();
    }

    private string Fill(SourceValue value, string text, string key, PlanText scope)
    {
        var filled = scope.Fill(text, out var problem);
        if (problem is not null)
        {
            _reader.Error(value.At, key, problem);
        }

        return filled;
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
            _reader.Error(
                value.At,
                key,
                $"must be text such as \"afterany:build\", or a list of it, not {value.KindInWords}"
            );
            yield break;
        }

        foreach (var item in items)
        {
            if (_reader.Text(item, key, mayBeEmpty: false) is not { } text)
            {
                continue;
            }

            var parts = text.Split(':', StringSplitOptions.TrimEntries);
            var kind = DependencyKind.AfterOk;
            if (parts.Length > 1)
            {
                var found = Array.FindIndex(s_kinds, k => k.Word == parts[0]);
                if (found < 0)
                {
                    var words = s_kinds.Select(static k => k.Word);
                    _reader.Error(
                        item.At,
                        key,
                        $"must begin with one of {string.Join(", ", words)}, not '{parts[0]}'{Nearest.Suggestion(parts[0], words)}"
                    );
                    continue;
                }

                kind = s_kinds[found].Kind;
                parts = parts[1..];
            }

            foreach (var id in parts)
            {
                if (PlanText.IsId(id))
                {
                    yield return new PlanDependency(id, kind);
                }
                else
                {
                    _reader.Error(item.At, key, $"has '{id}', which is not the id of a task");
                }
            }
        }
    }

    private IEnumerable<(string Id, SourceValue At)> Ids(SourceValue value, string key)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            _reader.Error(value.At, key, $"must be a list of ids, not {value.KindInWords}");
            yield break;
        }

        for (var i = 0; i < value.Items.Length; i++)
        {
            if (Id(value.Items[i], Item(key, i)) is { } id)
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
            matches = null;
        foreach (var member in _reader.Members(value, key, ["task", "outcome", "file", "matches"]))
        {
            var path = ConfigReader.Path(key, member.Name);
            switch (member.Name)
            {
                case "task":
                    task = Id(member.Value, path);
                    break;
                case "outcome":
                    outcome = Outcome(member.Value, path);
                    break;
                case "file":
                    file = Filled(member.Value, path, scope);
                    break;
                default:
                    matches = Pattern(member.Value, path);
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
                _reader.Error(value.At, key, "does not say which task it asks about");
            }

            return null;
        }

        if (outcome is null == file is null || file is null != matches is null)
        {
            _reader.Error(value.At, key, "must have an outcome, or a file and what it matches");
        }

        return new PlanCondition(task, outcome, file, matches);
    }

    private string? Outcome(SourceValue value, string key)
    {
        if (
            _reader.Text(value, key) is not { } word
            || s_outcomes.Contains(word, StringComparer.Ordinal)
        )
        {
            return value.Text;
        }

        _reader.Error(
            value.At,
            key,
            $"must be one of {string.Join(", ", s_outcomes)}, not \"{word}\"{Nearest.Suggestion(word, s_outcomes)}"
        );
        return null;
    }

    private string? Pattern(SourceValue value, string key)
    {
        if (_reader.Text(value, key, mayBeEmpty: false) is not { } pattern)
        {
            return null;
        }

        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            _reader.Error(
                value.At,
                key,
                $"is not a regular expression that can be used: {e.Message}"
            );
        }

        return pattern;
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
        foreach (var member in _reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!AgentEnvironment.IsName(member.Name))
            {
                _reader.Error(member.At, path, "is not a name for an environment variable");
            }
            else if (AgentEnvironment.IsOurs(member.Name))
            {
                _reader.Error(member.At, path, "cannot be set: agentq sets it for every task");
            }
            else if (Filled(member.Value, path, scope, mayBeEmpty: true) is { } text)
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
            _reader.Error(value.At, key, $"must be a list of globs, not {value.KindInWords}");
            return [];
        }

        var outputs = ImmutableArray.CreateBuilder<string>();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < value.Items.Length; i++)
        {
            if (Filled(value.Items[i], Item(key, i), scope) is not { } glob)
            {
                continue;
            }

            if (seen.Add(glob))
            {
                outputs.Add(glob);
            }
            else
            {
                _reader.Error(value.Items[i].At, Item(key, i), $"stands here twice: {glob}");
            }
        }

        return outputs.ToImmutable();
    }

    private PlanTask WithVerify(PlanTask task, SourceValue value, string key, PlanText scope)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            _reader.Error(
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
            else if (Command(value.Items[i], Item(key, i), scope) is { IsEmpty: false } command)
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
        foreach (var member in _reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!PlanText.IsName(member.Name))
            {
                _reader.Error(
                    member.At,
                    path,
                    "is not a name: letters, digits, '_' and '-' only, beginning with a letter"
                );
            }
            else if (Filled(member.Value, path, scope) is { } text)
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
            _reader.Error(value.At, key, $"must be a list of seconds, not {value.KindInWords}");
            return [];
        }

        var pauses = ImmutableArray.CreateBuilder<TimeSpan>();
        for (var i = 0; i < value.Items.Length; i++)
        {
            pauses.Add(Seconds(value.Items[i], Item(key, i), mayBeZero: true) ?? default);
        }

        return pauses.ToImmutable();
    }

    private TimeSpan? Seconds(SourceValue value, string key, bool mayBeZero)
    {
        if (value.Kind != JsonValueKind.Number)
        {
            _reader.Error(value.At, key, $"must be a number of seconds, not {value.KindInWords}");
            return null;
        }

        if (
            double.TryParse(value.Text, CultureInfo.InvariantCulture, out var seconds)
            && double.IsFinite(seconds)
            && (seconds > 0 || (mayBeZero && seconds == 0))
            && seconds <= s_longest.TotalSeconds
        )
        {
            return TimeSpan.FromSeconds(seconds);
        }

        _reader.Error(
            value.At,
            key,
            $"must be {(mayBeZero ? "0 or more" : "more than 0")} seconds, ten years at most, not {value.Text}"
        );
        return null;
    }

    // Each combination, with what it adds to the id, in the order of the file.
    private IEnumerable<(string Suffix, IReadOnlyDictionary<string, string> Values)> Combinations(
        SourceValue value,
        string key
    )
    {
        var axes = new List<(string Name, List<string> Values)>();
        foreach (var member in _reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!PlanText.IsName(member.Name))
            {
                _reader.Error(
                    member.At,
                    path,
                    "is not a name: letters, digits, '_' and '-' only, beginning with a letter"
                );
                yield break;
            }

            if (member.Value.Kind != JsonValueKind.Array || member.Value.Items.IsEmpty)
            {
                _reader.Error(member.Value.At, path, "must be a list of at least one value");
                yield break;
            }

            var values = new List<string>();
            foreach (var item in member.Value.Items)
            {
                if (Value(item, path) is not { } text)
                {
                    yield break;
                }

                if (!PlanText.IsId(text) || values.Contains(text, StringComparer.OrdinalIgnoreCase))
                {
                    _reader.Error(
                        item.At,
                        path,
                        $"has '{text}', which cannot be a part of an id, or stands here twice"
                    );
                    yield break;
                }

                values.Add(text);
            }

            axes.Add((member.Name, values));
        }

        if (axes.Count == 0)
        {
            if (value.Kind == JsonValueKind.Object)
            {
                _reader.Error(value.At, key, "has no values");
            }

            yield break;
        }

        var total = axes.Aggregate(
            1L,
            static (product, axis) => Math.Min(product * axis.Values.Count, int.MaxValue)
        );
        if (total > MostTasks)
        {
            _reader.Error(
                value.At,
                key,
                string.Create(CultureInfo.InvariantCulture, $"makes more than {MostTasks} tasks")
            );
            yield break;
        }

        for (var number = 0L; number < total; number++)
        {
            var rest = number;
            var values = new Dictionary<string, string>(StringComparer.Ordinal);
            for (var i = axes.Count - 1; i >= 0; i--)
            {
                values[axes[i].Name] = axes[i].Values[(int)(rest % axes[i].Values.Count)];
                rest /= axes[i].Values.Count;
            }

            yield return (string.Concat(axes.Select(a => "-" + values[a.Name])), values);
        }
    }

    private static string Item(string key, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{key}[{index}]");
}
