namespace AgentQueue.Config;

/// <summary>An event that comes by the clock, as the configuration has it: either of the two is given.</summary>
/// <param name="Event">The event's name.</param>
/// <param name="Cron">Five fields as crontab has them, not looked into.</param>
/// <param name="Every">The time between two, at least one second.</param>
internal sealed record ScheduleEntry(string Event, string? Cron, TimeSpan? Every);
