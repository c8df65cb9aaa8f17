using System.Text;

namespace AgentQueue.Timing;

/// <summary>
/// A project's part of a crontab, between two marks; everything else stays byte for byte. Pure.
/// </summary>
internal sealed class CrontabText(string projectHash)
{
    // What the oldest cron daemons take.
    private const int LongestCommand = 990;
    private readonly byte[] _begin = Encoding.ASCII.GetBytes($"# BEGIN agentq {projectHash}");
    private readonly byte[] _end = Encoding.ASCII.GetBytes($"# END agentq {projectHash}");

    // The mark also tells that a line end was added before it, which goes with it again.
    private static ReadOnlySpan<byte> Joined => " (after a line without an end)"u8;

    /// <exception cref="QueueException">A command is longer than a crontab takes.</exception>
    public static string Line(ScheduledCall call, TimeZoneInfo zone)
    {
        var command = string.Join(' ', call.Words.Select(Quote))
            .Replace("%", "\\%", StringComparison.Ordinal);
        if (Encoding.UTF8.GetByteCount(command) > LongestCommand)
        {
            throw new QueueException(
                $"The call for the event '{call.Rule.Event}' is longer than a crontab takes ({LongestCommand} bytes)",
                "Give the event a shorter name"
            );
        }

        var when = call.Rule.Cron is { } cron
            ? cron.Plain
            : string.Join(',', call.MinutesOfHour(zone)) + " * * * *";
        return $"{when} {command}";
    }

    /// <summary>The lines between the marks; null if there are none.</summary>
    public IReadOnlyList<string>? Lines(ReadOnlySpan<byte> crontab) =>
        Find(crontab) is { } part
            ? Encoding
                .UTF8.GetString(crontab[part.Inner])
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : null;

    /// <summary>The crontab with exactly these lines between the marks; without the marks if there are none.</summary>
    /// <exception cref="QueueException">The marks do not pair.</exception>
    public byte[] With(ReadOnlySpan<byte> crontab, IReadOnlyList<string> lines)
    {
        var part = Find(crontab);
        if (lines.Count == 0)
        {
            return part is { } old
                ? [.. crontab[..old.Whole.Start.Value], .. crontab[old.Whole.End..]]
                : crontab.ToArray();
        }

        var text = Encoding.UTF8.GetBytes(string.Concat(lines.Select(static l => l + '\n')));
        if (part is { } place)
        {
            return [.. crontab[..place.Inner.Start.Value], .. text, .. crontab[place.Inner.End..]];
        }

        var isOpen = !crontab.IsEmpty && crontab[^1] != '\n';
        return
        [
            .. crontab,
            .. isOpen ? "\n"u8 : [],
            .. _begin,
            .. isOpen ? Joined : [],
            .. "\n"u8,
            .. text,
            .. _end,
            .. "\n"u8,
        ];
    }

    /// <summary>As the shell reads it as one word.</summary>
    public static string Quote(string word) =>
        $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private (Range Whole, Range Inner)? Find(ReadOnlySpan<byte> crontab)
    {
        (int Whole, int Inner)? begin = null;
        (Range, Range)? found = null;
        for (var at = 0; at < crontab.Length; )
        {
            var rest = crontab[at..];
            var line = rest.IndexOf((byte)'\n') is >= 0 and var length ? rest[..length] : rest;
            var next = Math.Min(at + line.Length + 1, crontab.Length);
            var isJoined =
                line.StartsWith(_begin) && line[_begin.Length..].SequenceEqual(Joined) && at > 0;
            if (isJoined || line.SequenceEqual(_begin))
            {
                begin =
                    begin is null && found is null
                        ? (isJoined ? at - 1 : at, next)
                        : throw Unpaired();
            }
            else if (line.SequenceEqual(_end))
            {
                found = begin is { } from ? (from.Whole..next, from.Inner..at) : throw Unpaired();
                begin = null;
            }

            at = next;
        }

        return begin is null ? found : throw Unpaired();
    }

    private QueueException Unpaired() =>
        new(
            $"The marks of agentq in the crontab do not pair: {Encoding.ASCII.GetString(_begin)}",
            "Take both of them and what is between out: crontab -e"
        );
}
