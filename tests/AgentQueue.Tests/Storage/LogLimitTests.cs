using System.Globalization;
using System.Text;
using AgentQueue.Faults;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Tests.Storage;

[Trait("Fault", "S18")]
public sealed class LogLimitTests : IDisposable
{
    private const int Limit = 64 * 1024;

    private readonly string _folder = Directory.CreateTempSubdirectory("agentq-").FullName;
    private int _lines;

    private string Log => Path.Join(_folder, "log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_log_within_its_limit_is_left_alone()
    {
        Print(1000);
        var before = File.ReadAllBytes(Log);
        Assert.False(LogLimit.Apply(ProjectQueue.RealDisk, Log, before.Length));
        Assert.False(LogLimit.Apply(ProjectQueue.RealDisk, Log, 0));
        Assert.Equal(before, File.ReadAllBytes(Log));
    }

    [Fact]
    public void The_newer_half_stays_in_whole_lines_and_what_is_missing_is_told() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                var printed = 0L;
                for (var round = 0; round < 20; round++)
                {
                    printed += Print(20_000);
                    Assert.True(LogLimit.Apply(ProjectQueue.RealDisk, Log, Limit));
                    fault.Injected();

                    var lines = File.ReadAllLines(Log);
                    Assert.InRange(new FileInfo(Log).Length, Limit / 4, Limit);
                    Assert.Equal(_lines, Number(lines[^1]));
                    Assert.Equal(lines.Length - 1, _lines - Number(lines[1]) + 1);
                    var kept = new FileInfo(Log).Length - LogNote.FixedLength;
                    Assert.StartsWith(
                        string.Create(CultureInfo.InvariantCulture, $"[agentq: {printed - kept} "),
                        lines[0],
                        StringComparison.Ordinal
                    );
                }
            }
        );

    [Fact]
    public void A_reader_that_follows_gets_each_line_once_over_all_cuts() =>
        Fault.Inject(
            "S18",
            fault =>
            {
                Print(10);
                using var reader = LogReader.TryOpen(ProjectQueue.RealDisk, Log)!;
                var seen = new StringBuilder();
                for (var round = 0; round < 30; round++)
                {
                    Read(reader, seen);
                    // Less than what stays, so nothing that was not read is dropped.
                    Print(round % 3 == 0 ? 100 : 2_500);
                    if (LogLimit.Apply(ProjectQueue.RealDisk, Log, Limit))
                    {
                        fault.Injected();
                        // Grown beyond the reader's place again, before it looks.
                        Print(round % 2 == 0 ? 0 : 2_500);
                    }
                }

                Read(reader, seen);
                Assert.Equal(
                    Enumerable.Range(1, _lines),
                    seen.ToString()
                        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                        .Select(Number)
                );
            }
        );

    [Fact]
    public void One_endless_line_is_cut_as_well()
    {
        File.WriteAllText(Log, new string('x', 5_000_000));
        Assert.True(LogLimit.Apply(ProjectQueue.RealDisk, Log, Limit));
        Assert.InRange(new FileInfo(Log).Length, Limit / 2, Limit);
        Assert.EndsWith("xxx", File.ReadAllText(Log), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_in_the_place_of_a_log_is_not_followed()
    {
        var target = Path.Join(_folder, "target");
        File.WriteAllText(target, new string('x', 3 * Limit));
        File.CreateSymbolicLink(Log, target);
        Assert.False(LogLimit.Apply(ProjectQueue.RealDisk, Log, Limit));
        Assert.Equal(3 * Limit, new FileInfo(target).Length);
    }

    private static void Read(LogReader reader, StringBuilder seen)
    {
        while (reader.Next() is { IsEmpty: false } piece)
        {
            seen.Append(Encoding.ASCII.GetString(piece));
        }
    }

    private static int Number(string line) =>
        int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);

    private int Print(int lines)
    {
        var text = new StringBuilder();
        for (var i = 0; i < lines; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"line {++_lines}\n");
        }

        File.AppendAllText(Log, text.ToString());
        return text.Length;
    }
}
