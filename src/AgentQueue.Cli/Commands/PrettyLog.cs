using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>The log of an agent whose output can be read, as lines for people.</summary>
internal static class PrettyLog
{
    /// <summary>How the task's agent is read; null if nobody can, which is then said on stderr.</summary>
    public static StreamFormat? FormatOf(Session session, TaskId id)
    {
        try
        {
            var adapter = AdapterOf(session, id);
            if (adapter?.Stream is { } stream)
            {
                return stream;
            }

            Session.Screen.Talk(
                adapter is null
                    ? $"The agent of {id} has no adapter, so this is its log as it stands"
                    : $"{adapter.Title} prints plain text, so this is the log of {id} as it stands",
                Tone.Dim
            );
        }
        catch (QueueException e)
        {
            // A broken configuration must not keep anybody from reading a log.
            Session.Screen.Talk($"The log of {id} stands here as it is: {e.Message}", Tone.Warn);
        }

        return null;
    }

    /// <summary>That of its result, which tells what ran; else that of its agent as configured now.</summary>
    /// <exception cref="QueueException">The configuration, or the adapter's file, cannot be used.</exception>
    public static Adapter? AdapterOf(Session session, TaskId id)
    {
        var config = session.Project.Config;
        if (new Results(session.Queue).Read(id) is { Adapter: var ran } && config.Adapters.Has(ran))
        {
            return config.Adapters.Find(ran);
        }

        var agent = session.Queue.Read(id) switch
        {
            TaskRead.Found(var task, _) => task.Agent,
            _ => session.Queue.ReadArchived(id) is TaskRead.Found(var task, _) ? task.Agent : null,
        };
        var name =
            agent is null ? null
            : config.Agents.TryGetValue(agent, out var known) ? known.Work.Adapter
            : agent;
        return name is not null && config.Adapters.Has(name) ? config.Adapters.Find(name) : null;
    }
}
