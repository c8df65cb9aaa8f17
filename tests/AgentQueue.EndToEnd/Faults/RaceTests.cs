using System.Globalization;
using System.Text;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Verbs that race what runs, ten at a time behind one gate: a task ends in one way, is retried once, and is
/// cleaned only when it has ended.
/// </summary>
public sealed class RaceTests
{
    private const int AtOnce = 10;

    // Whoever has opened the gate waits until its last writer closes it; the verbs must not keep it open.
    private const string Prelude = """
        set -e
        cd ../outside; mkfifo gate pause; exec 9<>pause; cd ../project
        pause() { read -t $1 -u 9 || true; }
        each_ready() {
          for look in {1..4000}; do
            mapfile -t lines < ../outside/ready.$1 2>/dev/null || true
            (( ${#lines[@]} >= AT_ONCE )) && return
            pause 0.005
          done
          echo "the agents of round $1 do not start" >&2
          exit 1
        }

        """;

    [Needs(Machine.Bash)]
    [Trait("Fault", "F20")]
    public void Cancel_races_the_end_and_there_is_one_outcome() =>
        Fault.Inject(
            "F20",
            fault =>
            {
                using var box = new Sandbox();
                var script = Gated(box, exit: 0);
                var rounds = Fault.Count(500, 5_000) / AtOnce;
                var random = new Random(Fault.Seed);
                for (var round = 0; round < rounds; round++)
                {
                    BeginRound(script, round);
                    script.Append(
                        CultureInfo.InvariantCulture,
                        $$"""
                        pids=()
                        for id in $ids; do agentq cancel $id >> ../outside/out 2>> ../outside/err 8>&- & pids+=($!); done
                        pause 0.0{{random.Next(500):000}}
                        exec 8>&-
                        i=0
                        for id in $ids; do code=0; wait ${pids[i]} || code=$?; i=$((i+1)); echo "$code $id" >> ../outside/codes; done
                        agentq wait $ids >> ../outside/out || true

                        """
                    );
                }

                Run(box, script);
                var outcomes = new HashSet<string>();
                foreach (var line in File.ReadAllLines(Path.Join(box.Outside, "codes")))
                {
                    fault.Injected();
                    var task = box.Task(line.Split(' ')[1]);
                    // By the journal as well: the agent itself ended by its own or by TERM.
                    Assert.Equal(line[0] == '0' ? "cancelled" : "complete", task.Status);
                    outcomes.Add(task.Status);
                }

                Assert.Equal(rounds * AtOnce, box.Ids.Count);
                Assert.Equal(2, outcomes.Count);
                Settled(box);
            },
            seeded: true
        );

    [Needs(Machine.Bash)]
    [Trait("Fault", "F20")]
    public void Retry_races_the_supervisor_and_there_is_one_retry() =>
        Fault.Inject(
            "F20",
            fault =>
            {
                using var box = new Sandbox();
                var script = Gated(box, exit: 1);
                var rounds = Fault.Count(500, 5_000) / AtOnce;
                var random = new Random(Fault.Seed);
                for (var round = 0; round < rounds; round++)
                {
                    BeginRound(script, round);
                    script.Append(
                        CultureInfo.InvariantCulture,
                        $$"""
                        pids=()
                        {{(random.Next(2) == 0 ? "exec 8>&-" : "")}}
                        for id in $ids $ids; do agentq retry $id --quiet >> ../outside/made 2>> ../outside/err 8>&- & pids+=($!); done
                        pause 0.0{{random.Next(300):000}}
                        exec 8>&-
                        i=0
                        for id in $ids $ids; do code=0; wait ${pids[i]} || code=$?; i=$((i+1)); echo "$code $id" >> ../outside/codes; done
                        agentq wait $ids >> ../outside/out || true

                        """
                    );
                }

                Run(box, script);
                var made = File.ReadAllLines(Path.Join(box.Outside, "made")).ToHashSet();
                var retried = 0;
                foreach (
                    var group in File.ReadAllLines(Path.Join(box.Outside, "codes"))
                        .Select(static l => l.Split(' '))
                        .GroupBy(static w => w[1], static w => w[0])
                )
                {
                    fault.Injected();
                    var task = box.Task(group.Key);
                    Assert.Equal("failed", task.Status);
                    Assert.All(group, static code => Assert.True(code is "0" or "1", code));
                    Assert.Equal(group.Count(static c => c == "0"), task.RetriedBy is null ? 0 : 1);
                    if (task.RetriedBy is { } retry)
                    {
                        Assert.Contains(retry, made);
                        Assert.Equal(
                            (group.Key, 1),
                            (box.Task(retry).Parent, box.Task(retry).RetryCount)
                        );
                        retried++;
                    }
                }

                Assert.Equal(made.Count, retried);
                Assert.Equal(rounds * AtOnce + retried, box.Ids.Count);
                Assert.InRange(retried, 1, rounds * AtOnce);
                Settled(box);
            },
            seeded: true
        );

    [Needs(Machine.Bash)]
    [Trait("Fault", "F20")]
    public void Clean_races_start_and_takes_only_what_has_ended() =>
        Fault.Inject(
            "F20",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false, \"parallel\": 8");
                box.Environment["WORKS"] = box.Journal.Noting("true");
                var random = new Random(Fault.Seed);
                var rounds = Fault.Count(500, 5_000) / AtOnce;
                var script = new StringBuilder("cd ../project\n");
                for (var round = 0; round < rounds; round++)
                {
                    var verbs = Enumerable
                        .Repeat("start shell \"$WORKS\" --quiet --run >> ../outside/ids", 5)
                        .Concat(
                            Enumerable.Repeat("start shell \"$WORKS\" --quiet >> ../outside/ids", 5)
                        )
                        .Append("run --parallel 8 > /dev/null")
                        .Concat(
                            Enumerable
                                .Range(0, 4)
                                .Select(i => $"clean all --yes --json >> ../outside/cleaned.{i}")
                        )
                        .ToArray();
                    random.Shuffle(verbs);
                    foreach (var verb in verbs)
                    {
                        script.Append(
                            CultureInfo.InvariantCulture,
                            $"{{ agentq {verb} 2>> ../outside/err || echo \"$? {verb.Split(' ')[0]}\" >> ../outside/codes; }} &\n"
                        );
                    }

                    script.Append("wait\n");
                }

                Run(box, script);
                box.Run("run", "--drain", "--parallel", "8", "--wait").Gives(0);

                var accepted = File.ReadAllLines(Path.Join(box.Outside, "ids"));
                fault.Injected(accepted.Length);
                Assert.Equal(rounds * AtOnce, accepted.Length);
                var cleaned = Directory
                    .EnumerateFiles(box.Outside, "cleaned.*")
                    .SelectMany(File.ReadAllLines)
                    .SelectMany(static l => l.Split('"'))
                    .Where(static w => w.StartsWith("task_", StringComparison.Ordinal))
                    .ToHashSet(StringComparer.Ordinal);
                Assert.NotEmpty(cleaned);
                Assert.Equal(
                    accepted.Order(StringComparer.Ordinal),
                    cleaned.Concat(box.Ids).Distinct().Order(StringComparer.Ordinal)
                );
                Assert.All(
                    accepted,
                    id =>
                    {
                        Assert.Contains(("start", id), box.Journal.Lines);
                        Assert.Contains(("stop", id), box.Journal.Lines);
                    }
                );
                Assert.Empty(
                    Directory
                        .EnumerateFiles(Path.Join(box.Queue, "tasks"), "task_*")
                        .Select(static f => Path.GetFileName(f).Split('.')[0])
                        .Except(box.Ids)
                );
                Settled(box);
            },
            seeded: true
        );

    private static StringBuilder Gated(Sandbox box, int exit)
    {
        box.Settings("\"fsync\": false");
        var prompt = box.Journal.Noting(
            $"exec 5< {box.Outside}/gate; echo >> {box.Outside}/ready.$ROUND; read x <&5; (exit {exit})"
        );
        box.Write(
            "batch.jsonl",
            string.Concat(
                Enumerable.Repeat(
                    System.Text.Json.JsonSerializer.Serialize(new { agent = "shell", prompt })
                        + "\n",
                    AtOnce
                )
            )
        );
        return new StringBuilder(Prelude.Replace("AT_ONCE", $"{AtOnce}", StringComparison.Ordinal));
    }

    private static void BeginRound(StringBuilder script, int round) =>
        script.Append(
            CultureInfo.InvariantCulture,
            $"""
            exec 8<>../outside/gate
            export ROUND={round}
            ids=$(agentq start --batch batch.jsonl 8>&-)
            agentq run $ids > /dev/null 8>&-
            each_ready {round}

            """
        );

    private static void Run(Sandbox box, StringBuilder script)
    {
        box.Write("../outside/race.sh", script.ToString());
        box.Sh("exec bash ../outside/race.sh", seconds: 280).Gives(0);
    }

    private static void Settled(Sandbox box)
    {
        box.Run("cancel", "--all").Gives(0, 1);
        box.HoldInJournal(AtOnce);
        box.HoldInFiles();
        box.HoldStill();
        box.LeaveNothingRunning();
    }
}
