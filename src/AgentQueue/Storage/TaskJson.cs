using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Storage;

/// <summary>
/// The task file of docs/format.md. Writing is exact; reading is lenient towards what older tools wrote
/// (times without zone, pids as text, errors of any JSON type) and keeps members it does not know. What
/// cannot be understood at all is a <see cref="FormatException"/> whose message is the reason.
/// </summary>
internal static partial class TaskJson
{
    /// <summary>A prompt of 4 MiB, each byte escaped, and room for the rest.</summary>
    public const int LongestFile = 32 << 20;

    /// <summary>In UTF-8; the prompt is the only one that comes near it.</summary>
    public const int LongestText = 4 << 20;

    /// <summary>Of a task's own members, those included that are not known.</summary>
    public const int MostMembers = 1000;

    private const int LongestShown = 100;

    /// <summary>Labels, variables.</summary>
    public const int MostEntries = 10_000;

    /// <summary>Dependencies, earlier attempts.</summary>
    public const int MostItems = 100_000;

    /// <param name="json">The whole file.</param>
    /// <param name="expected">The id in the file's name; the one inside must be the same.</param>
    /// <exception cref="FormatException">The message says why the file cannot be used.</exception>
    public static AgentTask Read(ReadOnlySpan<byte> json, TaskId expected)
    {
        try
        {
            var fields = new Fields(expected);
            var reader = new Utf8JsonReader(Strip(json), s_read);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new FormatException("it is not a JSON object");
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                fields.Read(ref reader);
            }

            return reader.Read()
                ? throw new FormatException("text follows the JSON object")
                : fields.ToTask();
        }
        catch (JsonException e)
        {
            throw new FormatException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"it is not valid JSON (line {e.LineNumber + 1})"
                ),
                e
            );
        }
        catch (InvalidOperationException e)
        {
            // Utf8JsonReader.GetString: the bytes are no valid UTF-8, or an escape is half a pair.
            throw new FormatException("it holds text that is not valid Unicode", e);
        }
    }

    public static string NameOf(TaskStatus status) =>
        status switch
        {
            TaskStatus.Pending => "pending",
            TaskStatus.Running => "running",
            TaskStatus.Complete => "complete",
            TaskStatus.Failed => "failed",
            TaskStatus.Cancelled => "cancelled",
            _ => throw new ArgumentOutOfRangeException(nameof(status)),
        };

    public static TaskStatus? StatusOf(string? name) =>
        name switch
        {
            "pending" => TaskStatus.Pending,
            "running" => TaskStatus.Running,
            "complete" => TaskStatus.Complete,
            "failed" => TaskStatus.Failed,
            "cancelled" => TaskStatus.Cancelled,
            _ => null,
        };

    private static readonly JsonReaderOptions s_read = new() { MaxDepth = 64 };

    private static ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> json) =>
        json.StartsWith("\uFEFF"u8) ? json[3..] : json;

    /// <summary>The members of one file as they are met, before they make up a state.</summary>
    private sealed partial class Fields(TaskId expected)
    {
        private readonly HashSet<string> _seen = new(40, StringComparer.Ordinal);
        private readonly List<KeyValuePair<string, JsonElement>> _unknown = [];
        private string? _status;
        private string? _reason;
        private string? _agent;
        private string? _prompt;
        private string? _name;
        private string? _cwd;
        private string? _errorMessage;
        private string? _note;
        private string? _blockedReason;
        private DateTimeOffset? _createdAt;
        private DateTimeOffset? _startedAt;
        private DateTimeOffset? _completedAt;
        private DateTimeOffset? _timedOutAt;
        private DateTimeOffset? _retriedAt;
        private DateTimeOffset? _notBefore;
        private TaskId? _parent;
        private TaskId? _retriedBy;
        private TaskId? _retryIntent;
        private TaskId? _blockedBy;
        private long? _pid;
        private long? _exitCode;
        private long _retryCount;
        private long _maxRetries = AgentTask.DefaultMaxRetries;
        private long _priority = AgentTask.DefaultPriority;
        private long _attempt;
        private TimeSpan? _timeout;
        private TimeSpan? _timeoutWarning;
        private TimeSpan? _idleTimeout;
        private bool _autoRetry;
        private bool _held;
        private string? _skipped;
        private PlanStep? _step;
        private WorkChecks? _checks;
        private AgentOptions? _options;
        private string? _question;
        private string? _limit;
        private string? _errorClass;
        private string? _noRetry;
        private string? _fallbackTo;
        private Worktree? _worktree;
        private string? _triggerEvent;
        private TaskId? _triggerTask;
        private ImmutableArray<string> _triggerChain = [];
        private ImmutableSortedDictionary<string, string> _variables =
            ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
        private ImmutableArray<TaskId> _dependsOn = [];
        private ImmutableArray<TaskId> _afterAny = [];
        private ImmutableArray<TaskId> _afterNotOk = [];
        private ImmutableArray<TaskId> _dependenciesMet = [];
        private ImmutableArray<RetryRecord> _history = [];
        private ImmutableSortedDictionary<string, string> _labels = ImmutableSortedDictionary<
            string,
            string
        >.Empty;
        private ImmutableSortedDictionary<string, string?> _environment = ImmutableSortedDictionary<
            string,
            string?
        >.Empty;

        public void Read(ref Utf8JsonReader r)
        {
            var name = Plain(ref r);
            if (!_seen.Add(name))
            {
                throw new FormatException($"'{Short(name)}' stands in it twice");
            }

            Bound(_seen.Count, MostMembers, "members");
            r.Read();
            switch (name)
            {
                case "version":
                    if (Number(ref r) is { } version and > AgentTask.CurrentVersion)
                    {
                        throw new FormatException(
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"a newer agentq wrote it (format {version}; this one knows {AgentTask.CurrentVersion})"
                            )
                        );
                    }

                    break;
                case "taskId":
                    if (Text(ref r) is var id && id != expected.Value)
                    {
                        throw new FormatException("the taskId in it is not the file's name");
                    }

                    break;
                case "status":
                    _status = Text(ref r);
                    break;
                case "reason":
                    _reason = Text(ref r);
                    break;
                case "agent":
                    _agent = Text(ref r);
                    break;
                case "prompt":
                    _prompt = Text(ref r);
                    break;
                case "name":
                    _name = Text(ref r);
                    break;
                case "cwd":
                    _cwd = Text(ref r);
                    break;
                case "errorMessage":
                    _errorMessage = AnyText(ref r);
                    break;
                case "note":
                    _note = Text(ref r);
                    break;
                case "blockedReason":
                    _blockedReason = Text(ref r);
                    break;
                case "createdAt":
                    _createdAt = Time(ref r);
                    break;
                case "startedAt":
                    _startedAt = Time(ref r);
                    break;
                case "completedAt":
                    _completedAt = Time(ref r);
                    break;
                case "timedOutAt":
                    _timedOutAt = Time(ref r);
                    break;
                case "retriedAt":
                    _retriedAt = Time(ref r);
                    break;
                case "notBefore":
                    _notBefore = Time(ref r);
                    break;
                case "parentTaskId":
                    _parent = Id(ref r);
                    break;
                case "retriedBy":
                    _retriedBy = Id(ref r);
                    break;
                case "retryIntent":
                    _retryIntent = Id(ref r);
                    break;
                case "blockedBy":
                    _blockedBy = Id(ref r);
                    break;
                case "pid":
                    _pid = Number(ref r);
                    break;
                case "exitCode":
                    _exitCode = Number(ref r);
                    break;
                case "retryCount":
                    _retryCount = Number(ref r) ?? 0;
                    break;
                case "maxRetries":
                    _maxRetries = Number(ref r) ?? AgentTask.DefaultMaxRetries;
                    break;
                case "priority":
                    _priority = Number(ref r) ?? AgentTask.DefaultPriority;
                    break;
                case "attempt":
                    _attempt = Number(ref r) ?? 0;
                    break;
                case "timeout":
                    _timeout = Seconds(ref r);
                    break;
                case "timeoutWarning":
                    _timeoutWarning = Seconds(ref r);
                    break;
                case "idleTimeout":
                    _idleTimeout = Seconds(ref r);
                    break;
                case "autoRetry":
                    _autoRetry = r.TokenType == JsonTokenType.True;
                    r.Skip();
                    break;
                case "held":
                    _held = r.TokenType == JsonTokenType.True;
                    r.Skip();
                    break;
                case "skipped":
                    _skipped = Text(ref r);
                    break;
                case "plan":
                    _step = Step(ref r);
                    break;
                case "checks":
                    _checks = Checks(ref r);
                    break;
                case "options":
                    _options = AgentOptions(ref r);
                    break;
                case "question":
                    _question = Text(ref r);
                    break;
                case "limit":
                    _limit = Text(ref r);
                    break;
                case "errorClass":
                    _errorClass = Text(ref r);
                    break;
                case "noRetry":
                    _noRetry = Text(ref r);
                    break;
                case "fallbackTo":
                    _fallbackTo = Text(ref r);
                    break;
                case "worktree":
                    _worktree = ReadWorktree(ref r);
                    break;
                case "triggerEvent":
                    _triggerEvent = Text(ref r);
                    break;
                case "triggerTask":
                    _triggerTask = Id(ref r);
                    break;
                case "triggerChain":
                    _triggerChain = Words(ref r);
                    break;
                case "vars":
                    _variables = Map(ref r, static v => v ?? "");
                    break;
                case "dependsOn":
                    _dependsOn = Ids(ref r);
                    break;
                case "afterAny":
                    _afterAny = Ids(ref r);
                    break;
                case "afterNotOk":
                    _afterNotOk = Ids(ref r);
                    break;
                case "dependenciesMet":
                    _dependenciesMet = Ids(ref r);
                    break;
                case "retryHistory":
                    _history = History(ref r);
                    break;
                case "labels":
                    _labels = Map(ref r, static v => v ?? "");
                    break;
                case "env":
                    _environment = Map(ref r, static v => v);
                    break;
                case "planFile":
                case "logFile":
                    // Always derived from the id: a path in a file is a path to anywhere.
                    r.Skip();
                    break;
                default:
                    _unknown.Add(new(name, JsonElement.ParseValue(ref r)));
                    break;
            }
        }

        public AgentTask ToTask()
        {
            if (!_seen.Contains("taskId"))
            {
                throw new FormatException("it has no taskId");
            }

            var status =
                StatusOf(_status) ?? throw new FormatException($"its status is '{Short(_status)}'");
            var created = _createdAt ?? _startedAt ?? DateTimeOffset.UnixEpoch;
            var completed = _completedAt ?? _timedOutAt ?? _startedAt ?? created;
            int? exit = _exitCode is >= 0 and <= 255 ? (int)_exitCode : null;
            return new AgentTask
            {
                Id = expected,
                Agent = _agent ?? throw new FormatException("it has no agent"),
                Prompt = _prompt ?? throw new FormatException("it has no prompt"),
                CreatedAt = created,
                Name = _name,
                Labels = _labels,
                WorkingFolder = _cwd,
                Environment = _environment,
                Timeout = _timeout,
                TimeoutWarning = _timeoutWarning,
                IdleTimeout = _idleTimeout,
                Priority = (int)Math.Clamp(_priority, 1, 10),
                RetryCount = (int)Math.Clamp(_retryCount, 0, 1_000_000),
                MaxRetries = (int)Math.Clamp(_maxRetries, 0, 1_000_000),
                AutoRetry = _autoRetry,
                Parent = _parent,
                RetryHistory = _history,
                DependsOn = _dependsOn,
                AfterAny = _afterAny,
                AfterNotOk = _afterNotOk,
                DependenciesMet = _dependenciesMet,
                Attempt = (int)Math.Clamp(_attempt, 0, int.MaxValue),
                Step = _step,
                Checks = _checks,
                Options = _options,
                Worktree = _worktree,
                Cause = _triggerEvent is null
                    ? null
                    : new TaskCause(_triggerEvent, _triggerChain)
                    {
                        Task = _triggerTask,
                        Variables = _variables,
                    },
                Unknown = [.. _unknown],
                State = status switch
                {
                    TaskStatus.Pending => new TaskState.Pending(_held, _notBefore)
                    {
                        BlockedBy = _blockedBy,
                        BlockedReason = _blockedReason,
                        Question = _question,
                        Limit = _limit,
                    },
                    TaskStatus.Running => new TaskState.Running(
                        _startedAt ?? created,
                        _pid is > 0 and <= int.MaxValue ? (int)_pid : null
                    ),
                    TaskStatus.Complete => new TaskState.Complete(_startedAt, completed)
                    {
                        ExitCode = exit,
                        Note = _note,
                    },
                    TaskStatus.Failed => new TaskState.Failed(
                        _startedAt,
                        completed,
                        _reason ?? (_timedOutAt is null ? Reason.Error : Reason.Timeout),
                        _errorMessage ?? "Unknown error"
                    )
                    {
                        ExitCode = exit,
                        ErrorClass = _errorClass,
                        NoRetry = _noRetry,
                        FallbackTo = _fallbackTo,
                        TimedOutAt = _timedOutAt,
                        RetriedBy = _retriedBy,
                        RetriedAt = _retriedAt,
                        RetryIntent = _retryIntent,
                    },
                    TaskStatus.Cancelled => new TaskState.Cancelled(_startedAt, completed)
                    {
                        ExitCode = exit,
                        Skipped = _skipped,
                        RetriedBy = _retriedBy,
                        RetriedAt = _retriedAt,
                        RetryIntent = _retryIntent,
                    },
                    _ => throw new FormatException($"its status is '{Short(_status)}'"),
                },
            };
        }
    }
}
