namespace AgentQueue.Bench;

/// <summary>How much is measured: all that the targets speak of, or what is enough while working.</summary>
internal sealed record Scope(
    int[] QueueSizes,
    int[] PeerSizes,
    int Rounds,
    int Drained,
    int DrainRepeats,
    int Batches,
    TimeSpan Patience
)
{
    public static Scope Complete { get; } =
        new(
            [10, 1_000, 10_000, 100_000],
            [1_000, 10_000],
            40,
            2_000,
            3,
            3,
            TimeSpan.FromSeconds(45)
        );

    public static Scope Quick { get; } =
        new([10, 1_000, 10_000], [1_000], 15, 500, 1, 1, TimeSpan.FromSeconds(10));

    /// <summary>
    /// Calls <paramref name="round"/> so often as the noise of short processes asks for: less often with
    /// large queues, where one call is long, and not beyond the patience after the first five.
    /// </summary>
    public void Repeat(int queueSize, Action round)
    {
        var rounds = queueSize < 100_000 ? Rounds : Rounds / 3;
        var begin = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < rounds; i++)
        {
            if (i >= 5 && TimeProvider.System.GetElapsedTime(begin) > Patience)
            {
                return;
            }

            round();
        }
    }
}
