using System.Text;
using AgentQueue.Config;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// JSON made to cost much or to be read in two ways: refused with a reason or read as something bounded, at
/// a bounded price in memory, and the other tasks go on.
/// </summary>
public sealed class JsonBombTests
{
    private const long MostBytes = 32_000_000;
    private const int Million = 1_000_000;

    private static readonly TaskId s_id = TaskId.Parse("task_bomb");

    /// <summary>
    /// Members that follow those of an ordinary task, or (with a leading !) the whole file; and whether the
    /// file is refused. One that is not is read as a task like any other.
    /// </summary>
    private static readonly (string What, Func<string> Json, bool Refused)[] s_bombs =
    [
        ("deep arrays", () => "\"x\": " + new string('[', 100_000), true),
        ("65 deep, closed", () => $"\"x\": {new string('[', 65)}{new string(']', 65)}", true),
        ("60 deep", () => $"\"x\": {new string('[', 60)}{new string(']', 60)}", false),
        ("deep objects", () => "\"x\": " + Repeat("{\"a\":", 100_000), true),
        ("deep labels", () => "\"labels\": {\"a\": " + new string('[', 100_000), true),
        ("deep history", () => "\"retryHistory\": " + new string('[', 100_000), true),
        ("deep from the start", () => "!" + new string('[', Million), true),
        ("1e6 members", () => Many(i => $"\"m{i}\":{i}"), true),
        ("1e6 labels", () => $"\"labels\": {{{Many(i => $"\"l{i}\":\"\"")}}}", true),
        ("1e6 variables", () => $"\"env\": {{{Many(i => $"\"E{i}\":\"\"")}}}", true),
        ("1e6 dependencies", () => $"\"dependsOn\": [{Many(_ => "\"task_a\"")}]", true),
        ("1e6 attempts", () => $"\"retryHistory\": [{Many(_ => "{}")}]", true),
        ("1e6 in a list nobody knows", () => $"\"x\": [{Many(i => "1")}]", false),
        ("an id twice", () => "\"taskId\": \"task_bomb\"", true),
        ("a status twice", () => "\"status\": \"complete\"", true),
        ("a prompt twice, escaped", () => "\"\\u0070rompt\": \"rm -rf /\"", true),
        ("an unknown member twice", () => "\"x\": 1, \"x\": 2", true),
        (
            "a long name twice",
            () => $"\"{new string('x', Million)}\": 1, \"{new string('x', Million)}\": 2",
            true
        ),
        (
            "a long status",
            () =>
                $"!{{\"taskId\": \"task_bomb\", \"agent\": \"a\", \"prompt\": \"b\", \"status\": \"{new string('x', Million)}\"}}",
            true
        ),
        ("a label twice", () => "\"labels\": {\"a\": \"1\", \"a\": \"2\"}", true),
        ("a variable twice", () => "\"env\": {\"A\": \"1\", \"\\u0041\": \"2\"}", true),
        ("1e999 as priority", () => "\"priority\": 1e999", false),
        ("-1e999 as a limit", () => "\"timeout\": -1e999", false),
        ("1e308 as a limit", () => "\"timeout\": 1e308", false),
        ("a million digits", () => "\"attempt\": " + new string('9', Million), false),
        (
            "a million digits behind the point",
            () => "\"pid\": 0." + new string('9', Million),
            false
        ),
        ("2^63 attempts", () => "\"maxRetries\": 9223372036854775808", false),
        ("a negative pid", () => "\"pid\": -1, \"exitCode\": -99999999999", false),
        ("NaN", () => "\"priority\": NaN", true),
        ("Infinity", () => "\"priority\": -Infinity", true),
        ("a version of the future", () => "\"version\": 1e300", true),
        ("a text of 20 MB", () => $"\"name\": \"{new string('x', 20 * Million)}\"", true),
        ("20 MB and an escape", () => $"\"name\": \"\\n{new string('x', 20 * Million)}\"", true),
        ("a name of 20 MB", () => $"\"{new string('x', 20 * Million)}\": 1", true),
        ("a million escapes", () => $"\"name\": \"{Repeat("\\u0041", Million)}\"", false),
        ("half a pair", () => "\"name\": \"\\ud800\"", true),
        ("an unknown state", () => "!{\"taskId\": \"task_bomb\", \"status\": \"sleeping\"}", true),
        ("comments", () => "/* */ \"x\": 1", true),
        ("a comma too many", () => "\"x\": 1,", true),
        ("only blanks", () => "!" + new string(' ', 20 * Million), true),
        ("more behind it", () => "!{} {}", true),
        ("never closed", () => "\"x\": \"" + new string('x', Million), true),
    ];

    [Fact]
    [Trait("Fault", "S10")]
    public void A_task_file_costs_no_more_than_it_may() =>
        Fault.Inject(
            "S10",
            fault =>
            {
                foreach (var (what, json, refused) in s_bombs)
                {
                    var bytes = Bytes(json());
                    var before = GC.GetAllocatedBytesForCurrentThread();
                    var read = TryRead(bytes);
                    var cost = GC.GetAllocatedBytesForCurrentThread() - before;
                    fault.Injected();
                    Assert.True(
                        refused == read is null,
                        $"{what}: {read?.ToString() ?? "refused"}"
                    );
                    Assert.True(cost < MostBytes, $"{what} took {cost:N0} bytes");
                }
            }
        );

    [Fact]
    [Trait("Fault", "S10")]
    public void Each_is_reported_or_read_and_the_others_go_on() =>
        Fault.Inject(
            "S10",
            fault =>
            {
                using var temp = new TempQueue();
                var good = temp.Add("good");
                var refused = new HashSet<string>();
                for (var i = 0; i < s_bombs.Length; i++)
                {
                    fault.Injected();
                    var id = $"task_bomb{i}";
                    var text = Encoding.UTF8.GetString(Bytes(s_bombs[i].Json()));
                    File.WriteAllText(
                        Path.Join(temp.Queue.Tasks, id + ".json"),
                        text.Replace("\"task_bomb\"", $"\"{id}\"", StringComparison.Ordinal)
                    );
                    if (s_bombs[i].Refused)
                    {
                        refused.Add(id);
                    }
                }

                var snapshot = temp.Snapshot;

                Assert.Equal(
                    refused.Order(),
                    snapshot.Unreadable.Select(static u => u.Id.Value).Order()
                );
                Assert.Contains(snapshot.Unfinished, t => t.Id == good.Id);
                Assert.Equal(s_bombs.Length + 1 - refused.Count, snapshot.Count);
            }
        );

    /// <summary>The configuration and the settings, which anybody may have handed on.</summary>
    private static readonly (string What, Func<string> Json)[] s_configurations =
    [
        ("deep", () => new string('[', Million)),
        ("deep in an agent", () => "{\"agents\": {\"a\": " + Repeat("{\"env\":", 100_000)),
        ("1e6 agents", () => $"{{\"agents\": {{{Many(i => $"\"{i}\":1", 500_000)}}}}}"),
        (
            "an agent twice",
            () => "{\"agents\": {\"a\": {\"command\": \"x\"}, \"a\": {\"command\": \"y\"}}}"
        ),
        ("agents twice", () => "{\"agents\": {}, \"\\u0061gents\": {}}"),
        ("1e999", () => "{\"agents\": {\"a\": {\"command\": \"x\", \"maxParallel\": 1e999}}}"),
        (
            "a million digits",
            () =>
                $"{{\"agents\": {{\"a\": {{\"command\": \"x\", \"maxParallel\": {new string('9', Million)}}}}}}}"
        ),
        ("11 MB", () => new string(' ', 11 * Million)),
        ("half a pair", () => "{\"agents\": {\"a\": {\"command\": \"\\ud800\"}}}"),
        ("never closed", () => "{\"agents\": \"" + new string('x', Million)),
    ];

    [Fact]
    [Trait("Fault", "S10")]
    public void A_configuration_made_to_hurt_is_refused_whole() =>
        Fault.Inject(
            "S10",
            fault =>
            {
                using var temp = new TempQueue();
                foreach (var (what, json) in s_configurations)
                {
                    fault.Injected();
                    File.WriteAllText(Path.Join(temp.Root, AgentConfig.FileName), json());
                    var refusal = Record.Exception(() => AgentConfig.Load(temp.Root));
                    Assert.True(refusal is QueueException, $"{what}: {refusal}");
                    Assert.True(refusal.Message.Length < 4000, what);
                }
            }
        );

    [Fact]
    [Trait("Fault", "S10")]
    public void What_an_agent_reports_as_its_error_is_cut_to_what_people_read() =>
        Fault.Inject(
            "S10",
            fault =>
            {
                string[] reports =
                [
                    new('[', 500_000),
                    "{\"error\": " + new string('[', 500_000),
                    $"{{\"error\": \"{new string('x', 900_000)}\"}}",
                    $"{{\"error\": {new string('9', 900_000)}}}",
                    $"{{{Many(i => $"\"{i}\":1", 50_000)}}}",
                    "{\"error\": \"a\", \"error\": \"b\"}",
                    "{\"error\": \"\\ud800\"}",
                ];
                foreach (var report in reports)
                {
                    fault.Injected();
                    var before = GC.GetAllocatedBytesForCurrentThread();
                    Assert.InRange(Sentinels.ParseError(report).Message.Length, 1, 4001);
                    Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
                    Sentinels.ParseTimeoutLimit(report);
                }
            }
        );

    private static AgentTask? TryRead(byte[] json)
    {
        try
        {
            return TaskJson.Read(json, s_id);
        }
        catch (FormatException e)
        {
            Assert.InRange(e.Message.Length, 1, 300);
            return null;
        }
    }

    private static byte[] Bytes(string json) =>
        Encoding.UTF8.GetBytes(
            json[0] == '!'
                ? json[1..]
                : $$"""
                {"version": 1, "taskId": "task_bomb", "status": "pending", "agent": "shell",
                 "prompt": "true", "createdAt": "2026-11-21T12:00:00Z", {{json}} }
                """
        );

    private static string Repeat(string text, int times) =>
        new StringBuilder(text.Length * times).Insert(0, text, times).ToString();

    private static string Many(Func<int, string> one, int count = Million) =>
        string.Join(',', Enumerable.Range(0, count).Select(one));
}
