using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// Reads one file of <c>adapters/</c> and collects what is wrong with it. docs/adapter.schema.json has the same keys,
/// which a test compares.
/// </summary>
internal sealed partial class AdapterReader(string file)
{
    public static readonly string[] Keys =
    [
        "$schema",
        "title",
        CommandKey,
        "args",
        "promptVia",
        "permissions",
        "model",
        "resume",
        "maxTurns",
        "maxUsd",
        "env",
        "apiKeys",
        "version",
        "stream",
        "exitCodes",
        ErrorsKey,
    ];

    private const string CommandKey = "command";
    public const string ErrorsKey = "errors";

    public static readonly string[] PermissionKeys = ["args", "env"];

    public static readonly string[] VersionKeys = ["args", "tested", "oldest"];

    public static readonly string[] StreamKeys =
    [
        "rules",
        "usage",
        "hasEnd",
        "inputHasCache",
        "resumedIsTotal",
    ];

    public static readonly string[] RuleKeys =
    [
        "when",
        "unless",
        "each",
        "on",
        "take",
        "add",
        "per",
        "turn",
        "end",
        "retry",
    ];

    public static readonly string[] TextConditionKeys = ["begins", "has"];

    public static readonly string[] ErrorKeys = ["class", "texts", "status"];

    public static readonly (string Word, StreamFact Fact)[] Facts =
    [
        ("session", StreamFact.Session),
        ("model", StreamFact.Model),
        ("text", StreamFact.Text),
        ("delta", StreamFact.Delta),
        ("input", StreamFact.Input),
        ("output", StreamFact.Output),
        ("cacheRead", StreamFact.CacheRead),
        ("cacheWrite", StreamFact.CacheWrite),
        ("cost", StreamFact.Cost),
        ("turns", StreamFact.Turns),
        ("tool", StreamFact.Tool),
        ("detail", StreamFact.Detail),
        ("error", StreamFact.Error),
        ("errorType", StreamFact.ErrorType),
        ("status", StreamFact.Status),
        ("resetsAt", StreamFact.ResetsAt),
        ("resetsIn", StreamFact.ResetsIn),
        ("question", StreamFact.Question),
    ];

    private readonly ConfigReader _reader = new(file);

    public IReadOnlyList<ConfigProblem> Problems => _reader.Problems;

    /// <summary>The adapter; null if anything is wrong that makes it unusable.</summary>
    public Adapter? Read(string name, ReadOnlySpan<byte> json)
    {
        if (_reader.ReadRoot(json) is not { } root)
        {
            return null;
        }

        var adapter = new Adapter
        {
            Name = name,
            Title = "",
            Command = "",
            Args = [],
        };
        foreach (var member in _reader.Members(root, "", Keys))
        {
            adapter = With(adapter, member.Name, member.Value);
        }

        if (!root.Members.Any(static m => m.Name == CommandKey))
        {
            _reader.Error(root.At, CommandKey, "is missing: the program to start");
        }

        CheckSlots(adapter, root);
        return _reader.HasErrors
            ? null
            : adapter with
            {
                Title = adapter.Title.Length > 0 ? adapter.Title : name,
            };
    }

    /// <summary>A file that holds errors only.</summary>
    public ImmutableArray<ErrorPattern> ReadErrors(ReadOnlySpan<byte> json) =>
        _reader.ReadRoot(json) is { } root
            ?
            [
                .. _reader
                    .Members(root, "", [ErrorsKey])
                    .SelectMany(m => ReadErrors(m.Value, m.Name)),
            ]
            : [];

    private Adapter With(Adapter adapter, string key, SourceValue value) =>
        key switch
        {
            "title" => adapter with { Title = _reader.Text(value, key) ?? "" },
            CommandKey => adapter with { Command = _reader.Text(value, key, false) ?? "" },
            "args" => adapter with { Args = ReadWords(value, key, Adapter.Slots) ?? [] },
            "promptVia" => adapter with
            {
                PromptVia =
                    _reader.Choice<PromptVia>(value, key, AgentConfigReader.PromptVias) ?? default,
            },
            "permissions" => adapter with { Permissions = ReadPermissions(value, key) },
            "model" => adapter with { Model = ReadPart(value, key, "model") },
            "resume" => adapter with { Resume = ReadPart(value, key, "session") },
            "maxTurns" => adapter with { MaxTurns = ReadPart(value, key, key) },
            "maxUsd" => adapter with { MaxUsd = ReadPart(value, key, key) },
            "env" => adapter with { Environment = ReadEnvironment(value, key) },
            "apiKeys" => adapter with { ApiKeys = _reader.Texts(value, key) ?? [] },
            "version" => adapter with { Version = ReadVersion(value, key) },
            "stream" => adapter with { Stream = ReadStream(value, key) },
            "exitCodes" => adapter with { ExitCodes = ReadExitCodes(value, key) },
            ErrorsKey => adapter with { Errors = [.. ReadErrors(value, key)] },
            _ => adapter,
        };

    private ImmutableSortedDictionary<Permission, AdapterPart> ReadPermissions(
        SourceValue value,
        string key
    )
    {
        var parts = ImmutableSortedDictionary.CreateBuilder<Permission, AdapterPart>();
        foreach (
            var level in _reader.Members(value, key, [.. Permissions.Words.Select(w => w.Word)])
        )
        {
            var path = ConfigReader.Path(key, level.Name);
            var part = new AdapterPart();
            foreach (var member in _reader.Members(level.Value, path, PermissionKeys))
            {
                var at = ConfigReader.Path(path, member.Name);
                part =
                    member.Name == "args"
                        ? part with
                        {
                            Args = ReadWords(member.Value, at, []) ?? [],
                        }
                        : part with
                        {
                            Environment = ReadEnvironment(member.Value, at),
                        };
            }

            parts[Permissions.Parse(level.Name)!.Value] = part;
        }

        return parts.ToImmutable();
    }

    private ImmutableSortedDictionary<string, string?> ReadEnvironment(
        SourceValue value,
        string key
    )
    {
        var environment = AgentEnvironment.NoOverrides.ToBuilder();
        foreach (var member in _reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (!AgentEnvironment.IsName(member.Name) || AgentEnvironment.IsOurs(member.Name))
            {
                _reader.Error(member.At, path, "is no variable that may be set here");
            }
            else
            {
                environment[member.Name] =
                    member.Value.Kind == JsonValueKind.Null
                        ? null
                        : _reader.Text(member.Value, path);
            }
        }

        return environment.ToImmutable();
    }

    private AdapterVersion? ReadVersion(SourceValue value, string key)
    {
        ImmutableArray<string> args = [];
        string? tested = null;
        string? oldest = null;
        foreach (var member in _reader.Members(value, key, VersionKeys))
        {
            var path = ConfigReader.Path(key, member.Name);
            switch (member.Name)
            {
                case "args":
                    args = _reader.Texts(member.Value, path) ?? [];
                    break;
                case "tested":
                    tested = _reader.Text(member.Value, path, mayBeEmpty: false);
                    break;
                default:
                    oldest = _reader.Text(member.Value, path, mayBeEmpty: false);
                    break;
            }
        }

        if (args.IsEmpty)
        {
            _reader.Error(value.At, key, "has no \"args\" to ask for the version with");
        }

        return new AdapterVersion(args, tested, oldest);
    }

    private StreamFormat ReadStream(SourceValue value, string key)
    {
        var stream = new StreamFormat();
        foreach (var member in _reader.Members(value, key, StreamKeys))
        {
            var path = ConfigReader.Path(key, member.Name);
            stream = member.Name switch
            {
                "rules" => stream with { Rules = ReadRules(member.Value, path) },
                "usage" => stream with { UsageRules = ReadRules(member.Value, path) },
                "hasEnd" => stream with { HasEnd = _reader.Flag(member.Value, path) ?? false },
                "inputHasCache" => stream with
                {
                    InputHasCache = _reader.Flag(member.Value, path) ?? false,
                },
                _ => stream with { ResumedIsTotal = _reader.Flag(member.Value, path) ?? false },
            };
        }

        if (stream.HasEnd && !stream.Rules.Any(static r => r.IsEnd))
        {
            _reader.Error(value.At, key, "has \"hasEnd\", and no rule says \"end\": true");
        }

        return stream;
    }

    private ImmutableArray<StreamRule> ReadRules(SourceValue value, string key)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            _reader.Error(value.At, key, "must be a list of rules");
            return [];
        }

        return
        [
            .. value.Items.Select(
                (item, i) =>
                    ReadRule(item, string.Create(CultureInfo.InvariantCulture, $"{key}[{i}]"))
            ),
        ];
    }

    private StreamRule ReadRule(SourceValue value, string key)
    {
        var rule = new StreamRule();
        foreach (var member in _reader.Members(value, key, RuleKeys))
        {
            var path = ConfigReader.Path(key, member.Name);
            rule = member.Name switch
            {
                "when" => rule with { When = ReadConditions(member.Value, path) },
                "unless" => rule with { Unless = ReadConditions(member.Value, path) },
                "each" => rule with
                {
                    Each = _reader.Text(member.Value, path, mayBeEmpty: false) is { } each
                        ? StreamPath.Parse(each)
                        : null,
                },
                "on" => rule with { On = ReadConditions(member.Value, path) },
                "take" => rule with { Facts = ReadFacts(member.Value, path) },
                "add" => rule with { Adds = _reader.Flag(member.Value, path) ?? false },
                "per" => rule with
                {
                    Per = _reader.Text(member.Value, path, mayBeEmpty: false) is { } per
                        ? StreamPath.Parse(per)
                        : null,
                },
                "turn" => rule with { IsTurn = _reader.Flag(member.Value, path) ?? false },
                "end" => rule with { IsEnd = _reader.Flag(member.Value, path) ?? false },
                _ => rule with { IsRetry = _reader.Flag(member.Value, path) ?? false },
            };
        }

        return rule;
    }

    private ImmutableArray<StreamCondition> ReadConditions(SourceValue value, string key)
    {
        var conditions = ImmutableArray.CreateBuilder<StreamCondition>();
        foreach (var member in _reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            var condition = new StreamCondition(StreamPath.Parse(member.Name));
            conditions.Add(
                member.Value.Kind switch
                {
                    JsonValueKind.Array => condition with
                    {
                        Values = _reader.Texts(member.Value, path) ?? [],
                    },
                    JsonValueKind.Object => ReadTextCondition(condition, member.Value, path),
                    JsonValueKind.True => condition with { Values = ["true"] },
                    JsonValueKind.False => condition with { Values = ["false"] },
                    JsonValueKind.Number or JsonValueKind.String => condition with
                    {
                        Values = [member.Value.Text!],
                    },
                    _ => condition,
                }
            );
        }

        return conditions.ToImmutable();
    }

    private StreamCondition ReadTextCondition(
        StreamCondition condition,
        SourceValue value,
        string key
    )
    {
        foreach (var member in _reader.Members(value, key, TextConditionKeys))
        {
            var text = _reader.Text(
                member.Value,
                ConfigReader.Path(key, member.Name),
                mayBeEmpty: false
            );
            condition =
                member.Name == "has"
                    ? condition with
                    {
                        Has = text,
                    }
                    : condition with
                    {
                        Begins = text,
                    };
        }

        return condition;
    }

    private ImmutableArray<(StreamFact, StreamPath)> ReadFacts(SourceValue value, string key)
    {
        var facts = ImmutableArray.CreateBuilder<(StreamFact, StreamPath)>();
        foreach (var member in _reader.Members(value, key, [.. Facts.Select(static f => f.Word)]))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (_reader.Text(member.Value, path, mayBeEmpty: false) is { } text)
            {
                facts.Add(
                    (Array.Find(Facts, f => f.Word == member.Name).Fact, StreamPath.Parse(text))
                );
            }
        }

        return facts.ToImmutable();
    }

    private ImmutableSortedDictionary<int, string> ReadExitCodes(SourceValue value, string key)
    {
        var codes = ImmutableSortedDictionary.CreateBuilder<int, string>();
        foreach (var member in _reader.Members(value, key, known: null))
        {
            var path = ConfigReader.Path(key, member.Name);
            if (
                !int.TryParse(member.Name, CultureInfo.InvariantCulture, out var code)
                || code is < 1 or > 255
            )
            {
                _reader.Error(member.At, path, "is no exit code from 1 to 255");
            }
            else if (ReadClass(member.Value, path) is { } word)
            {
                codes[code] = word;
            }
        }

        return codes.ToImmutable();
    }

    private IEnumerable<ErrorPattern> ReadErrors(SourceValue value, string key)
    {
        if (value.Kind != JsonValueKind.Array)
        {
            _reader.Error(value.At, key, "must be a list");
            yield break;
        }

        for (var i = 0; i < value.Items.Length; i++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{key}[{i}]");
            string? word = null;
            ImmutableArray<string> texts = [];
            var status = ImmutableArray.CreateBuilder<int>();
            foreach (var member in _reader.Members(value.Items[i], path, ErrorKeys))
            {
                var at = ConfigReader.Path(path, member.Name);
                switch (member.Name)
                {
                    case "class":
                        word = ReadClass(member.Value, at);
                        break;
                    case "texts":
                        texts = _reader.Texts(member.Value, at) ?? [];
                        break;
                    default:
                        if (member.Value.Kind != JsonValueKind.Array)
                        {
                            _reader.Error(member.At, at, "must be a list of HTTP statuses");
                        }

                        foreach (var item in member.Value.Items)
                        {
                            if (_reader.Whole(item, at, 100, 599) is { } number)
                            {
                                status.Add(number);
                            }
                        }

                        break;
                }
            }

            if (word is null)
            {
                _reader.Error(value.Items[i].At, path, "has no \"class\"");
            }
            else
            {
                yield return new ErrorPattern(word, texts, status.ToImmutable());
            }
        }
    }

    private string? ReadClass(SourceValue value, string key)
    {
        if (_reader.Text(value, key) is not { } word)
        {
            return null;
        }

        if (ErrorClass.All.Contains(word, StringComparer.Ordinal))
        {
            return word;
        }

        _reader.Error(
            value.At,
            key,
            $"must be one of {string.Join(", ", ErrorClass.All)}{Nearest.Suggestion(word, ErrorClass.All)}"
        );
        return null;
    }
}
