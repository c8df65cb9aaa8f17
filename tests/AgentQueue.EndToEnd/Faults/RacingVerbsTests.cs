using System.Globalization;
using System.Text;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// 64 shells at once, each with a list of verbs in random order, on one queue of 200 tasks: nothing is
/// started twice, the limit holds, and nothing that was accepted is lost.
/// </summary>
public sealed class RacingVerbsTests(ITestOutputHelper output)
{
    private const int Shells = 64;
    private const int Commands = 2_000;
    private const int Limit = 4;

    [Needs(Machine.Bash)]
    [Trait("Fault", "F6")]
    public void Sixty_four_verbs_at_once_start_nothing_twice_and_lose_nothing() =>
        Fault.Inject(
            "F6",
            fault =>
            {
                var latencies = new List<double>();
                for (var round = 0; round < Fault.Count(5, 50); round++)
                {
                    Race(new Random(Fault.Seed + round), latencies);
                    fault.Injected(Commands);
                }

                latencies.Sort();
                output.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{latencies.Count} commands: median {latencies[latencies.Count / 2] * 1000:0} ms, p99 {latencies[latencies.Count * 99 / 100] * 1000:0} ms, longest {latencies[^1] * 1000:0} ms"
                    )
                );
            },
            seeded: true
        );

    private static void Race(Random random, List<double> latencies)
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");

        var works = box.Journal.Noting("sleep 0.01");
        var fails = box.Journal.Noting("false");
        var ids = ParallelRunTests
            .Batch(box, 100, works)
            .Concat(ParallelRunTests.Batch(box, 100, fails))
            .ToList();
        var scripts = Directory.CreateDirectory(Path.Join(box.Outside, "shells")).FullName;
        for (var shell = 0; shell < Shells; shell++)
        {
            File.WriteAllText(
                Path.Join(scripts, $"{shell}.sh"),
                Script(random, ids, Commands / Shells + (shell < Commands % Shells ? 1 : 0))
            );
        }

        box.Environment["WORKS"] = works;
        box.Environment["FAILS"] = fails;
        Invariants.Reading(
            Path.Join(box.Queue, "tasks"),
            () =>
                box.Sh(
                        $"cd {scripts}; for i in *.sh; do (cd {box.Folder}; exec bash {scripts}/$i {scripts}/$i) & done; wait",
                        seconds: 300
                    )
                    .Gives(0)
        );
        box.Run("run", "--drain", "--parallel", $"{Limit}", "--wait").Gives(0, 3, 4);

        Check(box, scripts, ids);
        foreach (var line in All(scripts, "took"))
        {
            latencies.Add(double.Parse(line, CultureInfo.InvariantCulture));
        }
    }

    private static void Check(Sandbox box, string scripts, List<string> ids)
    {
        // A verb refused for a reason that it told, or its work was not a success; never worse.
        var codes = All(scripts, "codes").Select(static l => l.Split(' ')).ToList();
        Assert.Equal(Commands, codes.Count);
        foreach (var words in codes)
        {
            Assert.True(words[0] is "0" or "1" or "3" or "4", string.Join(' ', words));
            Assert.True(words[0] != "1" || words[1] == "told", string.Join(' ', words));
        }

        var accepted = ids.Concat(All(scripts, "ids"));
        var cleaned = All(scripts, "cleaned")
            .SelectMany(static l => l.Split('"'))
            .Where(static w => w.StartsWith("task_", StringComparison.Ordinal))
            .ToHashSet(StringComparer.Ordinal);
        var shown = box.Run("status", "--all", "--format", "ids").Gives(0).Lines.ToHashSet();
        Assert.DoesNotContain(accepted, id => !shown.Contains(id) && !cleaned.Contains(id));
        Assert.DoesNotContain(shown, cleaned.Contains);
        Assert.Equal(box.Ids, shown.Order(StringComparer.Ordinal));

        Assert.All(box.Tasks, static t => Assert.True(t.IsFinished, t.ToString()));
        box.HoldInJournal(Limit);
        box.HoldInFiles();
        box.HoldStill();
        box.LeaveNothingRunning();
    }

    private static IEnumerable<string> All(string scripts, string what) =>
        Directory
            .EnumerateFiles(scripts, $"*.{what}")
            .SelectMany(File.ReadAllLines)
            .Where(static l => l.Length > 0);

    private static string Script(Random random, List<string> ids, int count)
    {
        var text = new StringBuilder(
            """
            # Nothing but agentq itself is started here: 64 shells share the processors with it.
            take() {
              local what=$1 begun=$EPOCHREALTIME code told=
              shift
              agentq "$@" >> $me.$what 2> $me.err
              code=$?
              printf '%.6f\n' "$(( ${EPOCHREALTIME/./} - ${begun/./} ))e-6" >> $me.took
              [ $code = 0 ] || read -r told < $me.err
              echo "$code ${told:+told} $* $told" >> $me.codes
            }
            me=$1

            """
        );
        for (var i = 0; i < count; i++)
        {
            var id = ids[random.Next(ids.Count)];
            text.Append(
                random.Next(10) switch
                {
                    0 => "take ids start shell \"$WORKS\" --quiet\n",
                    1 => "take ids start shell \"$FAILS\" --quiet --run\n",
                    2 or 3 => $"take none run --parallel {Limit}\n",
                    4 => $"take none run {id} --parallel {Limit}\n",
                    5 => $"take none cancel {id}\n",
                    6 => $"take ids retry {id} --quiet\n",
                    7 => "take cleaned clean all --yes --json\n",
                    8 => "take none status\n",
                    _ => "take none status --all --format ids\n",
                }
            );
        }

        return text.ToString();
    }
}
