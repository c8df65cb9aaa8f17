using System.Globalization;

namespace AgentQueue.Faults;

/// <summary>
/// One fault of docs/faults.md, while a test injects it. What it counts becomes a line of the table that
/// <c>./build.sh faults</c> ends with; a test that breaks an invariant, or anything else, counts as a
/// violation and fails.
/// </summary>
/// <remarks>A test of a fault carries <c>[Trait("Fault", "F6")]</c>, by which it is found.</remarks>
internal sealed class Fault
{
    private readonly string _id;
    private long _injections;

    private Fault(string id) => _id = id;

    /// <summary>True in <c>./build.sh faults --long</c>: an hour instead of minutes.</summary>
    public static bool IsLong { get; } =
        Environment.GetEnvironmentVariable("AGENTQ_FAULTS") == "long";

    /// <summary>How often to inject: as CI does, or as a night does.</summary>
    public static int Count(int usual, int atLength) => IsLong ? atLength : usual;

    /// <summary>
    /// The seed of whatever is random: the same in every run, unless <c>AGENTQ_FIRST_SEED</c> says another,
    /// so that a failure is replayed by its number.
    /// </summary>
    public static int Seed { get; } =
        int.TryParse(
            Environment.GetEnvironmentVariable("AGENTQ_FIRST_SEED"),
            CultureInfo.InvariantCulture,
            out var seed
        )
            ? seed
            : 1;

    /// <param name="id">As in docs/faults.md: <c>F6</c>, <c>S8</c>.</param>
    /// <param name="seeded">The injections follow from <see cref="Seed"/>.</param>
    public static void Inject(string id, Action<Fault> test, bool seeded = false)
    {
        var fault = new Fault(id);
        var broken = 1;
        try
        {
            test(fault);
            Assert.True(fault._injections > 0, $"{id} has injected nothing");
            broken = 0;
        }
        finally
        {
            fault.Report(broken, seeded ? Seed : null);
        }
    }

    /// <summary>May be called from many threads.</summary>
    public void Injected(long times = 1) => Interlocked.Add(ref _injections, times);

    // A line of a file of its own, because tests of several processes report at once.
    private void Report(int violations, int? seed)
    {
        if (Environment.GetEnvironmentVariable("AGENTQ_FAULT_REPORTS") is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(
                Path.Join(folder, Path.GetRandomFileName()),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_id}\t{_injections}\t{violations}\t{(seed is { } s ? s : "")}\n"
                )
            );
        }
    }
}
