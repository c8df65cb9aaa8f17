using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>One <c>[[command]]</c> of the older tool.</summary>
internal sealed record ForeignCommand(
    string Name,
    EventFile File,
    SourcePlace At,
    SourceValue Value
)
{
    public SourceValue? Find(string key) => Value.Members.FirstOrDefault(m => m.Name == key)?.Value;

    /// <summary>It says no folder: that of the host program counted there.</summary>
    public bool RunsAnywhere => Find(CommandTranslation.CwdKey) is null;

    /// <summary>The names of the variables of its own.</summary>
    public IEnumerable<string> VariableNames =>
        Find(CommandTranslation.VarsKey)?.Members.Select(static m => m.Name) ?? [];
}

/// <summary>
/// Makes an agent of a command: the members of its entry in <c>agent-config.json</c>, and what is to be
/// told about it. A value that cannot be right is a problem, and the command is then left alone.
/// </summary>
/// <param name="variables">The variables of all files, translated.</param>
internal sealed class CommandTranslation(
    ForeignCommand command,
    ForeignNames names,
    IReadOnlyDictionary<string, string> variables,
    string projectRoot,
    bool onWindows
)
{
    public const string NameKey = "name";
    public const string VarsKey = "vars";
    private const string CommandKey = "command";
    private const string TriggersKey = "triggers";
    private const string CancelKey = "cancel_on_triggers";
    private const string ConcurrentKey = "max_concurrent";
    private const string RetriggerKey = "on_retrigger";
    private const string TimeoutKey = "timeout_secs";
    private const string DebounceKey = "debounce_in_ms";
    private const string DebounceModeKey = "debounce_mode";
    private const string MemoryKey = "keep_in_memory";
    private const string HistoryKey = "keep_history";
    private const string ExtensionKey = "output_extension";
    public const string CwdKey = "cwd";
    private const string EnvKey = "env";
    private const string LoopKey = "loop_detection";

    private static readonly string[] s_keys =
    [
        NameKey,
        CommandKey,
        TriggersKey,
        CancelKey,
        ConcurrentKey,
        RetriggerKey,
        TimeoutKey,
        DebounceKey,
        DebounceModeKey,
        MemoryKey,
        HistoryKey,
        ExtensionKey,
        VarsKey,
        CwdKey,
        EnvKey,
        LoopKey,
    ];

    // Here nothing starts and ends with a host program.
    private static readonly string[] s_eventsOfHost =
    [
        "orchestrator_started",
        "orchestrator_shutdown",
    ];

    private readonly ConfigReader _reader = new(command.File.ShownAs);
    private readonly List<(string Key, string Json)> _members = [];
    private readonly Dictionary<string, string> _own = new(StringComparer.Ordinal);

    public string Agent { get; } = names.AgentOf(command.Name);

    /// <summary>The entry of the agent, as JSON; it begins in a line at <c>agents</c>' members' depth.</summary>
    public string Json
    {
        get
        {
            var lines = _members.Select(static m => $"      {ConfigText.Quote(m.Key)}: {m.Json}");
            return $"{{\n{string.Join(",\n", lines)}\n    }}";
        }
    }

    /// <summary>What is not as it was there, and why.</summary>
    public List<string> Changes { get; } = [];

    public IEnumerable<ConfigProblem> Errors => _reader.Problems.Where(static p => p.IsError);

    /// <param name="extension">Of the output of all commands that say nothing else, or null.</param>
    public void Translate(string? extension)
    {
        if (Agent != command.Name)
        {
            Changes.Add($"it was called '{command.Name}', which is not a name for an agent here");
        }

        foreach (var member in command.Value.Members.Where(m => !s_keys.Contains(m.Name)))
        {
            Changes.Add(
                $"{Place(member)}: {member.Name} is not a known key{Nearest.Suggestion(member.Name, s_keys)}; it was left out"
            );
        }

        ReadVariables();
        ReadCommand();
        ReadTriggers();
        ReadCancelOn();
        ReadLimits();
        if (_own.Count > 0)
        {
            Add("vars", OneLine(_own));
        }

        ReadEnvironment();
        ReadFolder();
        ReadExtension(extension);
        if (Find(LoopKey) is { } loop && _reader.Flag(loop, LoopKey) is { } detect)
        {
            Add("loopDetection", ConfigText.Flag(detect));
        }

        if (Find(MemoryKey) is not null)
        {
            Changes.Add($"{MemoryKey} has no use here, where nothing stays in memory");
        }
    }

    private void ReadVariables()
    {
        foreach (var (name, text) in Texts(VarsKey))
        {
            if (!ForeignTemplate.IsName(name))
            {
                Changes.Add(
                    $"{VarsKey}.{name} could not be used there by that name; it was left out"
                );
                continue;
            }

            var template = Template();
            _own[name] = template.Text(text);
            TellMissing(template);
        }
    }

    private void ReadCommand()
    {
        if (Find(CommandKey) is not { } value)
        {
            _reader.Error(command.At, CommandKey, "is missing: it names what to run");
            return;
        }

        if (_reader.Text(value, CommandKey, mayBeEmpty: false) is not { } text)
        {
            return;
        }

        var template = Template();
        var script = template.Command(text);
        TellMissing(template);
        foreach (var name in template.Bare.Where(n => MeansMore(n, [])))
        {
            Changes.Add(
                $"{{{{ {name} }}}} is one quoted word in the command here; where the shell is to read what it holds, write {{{{ {name} | raw }}}}"
            );
        }

        foreach (var name in Placeholders.InArgs.Where(n => Placeholders.Contains(script, n)))
        {
            Changes.Add($"{{{name}}} in its command was plain text and is replaced here");
        }

        // What begins like an option is no script to sh.
        script = script is ['-' or '+', ..] && !onWindows ? $" {script}" : script;
        Add(AgentConfigReader.CommandKey, ConfigText.Quote(onWindows ? "cmd" : "sh"));
        Add(
            AgentConfigReader.ArgsKey,
            $"[{ConfigText.Quote(onWindows ? "/c" : "-c")}, {ConfigText.Quote(script)}]"
        );
    }

    private void ReadTriggers()
    {
        if (Find(TriggersKey) is not { } value)
        {
            Add("triggers", List([EventName.Problem(command.Name) is null ? command.Name : Agent]));
            return;
        }

        if (Events(value, TriggersKey) is { Length: > 0 } triggers)
        {
            Add("triggers", List(triggers));
            foreach (var name in triggers.Intersect(s_eventsOfHost))
            {
                Changes.Add(
                    $"{name} does not happen by itself here, where no program stays; make it with: agentq trigger {name}"
                );
            }
        }
    }

    private void ReadCancelOn()
    {
        if (Find(CancelKey) is { } value && Events(value, CancelKey) is { Length: > 0 } events)
        {
            Add("cancelOn", List(events));
        }
    }

    private void ReadLimits()
    {
        AddWhole(ConcurrentKey, "maxConcurrent", 0);
        AddWord(RetriggerKey, "onRetrigger", "cancel_and_restart", "ignore");
        if (Find(DebounceKey) is { Text: ['-', ..] })
        {
            Changes.Add($"{DebounceKey} was negative, which meant nothing; it was left out");
        }
        else
        {
            AddWhole(DebounceKey, "debounceMs", 0);
        }

        AddWord(DebounceModeKey, "debounceMode", "start", "completion");
        ReadTimeout();
        AddWhole(HistoryKey, "keepHistory", -1);
    }

    private void ReadTimeout()
    {
        if (Find(TimeoutKey) is not { } value)
        {
            return;
        }

        if (
            value.Kind != JsonValueKind.Number
            || !double.TryParse(
                value.Text,
                NumberStyles.Float,
                CultureInfo.InvariantCulture,
                out var seconds
            )
            || !(seconds > 0 && seconds <= Duration.Longest.TotalSeconds)
        )
        {
            _reader.Error(
                value.At,
                TimeoutKey,
                $"must be a number of seconds above 0 and at most ten years, not {value.Text ?? value.KindInWords}"
            );
            return;
        }

        var whole = TimeSpan.FromSeconds(Math.Ceiling(seconds));
        Add(AgentConfigReader.TimeoutKey, ConfigText.Quote(ConfigText.Length(whole)));
        if (whole.TotalSeconds > seconds)
        {
            Changes.Add(
                $"{TimeoutKey} {value.Text} is {ConfigText.Length(whole)} here: limits are whole seconds"
            );
        }
    }

    private void ReadEnvironment()
    {
        var environment = new Dictionary<string, string>(AgentEnvironment.Names);
        foreach (var (name, text) in Texts(EnvKey))
        {
            if (!AgentEnvironment.IsName(name) || AgentEnvironment.IsOurs(name))
            {
                Changes.Add($"{EnvKey}.{name} cannot be set here; it was left out");
                continue;
            }

            var template = Template();
            environment[name] = template.Text(text);
            TellMissing(template);
            var replaced = new SortedSet<string>(StringComparer.Ordinal);
            AgentEnvironment.Expand(
                environment[name],
                n =>
                {
                    replaced.Add(n);
                    return "";
                },
                out _
            );
            foreach (var variable in replaced)
            {
                Changes.Add(
                    $"${{{variable}}} in {EnvKey}.{name} was plain text and is replaced here"
                );
            }
        }

        if (environment.Count > 0)
        {
            Add(AgentConfigReader.EnvKey, OneLine(environment));
        }
    }

    private void ReadFolder()
    {
        if (
            Find(CwdKey) is not { } value
            || _reader.Text(value, CwdKey, mayBeEmpty: false) is not { } cwd
        )
        {
            return;
        }

        var full = Path.GetFullPath(cwd, command.File.Folder);
        var inProject = Path.GetRelativePath(projectRoot, full);
        var isInside =
            !Path.IsPathRooted(inProject)
            && inProject != ".."
            && !inProject.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal);
        if (inProject != ".")
        {
            Add(
                AgentConfigReader.CwdKey,
                ConfigText.Quote(isInside ? inProject.Replace('\\', '/') : full)
            );
        }
    }

    private void ReadExtension(string? forAll)
    {
        var extension = Find(ExtensionKey) is { } value
            ? ForeignEvents.Extension(_reader, value, ExtensionKey)
            : forAll;
        if (extension is not null)
        {
            Add("outputExtension", ConfigText.Quote(extension));
        }
    }

    private ForeignTemplate Template()
    {
        var own = command.VariableNames.ToHashSet(StringComparer.Ordinal);
        return new ForeignTemplate(name => variables.ContainsKey(name) || own.Contains(name));
    }

    private void TellMissing(ForeignTemplate template)
    {
        foreach (var name in template.Missing)
        {
            Changes.Add(
                $"nothing in the file says what {{{{ {name} }}}} is; give it with --var {name}=VALUE"
            );
        }
    }

    private bool MeansMore(string name, HashSet<string> seen) =>
        (_own.TryGetValue(name, out var text) || variables.TryGetValue(name, out text))
        && seen.Add(name)
        && (
            ForeignTemplate.MeansMore(text)
            || ForeignTemplate.NamesIn(text).Any(n => MeansMore(n, seen))
        );

    private ImmutableArray<string>? Events(SourceValue value, string key)
    {
        if (_reader.Texts(value, key) is not { } events)
        {
            return null;
        }

        for (var i = 0; i < events.Length; i++)
        {
            if (events[i].Length == 0 || events[i].Any(char.IsControl))
            {
                _reader.Error(
                    value.Items[i].At,
                    string.Create(CultureInfo.InvariantCulture, $"{key}[{i}]"),
                    "must be the name of an event: some text, without control characters"
                );
                return null;
            }
        }

        return [.. events.Select(names.EventOf).Distinct(StringComparer.Ordinal)];
    }

    private IEnumerable<(string Name, string Text)> Texts(string key)
    {
        if (Find(key) is not { } table)
        {
            yield break;
        }

        foreach (var member in _reader.Members(table, key, known: null))
        {
            if (
                ForeignEvents.Text(_reader, member.Value, ConfigReader.Path(key, member.Name)) is
                { } text
            )
            {
                yield return (member.Name, text);
            }
        }
    }

    private void AddWhole(string from, string key, int least)
    {
        if (
            Find(from) is { } value
            && _reader.Whole(value, from, least, int.MaxValue) is { } number
        )
        {
            Add(key, ConfigText.Whole(number));
        }
    }

    private void AddWord(string from, string key, string first, string second)
    {
        if (
            Find(from) is { } value
            && _reader.Choice<bool>(value, from, [(first, true), (second, false)]) is { } isFirst
        )
        {
            Add(key, ConfigText.Quote(isFirst ? first : second));
        }
    }

    private void Add(string key, string json) => _members.Add((key, json));

    private SourceValue? Find(string key) => command.Find(key);

    private string Place(SourceMember member) => command.File.PlaceOf(member.At);

    private static string List(IEnumerable<string> texts) =>
        $"[{string.Join(", ", texts.Select(ConfigText.Quote))}]";

    private static string OneLine(Dictionary<string, string> texts) =>
        $"{{ {string.Join(", ", texts.Select(static t => $"{ConfigText.Quote(t.Key)}: {ConfigText.Quote(t.Value)}"))} }}";
}
