namespace AgentQueue.Tests.Support;

/// <summary>
/// A clock that stands still until somebody waits or advances it. What was planned for a moment happens
/// when time passes it, in order. The wall clock can be set; the monotonic one only runs on.
/// </summary>
internal sealed class FakeTime : TimeProvider
{
    public static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private const int MostWaits = 100_000;

    private readonly PriorityQueue<Action, (long At, long Number)> _plans = new();
    private TimeSpan _wallOffset;
    private long _now;
    private long _planned;
    private int _waits;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public TimeSpan Elapsed => TimeSpan.FromTicks(_now);

    /// <summary>When the next planned thing happens; null if nothing is planned.</summary>
    public TimeSpan? Next => _plans.TryPeek(out _, out var at) ? TimeSpan.FromTicks(at.At) : null;

    /// <summary>How a caller waits; the simulation lets others run meanwhile.</summary>
    public Action<TimeSpan, Func<bool>>? Waiter { get; set; }

    /// <summary>
    /// Every look at the wall clock finds it a millisecond later, so that no two ids are made in the same
    /// one: what is random in them then decides nothing.
    /// </summary>
    public bool TicksWhenLookedAt { get; set; }

    public override DateTimeOffset GetUtcNow()
    {
        if (TicksWhenLookedAt)
        {
            _wallOffset += TimeSpan.FromMilliseconds(1);
        }

        return Start + _wallOffset + TimeSpan.FromTicks(_now);
    }

    public override long GetTimestamp() => _now;

    /// <summary>Sets the wall clock forwards or backwards.</summary>
    public void SetWall(TimeSpan by) => _wallOffset += by;

    public void Plan(TimeSpan fromNow, Action action) =>
        _plans.Enqueue(action, (_now + fromNow.Ticks, _planned++));

    public void Advance(TimeSpan time) => AdvanceTo(Elapsed + time);

    public void AdvanceTo(TimeSpan moment)
    {
        while (_plans.TryPeek(out _, out var at) && at.At <= moment.Ticks)
        {
            var action = _plans.Dequeue();
            _now = Math.Max(_now, at.At);
            action();
        }

        _now = Math.Max(_now, moment.Ticks);
    }

    /// <summary>Waits until <paramref name="woken"/> holds, at most that long.</summary>
    public void Wait(TimeSpan limit, Func<bool> woken)
    {
        if (Waiter is { } waiter)
        {
            waiter(limit, woken);
            return;
        }

        if (++_waits > MostWaits)
        {
            throw new InvalidOperationException("Somebody waits for ever");
        }

        var end = Elapsed + limit;
        while (!woken() && Elapsed < end)
        {
            AdvanceTo(Next is { } next && next < end ? next : end);
        }
    }
}
