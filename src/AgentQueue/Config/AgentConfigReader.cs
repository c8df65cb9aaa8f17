using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// Reads the agents of one <c>agent-config.json</c>, with the files that it includes, and all that concerns them,
/// and collects everything that is wrong with it.
/// What only the disk or the PATH can tell is asked for by <see cref="CheckSurroundings"/>, so that
/// loading for a launch costs one file.
/// </summary>
internal sealed partial class AgentConfigReader(string file, bool onWindows)
{
    public const string CommandKey = "command";
    public const string ArgsKey = "args";
    public const string DescriptionKey = "description";
    public const string PromptTemplateKey = "promptTemplate";
    public const string PromptTemplateFileKey = "promptTemplateFile";
    public const string PromptViaKey = "promptVia";
    public const string EnvKey = "env";
    public const string CwdKey = "cwd";
    public const string TimeoutKey = "timeout";
    public const string IdleTimeoutKey = "idleTimeout";
    public const string CompletionKey = "completion";
    public const string ExitGraceKey = "exitGrace";
    public const string MaxParallelKey = "maxParallel";
    public const string KeepChildrenKey = "keepChildren";

    public const int MostParallel = 1000;

    public static readonly string[] RootKeys =
    [
        "$schema",
        ConfigFiles.IncludeKey,
        "variables",
        EventRuleReader.KeepHistoryKey,
        "agents",
        "watch",
        "schedule",
        "on",
        BudgetRuleReader.RootKey,
        WorktreeRuleReader.RootKey,
    ];

    /// <summary>The keys of an agent; docs/agent-config.schema.json has the same, which a test compares.</summary>
    public static readonly string[] AgentKeys =
    [
        CommandKey,
        ArgsKey,
        DescriptionKey,
        PromptTemplateKey,
        PromptTemplateFileKey,
        PromptViaKey,
        EnvKey,
        CwdKey,
        TimeoutKey,
        IdleTimeoutKey,
        CompletionKey,
        ExitGraceKey,
        MaxParallelKey,
        KeepChildrenKey,
        .. AgentWorkReader.AgentKeys,
        WorktreeRuleReader.AgentKey,
        .. EventRuleReader.AgentKeys,
    ];

    public static readonly (string Word, PromptVia Choice)[] PromptVias =
    [
        ("arg", PromptVia.Arg),
        ("stdin", PromptVia.Stdin),
        ("file", PromptVia.File),
    ];

    public static readonly (string Word, Completion Choice)[] Completions =
    [
        ("auto", Completion.Auto),
        ("exit", Completion.Exit),
        ("sentinel", Completion.Sentinel),
    ];

    private static readonly TimeSpan s_oneSecond = TimeSpan.FromSeconds(1);

    private readonly List<(
        AgentDefinition Agent,
        SourceMember Source,
        ConfigReader Reader
    )> _agents = [];
    private readonly Dictionary<string, (SourceMember Source, ConfigReader Reader)> _names = new(
        StringComparer.Ordinal
    );
    private readonly SortedDictionary<
        string,
        (SourceMember Source, ConfigReader Reader)
    > _variables = new(StringComparer.Ordinal);
    private readonly List<(BudgetRuleReader Budgets, ConfigReader Reader)> _ofBudgets = [];
    private (int Value, SourceMember Source, ConfigReader Reader)? _keepHistory;
    private IReadOnlyList<ConfigReader> _readers = [];

    // Of the file that is looked at.
    private ConfigReader _reader = new(file);

    /// <summary>File by file, in the order in which they were come upon.</summary>
    public IEnumerable<ConfigProblem> Problems => _readers.SelectMany(static r => r.Problems);

    public ImmutableSortedDictionary<string, AgentDefinition> Agents =>
        _agents.ToImmutableSortedDictionary(
            a => a.Agent.Name,
            a => a.Agent,
            StringComparer.Ordinal
        );

    public ImmutableSortedDictionary<string, string> Variables =>
        _variables.ToImmutableSortedDictionary(
            static v => v.Key,
            static v => v.Value.Source.Value.Text!,
            StringComparer.Ordinal
        );

    /// <summary>−1 for all.</summary>
    public int KeepHistory => _keepHistory?.Value ?? -1;

    public List<WatchRule> Watches { get; } = [];

    public List<ScheduleRule> Schedule { get; } = [];

    public List<HookRule> Hooks { get; } = [];

    public List<BudgetRule> Budgets { get; } = [];

    public WorktreeRule Worktrees { get; private set; } = WorktreeRule.None;

    /// <param name="opening">Told of each file, absolute, before it is opened.</param>
    /// <exception cref="QueueException">A file cannot be read, or is somebody else's, whose commands are not run.</exception>
    public void ReadFile(string projectRoot, Action<string>? opening = null)
    {
        var files = new ConfigFiles(projectRoot, opening);
        files.Read(file);
        _readers = files.Readers;
        foreach (var (reader, root) in files.Files)
        {
            _reader = reader;
            Read(root);
        }

        CheckTogether();
    }

    public void ReadText(ReadOnlySpan<byte> json)
    {
        _readers = [_reader];
        if (_reader.ReadRoot(json) is { } root)
        {
            Read(root);
        }
    }

    private void Read(SourceValue root)
    {
        var events = new EventRuleReader(_reader);
        foreach (var member in _reader.Members(root, "", RootKeys))
        {
            switch (member.Name)
            {
                case "agents":
                    foreach (var agent in _reader.Members(member.Value, member.Name, known: null))
                    {
                        ReadAgent(agent);
                    }

                    break;
                case "variables":
                    foreach (var variable in events.ReadVariables(member.Value, member.Name))
                    {
                        ReadVariable(variable);
                    }

                    break;
                case EventRuleReader.KeepHistoryKey:
                    ReadKeepHistory(member, events);
                    break;
                case "watch":
                    Watches.AddRange(events.ReadWatches(member.Value, member.Name));
                    break;
                case "schedule":
                    Schedule.AddRange(events.ReadSchedule(member.Value, member.Name));
                    break;
                case WorktreeRuleReader.RootKey:
                    Worktrees = new WorktreeRuleReader(_reader).Add(Worktrees, member);
                    break;
                case BudgetRuleReader.RootKey:
                    var budgets = new BudgetRuleReader(_reader);
                    Budgets.AddRange(budgets.Read(member.Value, member.Name));
                    _ofBudgets.Add((budgets, _reader));
                    break;
                case "on":
                    Hooks.AddRange(events.ReadHooks(member.Value, member.Name));
                    break;
            }
        }
    }

    private void ReadVariable(SourceMember variable)
    {
        if (
            _variables.TryGetValue(variable.Name, out var other)
            && other.Source.Value.Text != variable.Value.Text
        )
        {
            WarnOfOther(variable, $"variables.{variable.Name}", other.Source, other.Reader);
        }

        _variables[variable.Name] = (variable, _reader);
    }

    private void ReadKeepHistory(SourceMember member, EventRuleReader events)
    {
        if (events.ReadKeepHistory(member.Value, member.Name) is not { } number)
        {
            return;
        }

        if (_keepHistory is { } other && other.Value != number)
        {
            WarnOfOther(member, member.Name, other.Source, other.Reader);
        }

        _keepHistory = (number, member, _reader);
    }

    private void WarnOfOther(
        SourceMember member,
        string key,
        SourceMember other,
        ConfigReader otherReader
    ) =>
        _reader.Warn(
            member.At,
            key,
            $"is {member.Value.Text} here and {other.Value.Text} in {otherReader.FileName}:{other.Line}; what is here counts"
        );

    /// <summary>What only all files together tell: variables, names that are referred to.</summary>
    public void CheckTogether()
    {
        var ofProject = Variables;
        var circle = VariableCheck.CircleIn(ofProject, ofProject.Keys);
        if (circle is not null)
        {
            var (source, reader) = _variables[
                circle[..circle.IndexOf(' ', StringComparison.Ordinal)]
            ];
            reader.Error(source.At, $"variables.{source.Name}", $"leads in a circle: {circle}");
        }

        var agents = _names.Keys.Append(AgentDefinition.Shell).ToHashSet(StringComparer.Ordinal);
        foreach (var (agent, source, reader) in _agents)
        {
            new EventRuleReader(reader).CheckNames(agent, agents, key => PlaceOf(source, key));
            if (
                VariableCheck.CircleIn(ofProject.SetItems(agent.Variables), agent.Variables.Keys)
                    is { } own
                && own != circle
            )
            {
                Tell(reader.Error, EventRuleReader.VariablesKey, $"lead in a circle: {own}");
            }

            new VariableCheck(
                agent,
                ofProject,
                (key, message) => Tell(reader.Error, key, message),
                reader.TakesWarnings ? (key, message) => Tell(reader.Warn, key, message) : null
            ).Check();

            // A key may lead further: args[1], env.NAME.
            void Tell(Action<SourcePlace, string, string> say, string key, string message)
            {
                var end = key.AsSpan().IndexOfAny('[', '.');
                var (at, path) = PlaceOf(source, end < 0 ? key : key[..end]);
                say(at, end < 0 ? path : path + key[end..], message);
            }
        }
    }

    private void ReadAgent(SourceMember source)
    {
        var key = KeyOf(source.Name);
        if (!AgentConfig.IsName(source.Name))
        {
            _reader.Error(
                source.At,
                key,
                "is not a name for an agent: it must begin with a letter or a digit and have at most 64 of A-Z a-z 0-9 . _ -"
            );
        }

        var agent = new AgentDefinition { Name = source.Name, Command = "" };
        var hasCommand = source.Value.Kind != JsonValueKind.Object;
        foreach (var member in _reader.Members(source.Value, key, AgentKeys))
        {
            hasCommand |= member.Name is CommandKey or AgentWorkReader.AdapterKey;
            agent = With(agent, member.Name, member.Value, ConfigReader.Path(key, member.Name));
        }

        if (!hasCommand)
        {
            _reader.Error(source.At, key, "has no command, and no adapter that knows one");
        }

        if (!_names.TryAdd(agent.Name, (source, _reader)))
        {
            var (first, reader) = _names[agent.Name];
            _reader.Error(
                source.At,
                key,
                $"stands in {reader.FileName}:{first.Line} too; give one of them another name"
            );
        }
        else if (agent.Work.Adapter is not null)
        {
            WarnAboutTheTemplate(agent, source);
            new EventRuleReader(_reader).Check(agent, name => PlaceOf(source, name));
            _agents.Add((agent, source, _reader));
        }
        else if (agent.Command.Length > 0)
        {
            WarnAboutThePrompt(agent, source);
            WarnAboutTheTemplate(agent, source);
            new EventRuleReader(_reader).Check(agent, name => PlaceOf(source, name));
            _agents.Add((agent, source, _reader));
        }
    }

    private AgentDefinition With(
        AgentDefinition agent,
        string name,
        SourceValue value,
        string key
    ) =>
        name switch
        {
            CommandKey => agent with
            {
                Command = _reader.Text(value, key, mayBeEmpty: false) ?? "",
            },
            ArgsKey => agent with { Args = _reader.Texts(value, key) ?? [] },
            DescriptionKey => agent with { Description = _reader.Text(value, key) },
            PromptTemplateKey => agent with { PromptTemplate = _reader.Text(value, key) },
            PromptTemplateFileKey => agent with
            {
                PromptTemplateFile = _reader.Text(value, key, mayBeEmpty: false),
            },
            PromptViaKey => agent with
            {
                PromptVia = _reader.Choice<PromptVia>(value, key, PromptVias) ?? default,
            },
            EnvKey => agent with { Environment = ReadEnvironment(value, key) },
            CwdKey => agent with { Cwd = _reader.Text(value, key, mayBeEmpty: false) },
            TimeoutKey => agent with { Timeout = _reader.Length(value, key, s_oneSecond) },
            IdleTimeoutKey => agent with { IdleTimeout = _reader.Length(value, key, s_oneSecond) },
            CompletionKey => agent with
            {
                Completion = _reader.Choice<Completion>(value, key, Completions) ?? default,
            },
            ExitGraceKey => agent with
            {
                ExitGrace = _reader.Length(value, key, TimeSpan.Zero) ?? agent.ExitGrace,
            },
            MaxParallelKey => agent with
            {
                MaxParallel = _reader.Whole(value, key, 1, MostParallel),
            },
            KeepChildrenKey => agent with { KeepChildren = _reader.Flag(value, key) ?? false },
            _ when AgentWorkReader.AgentKeys.Contains(name) => agent with
            {
                Work = new AgentWorkReader(_reader).With(agent.Work, name, value, key),
            },
            WorktreeRuleReader.AgentKey => new WorktreeRuleReader(_reader).With(agent, value, key),
            _ => new EventRuleReader(_reader).With(agent, name, value, key),
        };

    private ImmutableSortedDictionary<string, string?> ReadEnvironment(
        SourceValue value,
        string key
    )
    {
        var environment = AgentEnvironment.NoOverrides.ToBuilder();
        foreach (var member in _reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!AgentEnvironment.IsName(member.Name))
            {
                _reader.Error(member.At, path, "is not a name for an environment variable");
            }
            else if (AgentEnvironment.IsOurs(member.Name))
            {
                _reader.Error(member.At, path, "cannot be set: agentq sets it for every agent");
            }
            else if (member.Value.Kind == JsonValueKind.Null)
            {
                environment[member.Name] = null;
            }
            else if (_reader.Text(member.Value, path) is { } text)
            {
                if (AgentEnvironment.HasMalformedReference(text))
                {
                    _reader.Error(
                        member.Value.At,
                        path,
                        "has a ${…} that is not the name of a variable"
                    );
                }

                environment[member.Name] = text;
            }
        }

        return environment.ToImmutable();
    }

    private void WarnAboutThePrompt(AgentDefinition agent, SourceMember source)
    {
        var (at, key) = PlaceOf(source, ArgsKey);
        for (var i = 0; i < agent.Args.Length; i++)
        {
            foreach (
                var name in Placeholders.Unknown(
                    VariableText.Without(agent.Args[i]),
                    Placeholders.InArgs
                )
            )
            {
                var guess = name == Placeholders.UserPrompt ? Placeholders.Prompt : null;
                guess ??= Nearest.To(name, Placeholders.InArgs);
                _reader.Warn(
                    at,
                    $"{key}[{i}]",
                    $"has {{{name}}}, which is not a placeholder and stays as it is"
                        + (guess is null ? "" : $"; did you mean {{{guess}}}?")
                );
            }

            if (MayReadThePromptAsAnOption(agent, i))
            {
                _reader.Warn(
                    at,
                    $"{key}[{i}]",
                    "takes a prompt that begins with '-' for an option; put \"--\" before {prompt}, write \"--option={prompt}\", or set promptVia to stdin"
                );
            }
        }

        var hasPrompt = agent.Args.Any(a => Placeholders.InArgument(a, Placeholders.Prompt));
        var hasFile = agent.Args.Any(a => Placeholders.InArgument(a, Placeholders.PromptFile));
        var doubt = agent.PromptVia switch
        {
            PromptVia.Arg when agent.Events.Listens && !agent.TakesPrompt => null,
            PromptVia.Arg when !hasPrompt && !hasFile =>
                "has no {prompt}, so the agent never gets its prompt; add it, or set promptVia to stdin, unless it is a job that needs none",
            PromptVia.File when !hasFile =>
                "has no {promptFile}, so the agent does not learn where its prompt is",
            PromptVia.Stdin when hasPrompt =>
                "has {prompt} although promptVia is stdin, so the agent gets its prompt twice",
            PromptVia.Arg or PromptVia.File or PromptVia.Stdin => null,
            _ => throw new UnreachableException(),
        };
        if (doubt is not null)
        {
            _reader.Warn(at, key, doubt);
        }

        if (onWindows && agent.PromptVia == PromptVia.Arg)
        {
            RefuseBatchFile(agent.Command, source);
        }
    }

    // Only an argument that begins with the prompt can begin with the prompt's dash. sh looks for options
    // behind -c too; cmd takes what follows /c as it is.
    private static bool MayReadThePromptAsAnOption(AgentDefinition agent, int index) =>
        agent.Args[index].StartsWith($"{{{Placeholders.Prompt}}}", StringComparison.Ordinal)
        && !agent.Args[..index].Contains("--")
        && !(
            index > 0
            && agent.Args[index - 1] is "/c" or "/C"
            && Path.GetFileNameWithoutExtension(agent.Command)
                .Equals("cmd", StringComparison.OrdinalIgnoreCase)
        );

    private void WarnAboutTheTemplate(AgentDefinition agent, SourceMember source)
    {
        if (agent.PromptTemplate is not { } template)
        {
            return;
        }

        var (at, key) = PlaceOf(source, PromptTemplateKey);
        if (agent.PromptTemplateFile is not null)
        {
            _reader.Warn(at, key, "is not used, because promptTemplateFile is set too");
        }
        else
        {
            WarnIfThePromptIsLost(template, at, key);
        }
    }

    private void WarnIfThePromptIsLost(string template, SourcePlace at, string key)
    {
        if (
            !Placeholders.Contains(template, Placeholders.UserPrompt)
            && !Placeholders.Contains(template, Placeholders.Prompt)
        )
        {
            _reader.Warn(
                at,
                key,
                "has no {userPrompt}, so the agent is not told what the user asked for"
            );
        }
    }

    private static (SourcePlace At, string Key) PlaceOf(SourceMember agent, string key) =>
        (
            agent.Value.Members.FirstOrDefault(m => m.Name == key)?.At ?? agent.At,
            ConfigReader.Path(KeyOf(agent.Name), key)
        );

    private static string KeyOf(string agent) => $"agents.{agent}";
}
