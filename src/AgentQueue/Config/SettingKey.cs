using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>A key of the settings: its name, what it takes and where its value goes. The table is the only place that knows.</summary>
internal sealed class SettingKey
{
    private const string None = "none";
    private static readonly TimeSpan s_oneSecond = TimeSpan.FromSeconds(1);

    public static readonly ImmutableArray<SettingKey> All =
    [
        Whole(
            "parallel",
            1,
            Settings.MostParallel,
            "Tasks that run at once",
            s => s.Parallel,
            (s, v) => s with { Parallel = v }
        ),
        Length(
            "timeout",
            s_oneSecond,
            "Time that a task may take, unless it or its agent says otherwise",
            s => s.Timeout,
            (s, v) => s with { Timeout = v },
            mayBeNone: true
        ),
        Length(
            "timeoutWarning",
            TimeSpan.Zero,
            "How long before its limit a running task counts as near it",
            s => s.TimeoutWarning,
            (s, v) => s with { TimeoutWarning = v }
        ),
        Length(
            "idleTimeout",
            s_oneSecond,
            "Time without output after which a task is stalled",
            s => s.IdleTimeout,
            (s, v) => s with { IdleTimeout = v },
            mayBeNone: true
        ),
        Length(
            "grace",
            TimeSpan.Zero,
            "Time that an agent has to end when it is told to, before it is killed",
            s => s.Grace,
            (s, v) => s with { Grace = v }
        ),
        Whole(
            "maxRetries",
            0,
            Settings.MostRetries,
            "How often a failed task may be retried",
            s => s.MaxRetries,
            (s, v) => s with { MaxRetries = v }
        ),
        Flag(
            "autoRetry",
            "Retry failed tasks without being told to",
            s => s.AutoRetry,
            (s, v) => s with { AutoRetry = v }
        ),
        Whole(
            "logLimit",
            0,
            Settings.LargestLog,
            "Size of a log in MiB beyond which its older half is dropped; 0 for no limit",
            s => s.LogLimit,
            (s, v) => s with { LogLimit = v }
        ),
        Length(
            "archive.completedAfter",
            TimeSpan.Zero,
            "Age at which complete tasks are archived",
            s => s.ArchiveCompletedAfter,
            (s, v) => s with { ArchiveCompletedAfter = v }
        ),
        Length(
            "archive.failedAfter",
            TimeSpan.Zero,
            "Age at which failed tasks are archived",
            s => s.ArchiveFailedAfter,
            (s, v) => s with { ArchiveFailedAfter = v }
        ),
        Length(
            "archive.cancelledAfter",
            TimeSpan.Zero,
            "Age at which cancelled tasks are archived",
            s => s.ArchiveCancelledAfter,
            (s, v) => s with { ArchiveCancelledAfter = v }
        ),
        Whole(
            "queue.maxTasks",
            1,
            Settings.MostQueuedTasks,
            "Tasks in the folder, finished ones too, beyond which start refuses more",
            s => s.MaxQueuedTasks,
            (s, v) => s with { MaxQueuedTasks = v },
            mayBeNone: true
        ),
        Policy(
            "onLimit",
            $"At a usage limit of an agent's account: {LimitPolicy.Words}",
            s => s.OnLimit,
            (s, v) => s with { OnLimit = v }
        ),
        Flag(
            "fsync",
            "Make every change survive a power cut; false only for tests and scratch queues",
            s => s.Fsync,
            (s, v) => s with { Fsync = v }
        ),
    ];

    private readonly JsonValueKind _kind;

    private SettingKey(
        string name,
        string description,
        JsonValueKind kind,
        bool mayBeNone,
        Func<Settings, string> show,
        Func<ConfigReader, SourceValue, Settings, Settings> read
    )
    {
        (Name, Description, _kind, MayBeNone, Show, Read) = (
            name,
            description,
            kind,
            mayBeNone,
            show,
            read
        );
        Path = name.Split('.');
    }

    public string Name { get; }

    public string Description { get; }

    public bool MayBeNone { get; }

    /// <summary>The names in the file from the root down.</summary>
    public string[] Path { get; }

    /// <summary>The value as <c>config set</c> takes it.</summary>
    public Func<Settings, string> Show { get; }

    /// <summary>The settings with this key as the file has it, or unchanged after a complaint.</summary>
    public Func<ConfigReader, SourceValue, Settings, Settings> Read { get; }

    public static IEnumerable<string> Names => All.Select(key => key.Name);

    public static SettingKey? Find(string name) => All.FirstOrDefault(key => key.Name == name);

    /// <summary>What may stand in the object called <paramref name="prefix"/>; the root has an empty name.</summary>
    public static List<string> NamesUnder(string prefix)
    {
        var depth = prefix.Length == 0 ? 0 : prefix.Split('.').Length;
        var names = All.Where(key =>
                depth == 0 || key.Name.StartsWith($"{prefix}.", StringComparison.Ordinal)
            )
            .Select(key => key.Path[depth])
            .Distinct();
        return depth == 0 ? ["$schema", .. names] : [.. names];
    }

    /// <summary>What a user typed, as JSON.</summary>
    /// <exception cref="QueueException">This key does not take it.</exception>
    public string ToJson(string typed)
    {
        typed = typed.Trim();
        var (kind, json) = _kind switch
        {
            JsonValueKind.Number => (JsonValueKind.Number, typed),
            JsonValueKind.True => typed.ToLowerInvariant() switch
            {
                "true" or "yes" or "on" or "1" => (JsonValueKind.True, "true"),
                "false" or "no" or "off" or "0" => (JsonValueKind.False, "false"),
                _ => (JsonValueKind.String, ConfigText.Quote(typed)),
            },
            _ => (JsonValueKind.String, ConfigText.Quote(typed)),
        };
        var reader = new ConfigReader(Settings.FileName);
        Read(reader, new SourceValue(kind, new(1), 0, 0, typed, [], []), Settings.Default);
        return reader.Problems is [var problem, ..]
            ? throw QueueException.Usage(
                $"{Name} {problem.Message}{(MayBeNone ? ", or none" : "")}"
            )
            : Canonical(kind, typed, json);
    }

    // "+5" and "007" are numbers for us and not for JSON.
    private static string Canonical(JsonValueKind kind, string typed, string json) =>
        kind == JsonValueKind.Number
            ? ConfigText.Whole(int.Parse(typed, CultureInfo.InvariantCulture))
            : json;

    private static SettingKey Whole(
        string name,
        int least,
        int most,
        string description,
        Func<Settings, int?> get,
        Func<Settings, int, Settings> with,
        bool mayBeNone = false
    ) =>
        new(
            name,
            description,
            JsonValueKind.Number,
            mayBeNone,
            settings => get(settings) is { } number ? ConfigText.Whole(number) : None,
            (reader, value, settings) =>
                reader.Whole(value, name, least, most) is { } number
                    ? with(settings, number)
                    : settings
        );

    private static SettingKey Length(
        string name,
        TimeSpan least,
        string description,
        Func<Settings, TimeSpan?> get,
        Func<Settings, TimeSpan, Settings> with,
        bool mayBeNone = false
    ) =>
        new(
            name,
            description,
            JsonValueKind.String,
            mayBeNone,
            settings => get(settings) is { } length ? ConfigText.Length(length) : None,
            (reader, value, settings) =>
                reader.Length(value, name, least) is { } length ? with(settings, length) : settings
        );

    private static SettingKey Policy(
        string name,
        string description,
        Func<Settings, LimitPolicy> get,
        Func<Settings, LimitPolicy, Settings> with
    ) =>
        new(
            name,
            description,
            JsonValueKind.String,
            mayBeNone: false,
            settings => get(settings).ToString(),
            (reader, value, settings) =>
            {
                if (reader.Text(value, name) is not { } text)
                {
                    return settings;
                }

                if (LimitPolicy.Parse(text) is { } policy)
                {
                    return with(settings, policy);
                }

                reader.Error(value.At, name, $"must be {LimitPolicy.Words}, not \"{text}\"");
                return settings;
            }
        );

    private static SettingKey Flag(
        string name,
        string description,
        Func<Settings, bool> get,
        Func<Settings, bool, Settings> with
    ) =>
        new(
            name,
            description,
            JsonValueKind.True,
            mayBeNone: false,
            settings => ConfigText.Flag(get(settings)),
            (reader, value, settings) =>
                reader.Flag(value, name) is { } flag ? with(settings, flag) : settings
        );
}
