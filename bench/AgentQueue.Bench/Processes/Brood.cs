using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>
/// All processes that stem from programs started with one mark in their environment, however they detached
/// themselves: the way to find, to weigh and to end what belongs to another queue's tool, and nothing else.
/// </summary>
internal sealed class Brood
{
    private const string Variable = "BENCH_BROOD";
    private readonly string _mark = $"{Environment.ProcessId}-{Guid.NewGuid():n}";

    public KeyValuePair<string, string> Mark => new(Variable, _mark);

    /// <summary>Memory (PSS) of its processes without the jobs they run, which are <c>sleep</c>s, in KiB.</summary>
    public double MemoryWithoutSleeps() =>
        Living()
            .Where(p => Name(p) != "sleep")
            .Sum(p =>
            {
                try
                {
                    return new LiveProcess(p).Proportional * 1024;
                }
                catch (Exception e) when (Gone(e))
                {
                    return 0;
                }
            });

    public int Sleeps() => Living().Count(p => Name(p) == "sleep");

    public void Kill()
    {
        // Some start successors while they die; two empty looks are enough, ten are the limit.
        for (var look = 0; look < 10 && Living() is { Count: > 0 } living; look++)
        {
            living.ForEach(p => _ = Native.Signal(p, Native.Kill));
            Thread.Sleep(50);
        }
    }

    private List<int> Living()
    {
        var living = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                int.TryParse(
                    Path.GetFileName(folder),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var pid
                )
                && pid != Environment.ProcessId
                && IsMarked(pid)
            )
            {
                living.Add(pid);
            }
        }

        return living;
    }

    private bool IsMarked(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/environ")
                .Split('\0')
                .Contains($"{Variable}={_mark}");
        }
        catch (Exception e) when (Gone(e))
        {
            return false;
        }
    }

    private static string Name(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").TrimEnd();
        }
        catch (Exception e) when (Gone(e))
        {
            return "";
        }
    }

    /// <summary>It ended between the listing and the look, or is another user's: not ours, then.</summary>
    private static bool Gone(Exception e) =>
        e is IOException or UnauthorizedAccessException or InvalidOperationException;
}
