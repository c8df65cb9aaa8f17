using System.Text;

namespace AgentQueue.Timing;

/// <summary>The text of systemd's units. Pure.</summary>
internal static class SystemdUnits
{
    // What a run starts outlives the call, so only the call itself may be ended with it. A timer that catches
    // up after the machine was off is not wanted: what was missed is told at the next call.
    public static (string Timer, string Service) For(ScheduledCall call, TimeZoneInfo zone)
    {
        var about =
            $"# Made by agentq schedule install, which also replaces it; agentq schedule remove takes it away.\n[Unit]\nDescription=agentq: {Text(call.Rule.Event)} ({Text(call.Rule.When)})\n\n";
        var timer = new StringBuilder(about).Append("[Timer]\n");
        foreach (
            var calendar in call.Rule.Cron is { } cron
                ? cron.ToCalendar()
                : [$"*-*-* *:{ScheduledCall.List(call.MinutesOfHour(zone))}:00"]
        )
        {
            timer.Append("OnCalendar=").Append(calendar).Append('\n');
        }

        timer.Append("AccuracySec=1s\nPersistent=false\n\n[Install]\nWantedBy=timers.target\n");
        return (
            timer.ToString(),
            $"{about}[Service]\nType=oneshot\nKillMode=process\nExecStart={Program(call.Words[0])} {string.Join(' ', call.Words.Skip(1).Select(Argument))}\n"
        );
    }

    /// <summary>
    /// One argument of ExecStart: quoted, so that blanks stay; backslashes and quotes escaped, and doubled
    /// what would be replaced (<c>%</c> by a specifier, <c>$</c> by a variable).
    /// </summary>
    public static string Argument(string word) =>
        Quoted(word).Replace("$", "$$", StringComparison.Ordinal);

    // Variables are not replaced in the program itself.
    private static string Program(string word) => Quoted(word);

    private static string Quoted(string word) =>
        '"'
        + word.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("%", "%%", StringComparison.Ordinal)
        + '"';

    // Specifiers are replaced in a description too; what is behind it keeps a backslash from ending the line.
    private static string Text(string text) => text.Replace("%", "%%", StringComparison.Ordinal);
}
