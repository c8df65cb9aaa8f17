using System.Globalization;
using System.Text;
using AgentQueue.Config;

namespace AgentQueue.Keeping;

/// <summary>
/// The agents that the commands of the older tool become. A command may be called anything there; whatever
/// cannot be the name of an agent gets a name that can, the same one at every import of the same files.
/// </summary>
internal sealed class ForeignNames
{
    private const int LongestName = 64;

    private static readonly string[] s_ends =
    [
        "started",
        "success",
        "failed",
        "cancelled",
        "finished",
    ];

    private readonly Dictionary<string, string> _agents = new(StringComparer.Ordinal);

    /// <param name="commands">Each once, in the order of the files.</param>
    public ForeignNames(IReadOnlyList<string> commands)
    {
        // The built-in agent is there already, in the file or not.
        var taken = new HashSet<string>(StringComparer.Ordinal) { AgentDefinition.Shell };
        foreach (var name in commands.Where(static c => AgentConfig.IsName(c)))
        {
            if (taken.Add(name))
            {
                _agents[name] = name;
            }
        }

        foreach (var name in commands.Where(c => !_agents.ContainsKey(c)))
        {
            _agents[name] = Free(Valid(name), taken);
        }
    }

    public string AgentOf(string command) => _agents[command];

    /// <summary>An event there as it is called here: those about commands are about tasks of agents.</summary>
    public string EventOf(string name)
    {
        foreach (var end in s_ends)
        {
            var prefix = $"command_{end}:";
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                var command = name[prefix.Length..];
                return $"task_{end}:{_agents.GetValueOrDefault(command, command)}";
            }
        }

        return name;
    }

    private static string Valid(string name)
    {
        var valid = new StringBuilder();
        foreach (var c in name)
        {
            var isAllowed = char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
            if (
                isAllowed
                    ? valid.Length > 0 || char.IsAsciiLetterOrDigit(c)
                    : valid is [.., not '-']
            )
            {
                valid.Append(isAllowed ? c : '-');
            }
        }

        valid.Length = Math.Min(valid.Length, LongestName);
        var text = valid.ToString().TrimEnd('-');
        return text.Length > 0 ? text : "command";
    }

    private static string Free(string name, HashSet<string> taken)
    {
        var free = name;
        for (var number = 2; !taken.Add(free); number++)
        {
            var tail = string.Create(CultureInfo.InvariantCulture, $"-{number}");
            free = name[..Math.Min(name.Length, LongestName - tail.Length)] + tail;
        }

        return free;
    }
}
