using System.Diagnostics;

namespace AgentQueue.EndToEnd;

/// <summary>Waiting for a condition, never for a time, and never without end.</summary>
internal static class Eventually
{
    /// <param name="seconds">Generous: it is reached only when the test fails.</param>
    public static void Holds(Func<bool> condition, string what, double seconds = 60)
    {
        var begun = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(begun).TotalSeconds > seconds)
            {
                Assert.Fail($"Not within {seconds} s: {what}");
            }

            Thread.Sleep(5);
        }
    }

    /// <summary>The first value that is there.</summary>
    public static T Gives<T>(Func<T?> value, string what, double seconds = 60)
        where T : class
    {
        T? found = null;
        Holds(() => (found = value()) is not null, what, seconds);
        return found!;
    }
}
