using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// How this queue works, as <c>.agents/settings.json</c> says; what it does not say has a default, and a
/// missing file says nothing. <see cref="Set"/> makes the new text of the file, which the caller writes.
/// </summary>
internal sealed record Settings
{
    public const string FileName = "settings.json";
    public const int MostParallel = AgentConfigReader.MostParallel;
    public const int MostRetries = 100;
    public const int MostQueuedTasks = 1_000_000;
    public const int LargestLog = 1_000_000;

    public static readonly Settings Default = new();

    /// <summary>Tasks that run at once.</summary>
    public int Parallel { get; init; } = 3;

    /// <summary>For tasks whose agent has none either; null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    public TimeSpan TimeoutWarning { get; init; } = AgentTask.DefaultTimeoutWarning;

    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>Between asking an agent to end (TERM) and ending it (KILL).</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);

    public int MaxRetries { get; init; } = AgentTask.DefaultMaxRetries;

    public bool AutoRetry { get; init; }

    /// <summary>MiB beyond which the older half of a log is dropped; 0 for no limit.</summary>
    public int LogLimit { get; init; } = 100;

    public TimeSpan ArchiveCompletedAfter { get; init; } = TimeSpan.FromDays(30);

    public TimeSpan ArchiveFailedAfter { get; init; } = TimeSpan.FromDays(90);

    public TimeSpan ArchiveCancelledAfter { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Tasks, finished ones too, beyond which no more are taken; null for no limit.</summary>
    public int? MaxQueuedTasks { get; init; }

    /// <summary>What becomes of a task at a usage limit, unless it or its agent says otherwise.</summary>
    public LimitPolicy OnLimit { get; init; } = new(Waits: true);

    /// <summary>False only for tests and scratch queues: a power cut may then lose tasks.</summary>
    public bool Fsync { get; init; } = true;

    /// <exception cref="QueueException">The file cannot be read or has an error.</exception>
    public static Settings Load(string queueFolder)
    {
        var reader = new ConfigReader(NameIn(queueFolder));
        var settings = Read(reader, reader.ReadFile(Path.Join(queueFolder, FileName)));
        ConfigProblem.ThrowIfError(reader.Problems);
        return settings;
    }

    /// <summary>All that is wrong, in the order of the file; empty if all is well or there is no file.</summary>
    public static ImmutableArray<ConfigProblem> Validate(string queueFolder)
    {
        var reader = new ConfigReader(NameIn(queueFolder));
        try
        {
            Read(reader, reader.ReadFile(Path.Join(queueFolder, FileName)));
        }
        catch (QueueException e)
        {
            return
            [
                new ConfigProblem(NameIn(queueFolder), 0, "", ProblemSeverity.Error, e.Message),
            ];
        }

        return [.. reader.Problems.OrderBy(p => p.Line)];
    }

    /// <summary>Every key with its value, in the order in which they are documented.</summary>
    public ImmutableArray<SettingLine> Show() =>
        [
            .. SettingKey.All.Select(key => new SettingLine(
                key.Name,
                key.Show(this),
                key.Show(this) == key.Show(Default),
                key.Description
            )),
        ];

    /// <summary>
    /// The text of the file with <paramref name="key"/> set; its comments and all other keys stay.
    /// <c>default</c>, and <c>none</c> where a key may have no value, take the key away.
    /// </summary>
    /// <param name="existingText">Null if there is no file yet.</param>
    /// <exception cref="QueueException">No such key, a value that it does not take, or a file that is not JSON.</exception>
    public static string Set(string? existingText, string key, string value)
    {
        var setting =
            SettingKey.Find(key)
            ?? throw QueueException.Usage(
                $"There is no setting '{key}'{Nearest.Suggestion(key, SettingKey.Names)}",
                $"There are {string.Join(", ", SettingKey.Names)}"
            );
        var text = string.IsNullOrWhiteSpace(existingText) ? "{}\n" : existingText;
        return value == "default" || (value == "none" && setting.MayBeNone)
            ? JsonEdit.Remove(text, setting.Path, FileName)
            : JsonEdit.Set(text, setting.Path, setting.ToJson(value), FileName);
    }

    internal static Settings Read(ConfigReader reader, SourceValue? root) =>
        root is null ? Default : Read(reader, root, "", Default);

    private static Settings Read(
        ConfigReader reader,
        SourceValue value,
        string prefix,
        Settings settings
    )
    {
        foreach (var member in reader.Members(value, prefix, SettingKey.NamesUnder(prefix)))
        {
            var key = ConfigReader.Path(prefix, member.Name);
            if (SettingKey.Find(key) is { } setting)
            {
                settings = setting.Read(reader, member.Value, settings);
            }
            else if (key != "$schema")
            {
                settings = Read(reader, member.Value, key, settings);
            }
        }

        return settings;
    }

    private static string NameIn(string queueFolder) =>
        $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(queueFolder))}/{FileName}";
}

/// <summary>One line of <c>config show</c>.</summary>
internal sealed record SettingLine(string Key, string Value, bool IsDefault, string Description);
