using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
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

    /// <summary>Those of its matrices counted.</summary>
    public const int MostTasks = 100_000;

    private readonly ConfigReader _reader;
    private readonly PlanValues _values;
    private readonly IReadOnlyDictionary<string, string> _given;
    private readonly List<(PlanTask Task, SourceValue Source)> _tasks = [];
    private ImmutableArray<KeyValuePair<string, string>> _parameters = [];

    private PlanReader(string file, IReadOnlyDictionary<string, string> given)
    {
        _reader = new ConfigReader(file);
        _values = new PlanValues(_reader);
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

    /// <summary>True for a map with a list of tasks that have ids: whoever wrote it means a plan.</summary>
    public static bool LooksLikePlan(ReadOnlySpan<byte> text) =>
        YamlSource.Parse(text, out _) is { Kind: JsonValueKind.Object } root
        && root.Members.FirstOrDefault(static m => m.Name == "tasks")
            is { Value.Items: { IsDefaultOrEmpty: false } tasks }
        && tasks.All(static t =>
            t.Kind == JsonValueKind.Object && t.Members.Any(static m => m.Name == "id")
        );

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

        var members = _reader
            .Members(root, "", RootKeys)
            .Where(static m => m.Value.Kind != JsonValueKind.Null)
            .ToDictionary(static m => m.Name);
        SourceValue? Find(string key) => members.GetValueOrDefault(key)?.Value;
        // What follows may be named in every text below.
        ReadParameters(Find("params"), root);
        var scope = PlanText.InTask(
            _parameters.ToDictionary(StringComparer.Ordinal),
            PlanText.Nothing
        );
        var agent = Find("agent") is { } named ? _values.AgentName(named, "agent", scope) : null;
        var plan = new Plan
        {
            Goal = Find("goal") is { } goal ? _values.Filled(goal, "goal", scope) : null,
            ArtifactsFolder = Find("artifacts_dir") is { } folder
                ? _values.Filled(folder, "artifacts_dir", scope)
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

        // What was read in part would only make complaints about tasks that are not there.
        return ReadTasks(tasks, new PlanTaskReader(_reader, _values, _parameters, agent))
            ? plan with
            {
                Tasks = PlanGraph.Link(_tasks, _reader),
            }
            : null;
    }

    private void ReadParameters(SourceValue? source, SourceValue root)
    {
        var values = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        if (source is not null)
        {
            foreach (var member in _reader.Members(source, "params", known: null))
            {
                var key = ConfigReader.Path("params", member.Name);
                if (!_values.IsName(member, key))
                {
                    continue;
                }

                if (_given.TryGetValue(member.Name, out var given))
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
                else if (_values.Value(member.Value, key) is { } text)
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

    /// <returns>False if it stopped before the last task.</returns>
    private bool ReadTasks(SourceValue tasks, PlanTaskReader nodes)
    {
        if (tasks.Kind != JsonValueKind.Array)
        {
            _reader.Error(tasks.At, "tasks", $"must be a list, not {tasks.KindInWords}");
            return false;
        }

        if (tasks.Items.IsEmpty)
        {
            _reader.Error(tasks.At, "tasks", "is empty: a plan has at least one task");
            return false;
        }

        for (var i = 0; i < tasks.Items.Length; i++)
        {
            ReadTask(
                nodes,
                tasks.Items[i],
                string.Create(CultureInfo.InvariantCulture, $"tasks[{i}]")
            );
            if (_values.IsSpent || _reader.IsFull)
            {
                return false;
            }

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
                return false;
            }
        }

        return true;
    }

    private void ReadTask(PlanTaskReader nodes, SourceValue source, string key)
    {
        var members = new Dictionary<string, SourceValue>(StringComparer.Ordinal);
        foreach (var member in _reader.Members(source, key, PlanTaskReader.Keys))
        {
            // Nothing behind a key is as good as no key.
            if (member.Value.Kind != JsonValueKind.Null)
            {
                members[member.Name] = member.Value;
            }
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

        if (_values.Id(idSource, key + ".id") is not { } id)
        {
            return;
        }

        // From here on people know it by its id.
        key = $"tasks.{id}";
        if (!members.TryGetValue("matrix", out var matrix))
        {
            _tasks.Add((nodes.Read(id, key, source, members, PlanText.Nothing), source));
            return;
        }

        foreach (
            var (suffix, combination) in PlanMatrix.Combinations(
                matrix,
                key + ".matrix",
                _reader,
                _values
            )
        )
        {
            var task = nodes.Read(id + suffix, key, source, members, combination);
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
            if (_values.IsSpent || _reader.IsFull)
            {
                return;
            }
        }
    }
}
