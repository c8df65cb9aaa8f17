using System.Collections.Immutable;
using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// The variables of one agent's templates, from the strongest: what the event brought (plain text, in which
/// nothing is looked for), the agent's <c>vars</c>, the project's <c>variables</c> (both may use others), and
/// <c>event</c> and <c>task</c>. The environment only as <c>{{ env.NAME }}</c>. A text is filled in one pass: what a
/// value brings in is not looked at again, whatever it looks like.
/// </summary>
internal sealed class Variables
{
    /// <summary>The event that started the task; empty for one that somebody asked for.</summary>
    public const string Event = "event";

    /// <summary>The task that the event was about; empty if it was about none.</summary>
    public const string CausingTask = "task";

    public const int Deepest = 32;

    /// <summary>The most characters that a value may grow to.</summary>
    public const int Longest = 1 << 20;

    private readonly AgentDefinition _agent;
    private readonly ImmutableSortedDictionary<string, string> _ofCall;
    private readonly ImmutableSortedDictionary<string, string> _ofProject;
    private readonly TaskCause? _cause;
    private readonly Func<string, string?>? _environment;
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);
    private readonly List<string> _path = [];

    /// <param name="environment">Where <c>{{ env.NAME }}</c> comes from; null where it must not be used.</param>
    public Variables(
        ImmutableSortedDictionary<string, string> ofProject,
        AgentDefinition agent,
        TaskCause? cause,
        Func<string, string?>? environment
    )
    {
        _agent = agent;
        _ofProject = ofProject;
        _cause = cause;
        _ofCall = cause?.Variables ?? AgentDefinition.NoVariables;
        _environment = environment;
    }

    /// <summary>
    /// The prompt of a task that an event starts, to be stored with it; empty for an agent without one. Where a shell
    /// will read it, values are quoted.
    /// </summary>
    /// <exception cref="QueueException">A variable is missing, leads to itself, or would store a value of the environment.</exception>
    public static string FillPrompt(AgentConfig config, AgentDefinition agent, TaskCause cause)
    {
        if (agent.Prompt is not { } prompt)
        {
            return "";
        }

        var variables = new Variables(config.Variables, agent, cause, environment: null);
        return variables.Fill(
            prompt,
            $"agents.{agent.Name}.{EventRuleReader.PromptKey}",
            script: prompt.Contains("{{", StringComparison.Ordinal)
                ? ShellQuoting.ScriptOfPrompt(
                    agent,
                    PromptText.TemplateOf(agent, config.ProjectRoot)
                )
                : null
        );
    }

    /// <summary>Why an event cannot bring such a variable, as the end of a sentence; null if it can.</summary>
    public static string? Problem(string name, string value) =>
        !VariableText.IsName(name)
            ? "is not a name for a variable: it must begin with a letter or _ and have only A-Z a-z 0-9 _ -"
        : value.Contains('\0', StringComparison.Ordinal) ? "must not contain a NUL character"
        : value.Length > Longest ? "is longer than 1,048,576 characters"
        : null;

    /// <summary>True once a value of the environment has been put somewhere.</summary>
    public bool UsedEnvironment { get; private set; }

    /// <summary>All that have a name here, with who gave the value that counts.</summary>
    public IEnumerable<(string Name, string From)> Names =>
        _ofCall
            .Keys.Concat(_agent.Variables.Keys)
            .Concat(_ofProject.Keys)
            .Append(Event)
            .Append(CausingTask)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .Select(name => (name, SourceOf(name)));

    /// <summary>The value of one.</summary>
    /// <exception cref="QueueException">It has none.</exception>
    public string ValueOf(string name) => Value(name, PlaceOf(name) ?? name);

    /// <summary>Puts values in the place of variables.</summary>
    /// <param name="place">Where the text stands, for messages: <c>agents.lint.args[1]</c>.</param>
    /// <param name="around">What to make of the text around them.</param>
    /// <param name="script">How to write values, if a shell reads the text.</param>
    /// <exception cref="QueueException">A variable is missing, leads to itself, or cannot stand where it does.</exception>
    public string Fill(
        string text,
        string place,
        Func<string, string>? around = null,
        ScriptText? script = null
    )
    {
        if (!text.Contains("{{", StringComparison.Ordinal))
        {
            return around is null ? text : around(text);
        }

        var filled = new StringBuilder(text.Length);
        var from = 0;
        foreach (var use in VariableText.Uses(text))
        {
            AddAround(text[from..use.Start]);
            filled.Append(Written(use, place, script));
            from = use.End;
            if (filled.Length > Longest)
            {
                throw new QueueException(
                    $"{place} cannot be filled in, because it grows beyond 1,048,576 characters"
                );
            }
        }

        AddAround(text[from..]);
        return filled.ToString();

        void AddAround(string between)
        {
            var literal = around is null ? between : around(between);
            script?.Literal(literal);
            filled.Append(literal);
        }
    }

    private string Written(VariableUse use, string place, ScriptText? script)
    {
        var value = ValueOf(use, place);
        if (script is null)
        {
            return value;
        }

        if (use.IsRaw)
        {
            script.Literal(value);
            return value;
        }

        return script.Quote(value, out var problem)
            ?? throw new QueueException(
                $"{place}: {use.Shown} {problem}",
                $"Hand the value over in env, or write {{{{ {use.Path} | raw }}}} if it may be any part of the script"
            );
    }

    private string ValueOf(VariableUse use, string place)
    {
        if (!use.IsEnvironment)
        {
            return Value(use.Name, place);
        }

        if (_environment is null)
        {
            throw new QueueException(
                $"{place} needs {use.Shown}{By(use.Path)}, but a prompt is stored with its task, and values of the environment are never stored",
                $"Let the agent read {use.Name} from its environment"
            );
        }

        UsedEnvironment = true;
        return Checked(
            use.Path,
            _environment(use.Name)
                ?? throw new QueueException(
                    $"{place} needs the environment variable {use.Name}{By(use.Path)}, and it is not set",
                    $"Set {use.Name} where you type 'agentq run'"
                ),
            place
        );
    }

    private string Value(string name, string place)
    {
        if (_known.TryGetValue(name, out var known))
        {
            return known;
        }

        if (_path.Contains(name))
        {
            throw new QueueException(
                $"{place} cannot be filled in, because its variables lead in a circle: {Shown(name, _path.IndexOf(name))}",
                $"Take one of them out of {AgentConfig.FileName}"
            );
        }

        if (_path.Count == Deepest)
        {
            throw new QueueException(
                $"{place} cannot be filled in, because more than {Deepest} variables stand within one another: {Shown(name, 0)}",
                $"Write fewer in {AgentConfig.FileName}"
            );
        }

        var value =
            _ofCall.GetValueOrDefault(name)
            ?? (
                TemplateOf(name) is { } template ? Nested(name, template, place)
                : name == Event ? _cause?.Event ?? ""
                : name == CausingTask ? _cause?.Task?.Value ?? ""
                : throw Missing(name, place)
            );
        return _known[name] = Checked(name, value, place);
    }

    private string? TemplateOf(string name) =>
        _agent.Variables.GetValueOrDefault(name) ?? _ofProject.GetValueOrDefault(name);

    private string Nested(string name, string template, string place)
    {
        _path.Add(name);
        try
        {
            return Fill(template, place);
        }
        finally
        {
            _path.RemoveAt(_path.Count - 1);
        }
    }

    private static string Checked(string name, string value, string place) =>
        value.Length > Longest
            ? throw new QueueException(
                $"{place} cannot be filled in, because {name} grows beyond 1,048,576 characters"
            )
        : value.Contains('\0', StringComparison.Ordinal)
            ? throw new QueueException(
                $"{place} cannot be filled in, because {name} contains a NUL character"
            )
        : value;

    private QueueException Missing(string name, string place) =>
        new(
            $"{place} needs {{{{ {name} }}}}{By(name)}, which has no value"
                + (
                    Placeholders.InArgs.Contains(name, StringComparer.Ordinal)
                        ? $"; the placeholder is {{{name}}}"
                        : Nearest.Suggestion(name, Names.Select(static n => n.Name))
                ),
            $"Add it to \"vars\" or \"variables\" in {AgentConfig.FileName}, or give it with the event: --var {name}=…"
        );

    private string By(string name) => _path.Count == 0 ? "" : $" ({Shown(name, 0)})";

    private string Shown(string last, int from) => string.Join(" → ", _path[from..].Append(last));

    private string SourceOf(string name) =>
        _ofCall.ContainsKey(name) ? "event"
        : _agent.Variables.ContainsKey(name) ? "agent"
        : _ofProject.ContainsKey(name) ? "project"
        : "built-in";

    private string? PlaceOf(string name) =>
        _ofCall.ContainsKey(name) ? null
        : _agent.Variables.ContainsKey(name)
            ? $"agents.{_agent.Name}.{EventRuleReader.VariablesKey}.{name}"
        : _ofProject.ContainsKey(name) ? $"variables.{name}"
        : null;
}
