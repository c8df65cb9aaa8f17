using System.Globalization;
using System.Text;
using AgentQueue.Agents;
using AgentQueue.Config;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Agents;

/// <summary>
/// What is understood of each agent's output: <c>Streams/NAME/CASE.log</c> is one as its format is known, with
/// what goes to standard error between, and a snapshot says what was found in it.
/// </summary>
public sealed class AdapterStreamTests
{
    private static readonly string s_folder = Repository.PathOf(
        "tests/AgentQueue.Tests/Agents/Streams"
    );

    private static readonly DateTimeOffset s_now = new(2026, 11, 5, 20, 0, 0, TimeSpan.Zero);

    private static readonly Adapters s_adapters = new(s_folder, userFolder: null);

    private static readonly string[] s_agents =
    [
        .. Directory
            .EnumerateDirectories(s_folder)
            .Select(static d => Path.GetFileName(d))
            .Order(StringComparer.Ordinal),
    ];

    public static TheoryData<string> Agents => [.. s_agents];

    [Fact]
    public void Every_adapter_but_the_shell_has_streams()
    {
        var all = s_adapters.Names.Select(static n => n.Name).Except([AgentDefinition.Shell]);
        Assert.Equal(all, s_agents);
    }

    [Theory]
    [MemberData(nameof(Agents))]
    public void Of_its_streams_is_understood(string agent)
    {
        var adapter = s_adapters.Find(agent);
        var text = new StringBuilder();
        foreach (var (name, log) in Streams(agent))
        {
            text.AppendLine($"== {name}").AppendLine(Describe(adapter, log)).AppendLine();
        }

        Snapshot.Verify(text.ToString(), agent);
    }

    [Theory]
    [MemberData(nameof(Agents))]
    public void It_does_not_matter_how_a_stream_is_cut_into_pieces(string agent)
    {
        var adapter = s_adapters.Find(agent);
        foreach (var (name, log) in Streams(agent))
        {
            var whole = FactsOf(adapter, log);
            for (var at = 0; at <= log.Length; at += StepOf(name))
            {
                Assert.Equal(whole, FactsOf(adapter, log[..at], log[at..]));
            }

            Assert.Equal(whole, FactsOf(adapter, [.. log.Select(static b => new[] { b })]));
        }
    }

    [Theory]
    [MemberData(nameof(Agents))]
    public void A_stream_may_end_anywhere_and_what_stood_before_counts(string agent)
    {
        var adapter = s_adapters.Find(agent);
        foreach (var (name, log) in Streams(agent))
        {
            string? session = null;
            for (var at = 0; at <= log.Length; at += StepOf(name))
            {
                var stream = Read(adapter, log.AsSpan(0, at));
                session ??= stream.Facts.Session;
                Assert.Equal(session, stream.Facts.Session);
                Assert.True(
                    stream.Used.Cost is not 0 || Has(log, "\"total_cost_usd\":0", "\"cost\":0")
                );
            }
        }
    }

    [Theory]
    [MemberData(nameof(Agents))]
    public void Noise_between_the_lines_changes_nothing_but_the_noise(string agent)
    {
        var adapter = s_adapters.Find(agent);
        byte[] noise =
        [
            .. "Warning: old\n{ not: json }\n{\"half\": \n\0\0\0\n"u8,
            0xff,
            0xc3,
            (byte)'\n',
            .. "[1,2,3]\n\"text\"\nnull\n\n  \n"u8,
            .. Encoding.UTF8.GetBytes(new string('[', 5000) + "\n"),
            .. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 300)) + "\n"),
        ];
        foreach (var (_, log) in Streams(agent))
        {
            var lines = Lines(log);
            var noisy = lines.SelectMany(line => (byte[])[.. noise, .. line]).Concat(noise);
            Assert.Equal(
                FactsOf(adapter, log, hasNoise: false),
                FactsOf(adapter, [.. noisy], hasNoise: false)
            );
        }
    }

    // Every byte of one stream of each, so that this stays fast.
    private static int StepOf(string name) => name == "good" ? 1 : 29;

    private static IEnumerable<(string Name, byte[] Log)> Streams(string agent) =>
        Directory
            .EnumerateFiles(Path.Join(s_folder, agent), "*.log")
            .Order(StringComparer.Ordinal)
            .Select(static f => (Path.GetFileNameWithoutExtension(f), File.ReadAllBytes(f)));

    private static IEnumerable<byte[]> Lines(byte[] log)
    {
        for (var begin = 0; begin < log.Length; )
        {
            var end = Array.IndexOf(log, (byte)'\n', begin) + 1;
            yield return log[begin..end];
            begin = end;
        }
    }

    private static bool Has(byte[] log, params string[] texts) =>
        texts.Any(t => Encoding.UTF8.GetString(log).Contains(t, StringComparison.Ordinal));

    private static AgentStream Read(
        Adapter adapter,
        ReadOnlySpan<byte> log,
        Action<StreamEvent>? tell = null
    )
    {
        var stream = new AgentStream(adapter.Stream ?? new StreamFormat(), tell);
        stream.Feed(log);
        stream.EndLine();
        return stream;
    }

    private static string FactsOf(Adapter adapter, params byte[][] pieces) =>
        FactsOf(adapter, hasNoise: true, pieces);

    private static string FactsOf(Adapter adapter, byte[] log, bool hasNoise) =>
        FactsOf(adapter, hasNoise, log);

    private static string FactsOf(Adapter adapter, bool hasNoise, params byte[][] pieces)
    {
        var stream = new AgentStream(adapter.Stream ?? new StreamFormat());
        foreach (var piece in pieces)
        {
            stream.Feed(piece);
        }

        stream.EndLine();
        var f = stream.Facts;
        return $"{f.Session} {f.Model} {f.Text} {stream.Used} {f.TurnsInAll} {f.ToolCalls} {f.HasEnded} {f.Error} {f.Retried} {f.ResetsAt} {f.ResetsIn} {f.Question} {f.Lines} {(hasNoise ? stream.NoiseTail : "")}";
    }

    private static string Describe(Adapter adapter, byte[] log)
    {
        var events = new StringBuilder();
        var stream = Read(adapter, log, e => events.AppendLine($"  {Line(e)}"));
        var (facts, used) = (stream.Facts, stream.Used);
        var error = ErrorReading.Of(
            adapter,
            s_adapters.Errors,
            facts,
            stream.NoiseTail,
            exit: null
        );
        var resets = ResetTime.Of(facts, stream.NoiseTail, s_now, TimeZoneInfo.Utc);
        return $"""
            session  {facts.Session ?? "-"}, model {facts.Model ?? "-"}
            text     {facts.Text?.ReplaceLineEndings("\\n") ?? "-"}
            did      {facts.TurnsInAll?.ToText() ?? "-"} turns, {facts.ToolCalls} tool calls, {(
                facts.HasEnded ? "ended" : "not ended"
            )}
            used     in {Number(used.Input)}, out {Number(used.Output)}, cache read {Number(
                used.CacheRead
            )}, cache write {Number(used.CacheWrite)}, cost {used.Cost?.ToText() ?? "-"}
            error    {(facts.Error is null ? "none, else " : "")}{error.Class}, {error.Confidence}: {error.Message?.ReplaceLineEndings("\\n") ?? "-"}
            resets   {(resets is { } at ? $"in {(at - s_now).TotalSeconds} s" : "-")}
            question {facts.Question ?? "-"}
            {events.ToString().TrimEnd()}
            """;
    }

    private static string Number(long? tokens) =>
        tokens?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static string Line(StreamEvent told) =>
        told switch
        {
            StreamEvent.Begin e => $"begin {e.Session} {e.Model}",
            StreamEvent.Say e => $"say {e.Text}",
            StreamEvent.Piece e => $"piece {e.Text}",
            StreamEvent.Tool e => $"tool {e.Name} {e.Detail}",
            StreamEvent.Problem e => $"{(e.IsRetried ? "retry" : "error")} {e.Error.Message}",
            StreamEvent.Ask e => $"ask {e.Question}",
            StreamEvent.End => "end",
            StreamEvent.Noise e => $"noise {e.Line}",
            _ => told.ToString(),
        };
}
