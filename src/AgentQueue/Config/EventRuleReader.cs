using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>Reads what one file of the configuration says about events, and complains through its reader.</summary>
internal sealed class EventRuleReader(ConfigReader reader)
{
    public const string PromptKey = "prompt";
    public const string TriggersKey = "triggers";
    public const string AllOfKey = "allOf";
    public const string CancelOnKey = "cancelOn";
    public const string MaxConcurrentKey = "maxConcurrent";
    public const string OnRetriggerKey = "onRetrigger";
    public const string DebounceKey = "debounceMs";
    public const string DebounceModeKey = "debounceMode";
    public const string KeepHistoryKey = "keepHistory";
    public const string VariablesKey = "vars";
    public const string OutputExtensionKey = "outputExtension";
    public const string LoopDetectionKey = "loopDetection";

    public static readonly TimeSpan DefaultWatchDebounce = TimeSpan.FromMilliseconds(100);

    private const int Most = 1_000_000;
    private const int LongestDebounce = 7 * 24 * 3600 * 1000;
    private const int LongestExtension = 32;

    /// <summary>The keys of an agent that are read here.</summary>
    public static readonly string[] AgentKeys =
    [
        PromptKey,
        TriggersKey,
        AllOfKey,
        CancelOnKey,
        MaxConcurrentKey,
        OnRetriggerKey,
        DebounceKey,
        DebounceModeKey,
        KeepHistoryKey,
        VariablesKey,
        OutputExtensionKey,
        LoopDetectionKey,
    ];

    public static readonly (string Word, OnRetrigger Choice)[] OnRetriggers =
    [
        ("cancel_and_restart", OnRetrigger.CancelAndRestart),
        ("ignore", OnRetrigger.Ignore),
        ("queue", OnRetrigger.Queue),
    ];

    public static readonly (string Word, DebounceMode Choice)[] DebounceModes =
    [
        ("start", DebounceMode.Start),
        ("completion", DebounceMode.Completion),
        ("trailing", DebounceMode.Trailing),
    ];

    public static readonly string[] WatchKeys = ["paths", "ignore", "event", DebounceKey];
    public static readonly string[] ScheduleKeys = ["event", "cron", "every"];
    public static readonly string[] HookKeys = ["event", "run", "url", "notify", "timeout"];

    public AgentDefinition With(
        AgentDefinition agent,
        string name,
        SourceValue value,
        string key
    ) =>
        name switch
        {
            PromptKey => agent with { Prompt = reader.Text(value, key) },
            VariablesKey => agent with
            {
                Variables = ReadVariables(value, key)
                    .ToImmutableSortedDictionary(
                        static v => v.Name,
                        static v => v.Value.Text!,
                        StringComparer.Ordinal
                    ),
            },
            _ => agent with { Events = With(agent.Events, name, value, key) },
        };

    private EventRule With(EventRule rule, string name, SourceValue value, string key) =>
        name switch
        {
            TriggersKey => rule with { Triggers = WithTwins(ReadEvents(value, key)) },
            AllOfKey => rule with
            {
                AllOf = [.. ReadEvents(value, key).Select(e => EventName.TwinOf(e) ?? e)],
            },
            CancelOnKey => rule with { CancelOn = WithTwins(ReadEvents(value, key)) },
            MaxConcurrentKey => rule with
            {
                MaxConcurrent = reader.Whole(value, key, 0, Most) is var most and not 0
                    ? most
                    : null,
            },
            OnRetriggerKey => rule with
            {
                OnRetrigger = reader.Choice<OnRetrigger>(value, key, OnRetriggers) ?? default,
            },
            DebounceKey => rule with { Debounce = ReadDebounce(value, key) },
            DebounceModeKey => rule with
            {
                DebounceMode = reader.Choice<DebounceMode>(value, key, DebounceModes) ?? default,
            },
            KeepHistoryKey => rule with { KeepHistory = ReadKeepHistory(value, key) },
            OutputExtensionKey => rule with { OutputExtension = ReadExtension(value, key) },
            LoopDetectionKey => rule with { LoopDetection = reader.Flag(value, key) ?? true },
            _ => throw new UnreachableException($"{name} is among the known keys and is not read"),
        };

    public int? ReadKeepHistory(SourceValue value, string key) =>
        reader.Whole(value, key, -1, Most);

    /// <summary>Those whose names and values are good.</summary>
    public IEnumerable<SourceMember> ReadVariables(SourceValue value, string key)
    {
        foreach (var member in reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!VariableText.IsName(member.Name))
            {
                reader.Error(member.At, path, Variables.Problem(member.Name, "")!);
            }
            else if (reader.Text(member.Value, path) is not null)
            {
                yield return member;
            }
        }
    }

    /// <summary>What an agent says that does not go together.</summary>
    /// <param name="placeOf">Where a key of it stands, and its path.</param>
    public void Check(AgentDefinition agent, Func<string, (SourcePlace At, string Key)> placeOf)
    {
        var rule = agent.Events;
        if (
            agent.Prompt is null
            && agent.TakesPrompt
            && !(rule.Triggers.IsEmpty && rule.AllOf.IsEmpty)
        )
        {
            var (at, key) = placeOf(rule.Triggers.IsEmpty ? AllOfKey : TriggersKey);
            reader.Error(
                at,
                key,
                "start tasks of an agent that takes a prompt, and nothing says which: write it into the agent, \"prompt\": \"…\", where {{ event }} is what happened"
            );
        }

        if (agent.Prompt is not null && !agent.TakesPrompt)
        {
            Warn(
                PromptKey,
                "is not used, because no argument of the agent has {prompt} or {promptFile}"
            );
        }

        if (rule.DebounceMode != default && rule.Debounce == TimeSpan.Zero)
        {
            Warn(DebounceModeKey, "has no effect without debounceMs");
        }

        if (!rule.LoopDetection)
        {
            Warn(
                LoopDetectionKey,
                "is false, so what the agent's tasks cause may start them again, until a limit ends it"
            );
        }

        void Warn(string key, string message)
        {
            var (at, path) = placeOf(key);
            reader.Warn(at, path, message);
        }
    }

    /// <summary>Doubts about names of events that are about tasks.</summary>
    /// <param name="agents">All that there are, of all files.</param>
    public void CheckNames(
        AgentDefinition agent,
        IReadOnlySet<string> agents,
        Func<string, (SourcePlace At, string Key)> placeOf
    )
    {
        foreach (
            var (list, names) in new[]
            {
                (TriggersKey, agent.Events.Triggers),
                (AllOfKey, agent.Events.AllOf),
                (CancelOnKey, agent.Events.CancelOn),
            }
        )
        {
            foreach (var name in names)
            {
                if (reader.TakesWarnings && DoubtAbout(name, agents) is { } doubt)
                {
                    var (at, key) = placeOf(list);
                    reader.Warn(at, key, doubt);
                }
            }
        }
    }

    private static string? DoubtAbout(string name, IReadOnlySet<string> agents) =>
        !EventName.NamesTask(name, out var kind, out var about) ? null
        : !EventName.OfTasks.Contains(kind, StringComparer.Ordinal)
            ? $"has '{name}', which agentq never tells by itself{Nearest.Suggestion($"task_{kind}", EventName.OfTasks.Select(static k => "task_" + k))}"
        : !agents.Contains(about)
            ? $"has '{name}', which means tasks with --name '{about}', because there is no such agent{Nearest.Suggestion(about, agents.Take(VariableCheck.MostGuesses))}"
        : null;

    // --- the lists of a file ---

    public IEnumerable<WatchRule> ReadWatches(SourceValue value, string key)
    {
        foreach (var (item, path) in ReadItems(value, key))
        {
            ImmutableArray<string> paths = [];
            ImmutableArray<string> ignore = [];
            string? name = null;
            var debounce = DefaultWatchDebounce;
            foreach (var member in reader.Members(item, path, WatchKeys))
            {
                var at = ConfigReader.Path(path, member.Name);
                switch (member.Name)
                {
                    case "paths":
                        paths = ReadFilled(member.Value, at);
                        break;
                    case "ignore":
                        ignore = ReadFilled(member.Value, at);
                        break;
                    case "event":
                        name = ReadEvent(member.Value, at);
                        break;
                    default:
                        debounce = ReadDebounce(member.Value, at);
                        break;
                }
            }

            Require(item, path, "paths", "event");
            if (name is not null && !paths.IsEmpty)
            {
                yield return new WatchRule(paths, ignore, name, debounce);
            }
        }
    }

    public IEnumerable<ScheduleRule> ReadSchedule(SourceValue value, string key)
    {
        foreach (var (item, path) in ReadItems(value, key))
        {
            string? name = null;
            string? cron = null;
            string? every = null;
            foreach (var member in reader.Members(item, path, ScheduleKeys))
            {
                var at = ConfigReader.Path(path, member.Name);
                switch (member.Name)
                {
                    case "event":
                        name = ReadEvent(member.Value, at);
                        break;
                    case "cron":
                        cron = reader.Text(member.Value, at, mayBeEmpty: false);
                        break;
                    default:
                        every = reader
                            .Length(member.Value, at, TimeSpan.FromMinutes(1))
                            ?.TotalSeconds.ToString(CultureInfo.InvariantCulture);
                        break;
                }
            }

            Require(item, path, "event");
            RequireOne(item, path, "cron", "every");
            if (name is null || (cron is null) == (every is null))
            {
                continue;
            }

            if (ScheduleRule.TryMake(name, cron, every, out var rule, out var problem))
            {
                yield return rule;
            }
            else
            {
                reader.Error(item.At, path, problem);
            }
        }
    }

    public IEnumerable<HookRule> ReadHooks(SourceValue value, string key)
    {
        foreach (var (item, path) in ReadItems(value, key))
        {
            string? name = null;
            var timeout = HookRule.DefaultTimeout;
            HookRule? hook = null;
            foreach (var member in reader.Members(item, path, HookKeys))
            {
                var at = ConfigReader.Path(path, member.Name);
                switch (member.Name)
                {
                    case "event":
                        name = ReadEvent(member.Value, at);
                        break;
                    case "timeout":
                        timeout =
                            reader.Length(member.Value, at, TimeSpan.FromSeconds(1)) ?? timeout;
                        break;
                    default:
                        hook = ReadHook(member, at);
                        break;
                }
            }

            Require(item, path, "event");
            RequireOne(item, path, "run", "url", "notify");
            if (name is not null && hook is not null)
            {
                yield return hook with
                {
                    Event = EventName.TwinOf(name) ?? name,
                    Timeout = timeout,
                };
            }
        }
    }

    private HookRule? ReadHook(SourceMember member, string key)
    {
        switch (member.Name)
        {
            case "run":
                var words = reader.Texts(member.Value, key) ?? [];
                if (!words.IsEmpty && words[0].Length > 0)
                {
                    return new HookRule.Program("", words);
                }

                if (member.Value.Kind == JsonValueKind.Array)
                {
                    reader.Error(member.Value.At, key, "must begin with the name of a program");
                }

                return null;
            case "url":
                if (reader.Text(member.Value, key, mayBeEmpty: false) is not { } url)
                {
                    return null;
                }

                if (
                    Uri.TryCreate(url, UriKind.Absolute, out var address)
                    && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps)
                )
                {
                    return new HookRule.Web("", url);
                }

                reader.Error(
                    member.Value.At,
                    key,
                    "must be an address that begins with http:// or https://"
                );
                return null;
            default:
                return reader.Choice<bool>(member.Value, key, [("desktop", true)]) is null
                    ? null
                    : new HookRule.Desktop("");
        }
    }

    // --- single values ---

    private string? ReadEvent(SourceValue value, string key)
    {
        if (reader.Text(value, key) is not { } name)
        {
            return null;
        }

        if (EventName.Problem(name) is { } problem)
        {
            reader.Error(value.At, key, problem);
            return null;
        }

        return EventName.Normalize(name);
    }

    private ImmutableArray<string> ReadEvents(SourceValue value, string key)
    {
        // Complains if it is no list of texts.
        if (reader.Texts(value, key) is null)
        {
            return [];
        }

        var names = ImmutableArray.CreateBuilder<string>(value.Items.Length);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < value.Items.Length; i++)
        {
            if (ReadEvent(value.Items[i], $"{key}[{i}]") is not { } name)
            {
                continue;
            }

            if (!seen.Add(name))
            {
                reader.Warn(value.Items[i].At, $"{key}[{i}]", $"has '{name}' once more");
            }
            else
            {
                names.Add(name);
            }
        }

        return names.ToImmutable();
    }

    private static ImmutableArray<string> WithTwins(ImmutableArray<string> names) =>
        [
            .. names
                .Concat(names.Select(EventName.TwinOf).OfType<string>())
                .Distinct(StringComparer.Ordinal),
        ];

    private TimeSpan ReadDebounce(SourceValue value, string key) =>
        TimeSpan.FromMilliseconds(reader.Whole(value, key, 0, LongestDebounce) ?? 0);

    private string? ReadExtension(SourceValue value, string key)
    {
        if (reader.Text(value, key) is not { } text)
        {
            return null;
        }

        if (
            text.Length is > 1 and <= LongestExtension
            && text[0] == '.'
            && !text.AsSpan(1).ContainsAnyExcept(AgentConfig.InNames)
            && text[^1] != '.'
        )
        {
            return text;
        }

        reader.Error(
            value.At,
            key,
            $"must be a dot and at most {LongestExtension - 1} of A-Z a-z 0-9 . _ -, as in \".txt\""
        );
        return null;
    }

    private ImmutableArray<string> ReadFilled(SourceValue value, string key)
    {
        if (reader.Texts(value, key) is not { } texts)
        {
            return [];
        }

        for (var i = 0; i < texts.Length; i++)
        {
            // Complains about one that is empty.
            _ = reader.Text(value.Items[i], $"{key}[{i}]", mayBeEmpty: false);
        }

        return texts;
    }

    private IEnumerable<(SourceValue Item, string Path)> ReadItems(SourceValue value, string key)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            reader.Error(value.At, key, $"must be a list of objects, not {value.KindInWords}");
            yield break;
        }

        for (var i = 0; i < value.Items.Length; i++)
        {
            yield return (value.Items[i], $"{key}[{i}]");
        }
    }

    private void Require(SourceValue item, string path, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (item.Kind == JsonValueKind.Object && !item.Members.Any(m => m.Name == name))
            {
                reader.Error(item.At, path, $"has no {name}");
            }
        }
    }

    private void RequireOne(SourceValue item, string path, params string[] names)
    {
        if (
            item.Kind == JsonValueKind.Object
            && item.Members.Count(m => names.Contains(m.Name, StringComparer.Ordinal)) != 1
        )
        {
            reader.Error(item.At, path, $"must have exactly one of {string.Join(", ", names)}");
        }
    }
}
