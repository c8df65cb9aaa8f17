using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>
/// What is fixed about a run when it begins: <c>run.json</c> in its folder. How it goes is nowhere but in the
/// files of its tasks, so a change of state costs nothing here and nothing can contradict them.
/// </summary>
internal sealed record RunRecord
{
    public const string FileName = "run.json";
    private const int LongestFile = 512 << 20;

    public required RunId Id { get; init; }

    /// <summary>The plan's file, as it was typed.</summary>
    public required string Plan { get; init; }

    /// <summary>The copy of the plan in the run's folder.</summary>
    public required string Frozen { get; init; }

    public string? Goal { get; init; }

    /// <summary>Absolute.</summary>
    public required string WorkingFolder { get; init; }

    public required DrainRules Rules { get; init; }

    /// <summary>Absolute; null if artifacts are kept in the run's folder only.</summary>
    public string? ArtifactsFolder { get; init; }

    /// <summary>What was given with <c>--set</c>.</summary>
    public ImmutableSortedDictionary<string, string> Given { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The ids of the plan's tasks, in its order.</summary>
    public required ImmutableArray<string> Nodes { get; init; }

    /// <summary>The first attempt at each node; those that follow it are its retries.</summary>
    public TaskId TaskOf(int node) => Id.TaskOf(node + 1, Nodes.Length, Nodes[node]);

    /// <summary>The place of a node; negative if there is none of that id.</summary>
    public int IndexOf(string node) => Nodes.IndexOf(node);

    public byte[] Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var w = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            w.WriteStartObject();
            w.WriteNumber("version"u8, 1);
            w.WriteString("run"u8, Id.Value);
            w.WriteString("plan"u8, Plan);
            w.WriteString("frozen"u8, Frozen);
            w.WriteString("goal"u8, Goal);
            w.WriteString("workdir"u8, WorkingFolder);
            w.WriteString("rules"u8, Rules.ToString());
            w.WriteString("artifactsDir"u8, ArtifactsFolder);
            w.WriteStartObject("set"u8);
            foreach (var (name, value) in Given)
            {
                w.WriteString(name, value);
            }

            w.WriteEndObject();
            w.WriteString("createdAt"u8, CreatedAt.UtcDateTime);
            w.WriteStartArray("nodes"u8);
            foreach (var node in Nodes)
            {
                w.WriteStringValue(node);
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    /// <exception cref="QueueException">There is none, or it cannot be understood.</exception>
    public static RunRecord Read(QueueFolder queue, RunId id)
    {
        var path = Path.Join(queue.RunFolder(id), FileName);
        var read = queue.Disk.Read(path, LongestFile);
        if (read.Status == ReadStatus.Missing)
        {
            throw new QueueException(
                $"There is no run {id}",
                "See what there is: agentq plan list"
            );
        }

        try
        {
            using var json = JsonDocument.Parse(read.Content);
            return Of(id, json.RootElement);
        }
        catch (Exception e)
            when (e
                    is JsonException
                        or InvalidOperationException
                        or KeyNotFoundException
                        or FormatException
            )
        {
            throw new QueueException(
                $"Cannot read {path}: {read.Problem ?? e.Message}",
                "It was left as it is; its tasks are still there: agentq status --all",
                cause: e
            );
        }
    }

    private static RunRecord Of(RunId id, JsonElement root) =>
        new()
        {
            Id = id,
            Plan = root.GetProperty("plan").GetString() ?? "",
            Frozen = root.GetProperty("frozen").GetString() ?? "",
            Goal = root.GetProperty("goal").GetString(),
            WorkingFolder =
                root.GetProperty("workdir").GetString()
                ?? throw new FormatException("it names no working folder"),
            Rules =
                DrainRules.Parse(root.GetProperty("rules").GetString() ?? "")
                ?? throw new FormatException("its rules are none"),
            ArtifactsFolder = root.GetProperty("artifactsDir").GetString(),
            Given = root.GetProperty("set")
                .EnumerateObject()
                .ToImmutableSortedDictionary(
                    static p => p.Name,
                    static p => p.Value.GetString() ?? "",
                    StringComparer.Ordinal
                ),
            CreatedAt = root.GetProperty("createdAt").GetDateTimeOffset(),
            Nodes =
            [
                .. root.GetProperty("nodes")
                    .EnumerateArray()
                    .Select(static n => n.GetString() ?? ""),
            ],
        };
}
