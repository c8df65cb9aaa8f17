using System.Buffers;
using System.Text.Json;
using AgentQueue.Processes;
using AgentQueue.Storage;

namespace AgentQueue.Events;

/// <summary>
/// What an agent's rule has to remember from event to event, in <c>.agents/events/rules/AGENT.json</c>. Moments are
/// counted on the clock that no one can set, so they mean something on this machine until it is started again.
/// Used under the lock of the log.
/// </summary>
internal sealed class RuleMemory(QueueFolder queue, string agent, TimeProvider clock)
{
    private const int LongestFile = 1 << 20;

    // Occurrences that a join has used up, in case one of them is told again.
    private const int MostUsed = 100;

    private readonly List<string> _used = [];
    private readonly Dictionary<string, string> _joined = new(StringComparer.Ordinal);
    private string? _machine;
    private long? _start;
    private long? _end;
    private bool _changed;

    public static RuleMemory Of(QueueFolder queue, string agent, TimeProvider clock)
    {
        var memory = new RuleMemory(queue, agent, clock);
        memory.Load();
        return memory;
    }

    /// <summary>Since the last start that an event caused; null if none is known.</summary>
    public TimeSpan? SinceStart => Since(_start);

    /// <summary>Since the last end of a task that an event started; null if none is known.</summary>
    public TimeSpan? SinceEnd => Since(_end);

    public void NoteStart() => _start = Now();

    public void NoteEnd() => _end = Now();

    /// <summary>Notes that an event of a join has come; true if with it all have.</summary>
    /// <param name="names">What the join waits for.</param>
    /// <param name="came">Those that this occurrence is.</param>
    public bool Join(IEnumerable<string> names, IEnumerable<string> came, string occurrence)
    {
        if (_used.Contains(occurrence, StringComparer.Ordinal))
        {
            return false;
        }

        foreach (var name in came)
        {
            _joined[name] = occurrence;
            _changed = true;
        }

        return names.All(_joined.ContainsKey);
    }

    /// <summary>What came so far counts no more.</summary>
    public void Fired(string occurrence)
    {
        _used.AddRange(_joined.Values.Append(occurrence).Distinct().Except(_used));
        _used.RemoveRange(0, Math.Max(_used.Count - MostUsed, 0));
        _joined.Clear();
        _changed = true;
    }

    /// <summary>Those of a join that have come.</summary>
    public IReadOnlyCollection<string> Joined => _joined.Keys;

    public void Store()
    {
        if (!_changed)
        {
            return;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var w = new Utf8JsonWriter(buffer))
        {
            w.WriteStartObject();
            w.WriteString("machine"u8, ProcessIdentity.ThisMachine);
            Write(w, "start", _start);
            Write(w, "end", _end);
            w.WriteStartObject("joined"u8);
            foreach (var (name, occurrence) in _joined)
            {
                w.WriteString(name, occurrence);
            }

            w.WriteEndObject();
            w.WriteStartArray("used"u8);
            foreach (var occurrence in _used)
            {
                w.WriteStringValue(occurrence);
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        queue.Disk.CreateFolder(Folder);
        queue.Unsynced.ReplaceUnsynced(File, buffer.WrittenSpan);
        _changed = false;
    }

    private string Folder => Path.Join(queue.Events, "rules");

    private string File => Path.Join(Folder, agent + ".json");

    private void Load()
    {
        var read = queue.Disk.Read(File, LongestFile);
        if (read.Status != ReadStatus.Ok)
        {
            return;
        }

        try
        {
            using var document = JsonDocument.Parse(read.Content);
            var o = document.RootElement;
            _machine = o.GetProperty("machine").GetString();
            _start = Number(o, "start");
            _end = Number(o, "end");
            foreach (var joined in o.GetProperty("joined").EnumerateObject())
            {
                _joined[joined.Name] = joined.Value.GetString() ?? "";
            }

            _used.AddRange(
                o.GetProperty("used").EnumerateArray().Select(static u => u.GetString() ?? "")
            );
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // Somebody else wrote there. The rule begins anew.
            _joined.Clear();
        }
    }

    private static void Write(Utf8JsonWriter w, string name, long? value)
    {
        if (value is { } number)
        {
            w.WriteNumber(name, number);
        }
    }

    private static long? Number(JsonElement o, string name) =>
        o.TryGetProperty(name, out var value) && value.TryGetInt64(out var number) ? number : null;

    private TimeSpan? Since(long? moment) =>
        moment is { } at && _machine == ProcessIdentity.ThisMachine && Milliseconds() >= at
            ? TimeSpan.FromMilliseconds(Milliseconds() - at)
            : null;

    private long Now()
    {
        if (_machine != ProcessIdentity.ThisMachine)
        {
            _machine = ProcessIdentity.ThisMachine;
            _start = _end = null;
        }

        _changed = true;
        return Milliseconds();
    }

    private long Milliseconds() => clock.GetTimestamp() / (clock.TimestampFrequency / 1000);
}
