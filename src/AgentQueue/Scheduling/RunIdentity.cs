using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Where in a task's logs something stands, in bytes, counted as if nothing had ever been dropped.</summary>
internal readonly record struct LogPlace(long Log, long Errors);

/// <summary>One call of the agent: what it printed, and how it ended.</summary>
/// <param name="To">Null as long as it runs.</param>
/// <param name="ExitCode">Null as long as it runs. Behind an end the work is checked.</param>
internal sealed record AgentCall(LogPlace From, LogPlace? To = null, int? ExitCode = null);

/// <summary>
/// <c>run/&lt;id&gt;.run</c>: which processes a running task consists of, and what is needed to judge it
/// when its supervisor has died. Not synced: after a loss of power none of the processes exists.
/// </summary>
internal sealed record RunIdentity(
    ProcessIdentity Supervisor,
    ProcessIdentity Agent,
    Completion Completion
)
{
    private const int LongestFile = 64 << 10;

    /// <summary>The calls that make up the attempt, in their order; empty where nobody told.</summary>
    public ImmutableArray<AgentCall> Calls { get; init; } = [];

    public static RunIdentity? Read(QueueFolder queue, TaskId id)
    {
        var read = queue.Disk.Read(queue.IdentityFile(id), LongestFile);
        if (read.Status != ReadStatus.Ok)
        {
            return null;
        }

        var lines = Encoding.UTF8.GetString(read.Content).Split('\n');
        return
            lines.Length >= 3
            && ProcessIdentity.TryParse(lines[0], out var supervisor)
            && ProcessIdentity.TryParse(lines[1], out var agent)
            && Enum.TryParse<Completion>(lines[2], out var completion)
            ? new RunIdentity(supervisor, agent, completion)
            {
                Calls = [.. lines.Skip(3).Select(ParseCall).OfType<AgentCall>()],
            }
            : null;
    }

    public void Write(QueueFolder queue, TaskId id)
    {
        var text = new StringBuilder($"{Supervisor}\n{Agent}\n{Completion}\n");
        foreach (var call in Calls)
        {
            text.Append(CultureInfo.InvariantCulture, $"{call.From.Log} {call.From.Errors}");
            if (call is { To: { } to, ExitCode: { } code })
            {
                text.Append(CultureInfo.InvariantCulture, $" {to.Log} {to.Errors} {code}");
            }

            text.Append('\n');
        }

        queue.Unsynced.ReplaceUnsynced(
            queue.IdentityFile(id),
            Encoding.UTF8.GetBytes(text.ToString())
        );
    }

    private static AgentCall? ParseCall(string line)
    {
        var numbers = new List<long>();
        foreach (var word in line.Split(' '))
        {
            if (
                !long.TryParse(
                    word,
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var number
                )
            )
            {
                return null;
            }

            numbers.Add(number);
        }

        return numbers switch
        {
            [var log, var errors] => new AgentCall(new(log, errors)),
            [var log, var errors, var logTo, var errorsTo, var code and <= 255] => new AgentCall(
                new(log, errors),
                new(logTo, errorsTo),
                (int)code
            ),
            _ => null,
        };
    }
}
