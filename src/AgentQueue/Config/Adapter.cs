using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// How one agent CLI is driven without a person, as a file of <c>adapters/</c> says: how it is called, how what
/// it prints is read, and what its errors mean. These tools change often, so nothing of it is code.
/// </summary>
internal sealed record Adapter
{
    public required string Name { get; init; }

    /// <summary>The tool's name as people write it.</summary>
    public required string Title { get; init; }

    /// <summary>To look up on PATH.</summary>
    public required string Command { get; init; }

    /// <summary>With slots, such as <c>{model}</c>, each of which stands for any number of arguments.</summary>
    public required ImmutableArray<string> Args { get; init; }

    public PromptVia PromptVia { get; init; }

    public ImmutableSortedDictionary<Permission, AdapterPart> Permissions { get; init; } =
        ImmutableSortedDictionary<Permission, AdapterPart>.Empty;

    /// <summary>Null where the tool takes no such thing.</summary>
    public ImmutableArray<string>? Model { get; init; }

    /// <inheritdoc cref="Model"/>
    public ImmutableArray<string>? Resume { get; init; }

    /// <inheritdoc cref="Model"/>
    public ImmutableArray<string>? MaxTurns { get; init; }

    /// <inheritdoc cref="Model"/>
    public ImmutableArray<string>? MaxUsd { get; init; }

    /// <summary>As an agent's <c>env</c>.</summary>
    public ImmutableSortedDictionary<string, string?> Environment { get; init; } =
        AgentEnvironment.NoOverrides;

    /// <summary>Variables that hold a key, with which each call is paid for.</summary>
    public ImmutableArray<string> ApiKeys { get; init; } = [];

    public AdapterVersion? Version { get; init; }

    /// <summary>Null if it prints text and nothing else.</summary>
    public StreamFormat? Stream { get; init; }

    /// <summary>What an exit code tells by itself.</summary>
    public ImmutableSortedDictionary<int, string> ExitCodes { get; init; } =
        ImmutableSortedDictionary<int, string>.Empty;

    /// <summary>Looked through in their order, before those that all adapters share.</summary>
    public ImmutableArray<ErrorPattern> Errors { get; init; } = [];

    /// <summary>It can be held to an amount of dollars: it tells what it costs, or has a cap of its own.</summary>
    public bool TellsDollars => MaxUsd is not null || Stream is { TellsCost: true };

    /// <summary>The slots that may stand in <see cref="Args"/>.</summary>
    public static readonly string[] Slots =
    [
        "permission",
        "model",
        "resume",
        "maxTurns",
        "maxUsd",
        "args",
    ];

    /// <summary>The agent as a command like any other.</summary>
    /// <param name="agent">Its own command and environment win; its arguments take the place of the slot <c>{args}</c>.</param>
    /// <exception cref="QueueException">The tool cannot do what is asked of it.</exception>
    public AgentDefinition Fill(AgentDefinition agent, AgentOptions? options)
    {
        var permission = options?.Permission ?? agent.Work.Permission ?? Permission.Edit;
        var part =
            Permissions.GetValueOrDefault(permission)
            ?? (
                Permissions.IsEmpty
                    ? new AdapterPart()
                    : throw new QueueException(
                        $"{Title} cannot be held to the permission '{permission.Word()}'",
                        $"It knows {string.Join(", ", Permissions.Keys.Select(static p => p.Word()))}"
                    )
            );
        var model = options?.Model ?? agent.Work.Model;
        if (options?.Session is not null && Resume is null)
        {
            throw new QueueException(
                $"{Title} cannot go on with a session",
                "Start a new task, and tell it in the prompt what was done"
            );
        }

        if (model is not null && Model is null)
        {
            throw new QueueException(
                $"{Title} takes no model",
                $"Take \"model\" away from agent '{agent.Name}'"
            );
        }

        var arguments = ImmutableArray.CreateBuilder<string>();
        foreach (var argument in Args)
        {
            switch (argument)
            {
                case "{permission}":
                    arguments.AddRange(part.Args);
                    break;
                case "{model}":
                    Add(Model, "model", model);
                    break;
                case "{resume}":
                    Add(Resume, "session", options?.Session);
                    break;
                case "{maxTurns}":
                    Add(MaxTurns, "maxTurns", (options?.MaxTurns ?? agent.Work.MaxTurns)?.ToText());
                    break;
                case "{maxUsd}":
                    Add(MaxUsd, "maxUsd", (options?.MaxUsd ?? agent.Work.MaxUsd)?.ToText());
                    break;
                case "{args}":
                    arguments.AddRange(agent.Args);
                    break;
                default:
                    arguments.Add(argument);
                    break;
            }
        }

        void Add(ImmutableArray<string>? template, string name, string? value)
        {
            if (value is not null && template is { } words)
            {
                arguments.AddRange(
                    words.Select(w => w.Replace($"{{{name}}}", value, StringComparison.Ordinal))
                );
            }
        }

        var environment = Environment.SetItems(part.Environment);
        if (!agent.Work.ApiKeys)
        {
            environment = environment.SetItems(
                ApiKeys.Select(static key => KeyValuePair.Create(key, (string?)null))
            );
        }

        return agent with
        {
            Command = agent.Command.Length > 0 ? agent.Command : Command,
            Args = arguments.ToImmutable(),
            PromptVia = PromptVia,
            PromptTemplate =
                agent.PromptTemplate is null && agent.PromptTemplateFile is null
                    ? PromptText.Bare
                    : agent.PromptTemplate,
            Environment = environment.SetItems(agent.Environment),
        };
    }
}

/// <summary>What a choice adds to a call.</summary>
internal sealed record AdapterPart
{
    public ImmutableArray<string> Args { get; init; } = [];

    public ImmutableSortedDictionary<string, string?> Environment { get; init; } =
        AgentEnvironment.NoOverrides;
}

/// <summary>An error is of this class if its text has one of these in it, or its HTTP status is one of these.</summary>
internal sealed record ErrorPattern(
    string Class,
    ImmutableArray<string> Texts,
    ImmutableArray<int> Status
);
