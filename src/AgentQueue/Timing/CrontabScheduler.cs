using System.Globalization;

namespace AgentQueue.Timing;

/// <summary>The user's crontab: one part of it for each project.</summary>
internal sealed class CrontabScheduler(string projectHash, RunProgram run, TimeZoneInfo zone)
    : IScheduler
{
    private readonly CrontabText _text = new(projectHash);

    public string Name => "the user's crontab";

    public string? Note => null;

    public bool IsAvailable => Read() is not null;

    // Who may not use a crontab has nothing in it.
    public bool HasAny =>
        run("crontab", ["-l"], default) is { ExitCode: 0 } end
        && _text.Lines(end.Output) is not null;

    public IReadOnlyList<bool> Look(IReadOnlyList<ScheduledCall> calls)
    {
        var there = Read() is { } crontab ? _text.Lines(crontab) ?? [] : [];
        return [.. calls.Select(call => there.Contains(CrontabText.Line(call, zone)))];
    }

    public bool Install(IReadOnlyList<ScheduledCall> calls) =>
        Change([.. calls.Select(call => CrontabText.Line(call, zone))]);

    public bool Remove() => Read() is not null && Change([]);

    private bool Change(IReadOnlyList<string> lines)
    {
        var before =
            Read() ?? throw new QueueException("There is no program 'crontab' on the PATH");
        var after = _text.With(before, lines);
        if (after.AsSpan().SequenceEqual(before))
        {
            return false;
        }

        // An empty one is none, which is what there was before the first rule.
        var end =
            after.Length == 0 ? run("crontab", ["-r"], default) : run("crontab", ["-"], after);
        if (end is not { ExitCode: 0 })
        {
            throw Refused(end);
        }

        return Read()!.AsSpan().SequenceEqual(after)
            ? true
            : throw new QueueException(
                "The crontab is not what was written: somebody else changed it at the same time",
                "Look at it (crontab -l) and try again"
            );
    }

    /// <summary>The whole crontab, empty if the user has none; null if there is no such program.</summary>
    /// <exception cref="QueueException">It cannot be read: what is in it would be lost.</exception>
    private byte[]? Read()
    {
        var end = run("crontab", ["-l"], default);
        return end switch
        {
            null => null,
            { ExitCode: 0 } => end.Output,
            { Output: [] }
                when end.Errors.Contains("no crontab", StringComparison.OrdinalIgnoreCase)
                    || end.Errors.Contains("No such file", StringComparison.OrdinalIgnoreCase) =>
            [],
            _ => throw Refused(end),
        };
    }

    private static QueueException Refused(ProgramEnd? end) =>
        new(
            string.Create(
                CultureInfo.InvariantCulture,
                $"crontab gave exit code {end?.ExitCode ?? 127}: {end?.Errors.Trim()}"
            ),
            "The crontab was left as it is"
        );
}
