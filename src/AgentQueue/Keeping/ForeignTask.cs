using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>
/// A task file of the older tool, read as leniently as it was written: naive times, pids as text, errors of
/// any JSON type, members that nobody knows. It becomes one of ours by <see cref="ToTask"/>.
/// </summary>
internal sealed class ForeignTask
{
    /// <summary>The member of our task file that tells where it came from.</summary>
    public const string Mark = "imported";

    // Of the older tool and without a meaning here: paths come from the id, processes are gone.
    private static readonly HashSet<string> s_dropped = ["taskId", "planFile", "logFile", "pid"];

    // Ours and not the older tool's: whatever it means there, it must not steer anything here.
    private static readonly HashSet<string> s_ours =
    [
        "version",
        "reason",
        "name",
        "labels",
        "cwd",
        "env",
        "exitCode",
        "note",
        "attempt",
        "idleTimeout",
        "held",
        "notBefore",
        "dependenciesMet",
        "retryIntent",
        Mark,
    ];

    private readonly Dictionary<string, JsonElement> _members;
    private readonly DateTimeOffset _modified;

    private ForeignTask(
        ImportSource source,
        string stem,
        bool archived,
        Dictionary<string, JsonElement> members,
        DateTimeOffset modified
    )
    {
        (Source, Stem, IsArchived, _members, _modified) = (
            source,
            stem,
            archived,
            members,
            modified
        );
        OwnId = Text("taskId") ?? stem;
        Pid = PidIn(members);
        Key = Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    string.Join('\n', stem, Text("createdAt"), Text("agent"), Text("prompt"))
                )
            )
        )[..16];
    }

    public ImportSource Source { get; }

    /// <summary>The name of its file without <c>.json</c>; its other files are named after it.</summary>
    public string Stem { get; }

    /// <summary>What it calls itself; nearly always the same.</summary>
    public string OwnId { get; }
    public bool IsArchived { get; }
    public int? Pid { get; }

    /// <summary>The same for every copy of the task, whatever has become of it.</summary>
    public string Key { get; }

    /// <exception cref="FormatException">The message says why it cannot be used.</exception>
    public static ForeignTask Read(
        ImportSource source,
        string stem,
        bool archived,
        ReadOnlyMemory<byte> json,
        DateTimeOffset modified
    )
    {
        try
        {
            if (json.Span.StartsWith("\uFEFF"u8))
            {
                json = json[3..];
            }

            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new FormatException("it is not a JSON object");
            }

            var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                // The older tool took the last of several.
                members[member.Name] = member.Value.Clone();
            }

            return new ForeignTask(source, stem, archived, members, modified);
        }
        catch (JsonException e)
        {
            throw new FormatException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"it is not valid JSON (line {e.LineNumber + 1})"
                ),
                e
            );
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException("it holds text that is not valid Unicode", e);
        }
    }

    /// <summary>The task as one of ours, in the state that its file says.</summary>
    /// <param name="map">The id here of a task that this one names; null if there is none.</param>
    /// <exception cref="FormatException">The message says why it cannot be used.</exception>
    public AgentTask ToTask(TaskId id, Func<string, TaskId?> map, List<string> changes)
    {
        var lost = false;
        try
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var w = new Utf8JsonWriter(buffer))
            {
                w.WriteStartObject();
                w.WriteString("taskId"u8, id.Value);
                foreach (var (name, value) in _members)
                {
                    if (!s_dropped.Contains(name) && !s_ours.Contains(name))
                    {
                        lost |= !Write(w, name, value, map, changes);
                    }
                }

                if (!IsTime("createdAt"))
                {
                    w.WriteString("createdAt"u8, _modified);
                    changes.Add("it says no time of creation; its file's time was taken");
                }

                WriteMark(w);
                w.WriteEndObject();
            }

            NoteOutOfRange(changes);
            var task = TaskJson.Read(buffer.WrittenSpan, id);
            return lost && task.State is TaskState.Pending pending
                ? task with
                {
                    State = pending with { Held = true },
                }
                : task;
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException("it holds text that is not valid Unicode", e);
        }
    }

    // False if a dependency had to be left out.
    private bool Write(
        Utf8JsonWriter w,
        string name,
        JsonElement value,
        Func<string, TaskId?> map,
        List<string> changes
    )
    {
        switch (name)
        {
            case "createdAt" when !IsTime(name):
                return true;
            case "status":
                w.WriteString(name, StatusOf(value, changes));
                return true;
            case "parentTaskId" or "retriedBy" or "blockedBy":
                w.WriteString(name, Mapped(value, map)?.Value);
                return true;
            case "dependsOn":
                return WriteDependencies(w, value, map, changes);
            case "retryHistory":
                WriteHistory(w, value, map);
                return true;
            default:
                w.WritePropertyName(name);
                value.WriteTo(w);
                return true;
        }
    }

    // What assistants wrote by hand, too.
    private static string? StatusOf(JsonElement value, List<string> changes)
    {
        var status = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        var known = status switch
        {
            "completed" => "complete",
            "canceled" => "cancelled",
            _ => status,
        };
        if (known != status)
        {
            changes.Add($"its status '{status}' is '{known}' here");
        }

        return known;
    }

    private static bool WriteDependencies(
        Utf8JsonWriter w,
        JsonElement value,
        Func<string, TaskId?> map,
        List<string> changes
    )
    {
        var complete = true;
        w.WriteStartArray("dependsOn"u8);
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
            {
                if (Mapped(item, map) is { } id)
                {
                    w.WriteStringValue(id.Value);
                    continue;
                }

                changes.Add(
                    $"it depends on {item.GetRawText()}, which does not exist; that was left out and the task is held, if it is pending"
                );
                complete = false;
            }
        }

        w.WriteEndArray();
        return complete;
    }

    private static void WriteHistory(Utf8JsonWriter w, JsonElement value, Func<string, TaskId?> map)
    {
        w.WriteStartArray("retryHistory"u8);
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (
                var record in value
                    .EnumerateArray()
                    .Where(static r => r.ValueKind == JsonValueKind.Object)
            )
            {
                w.WriteStartObject();
                foreach (var member in record.EnumerateObject())
                {
                    if (member.Name == "retriedFrom")
                    {
                        w.WriteString(member.Name, Mapped(member.Value, map)?.Value);
                    }
                    else
                    {
                        member.WriteTo(w);
                    }
                }

                w.WriteEndObject();
            }
        }

        w.WriteEndArray();
    }

    private void WriteMark(Utf8JsonWriter w)
    {
        w.WriteStartObject(Mark);
        w.WriteString("from"u8, Stem);
        w.WriteString("key"u8, Key);
        var others = _members.Where(static m => s_ours.Contains(m.Key)).ToList();
        if (others.Count > 0)
        {
            w.WriteStartObject("also"u8);
            foreach (var (name, value) in others)
            {
                w.WritePropertyName(name);
                value.WriteTo(w);
            }

            w.WriteEndObject();
        }

        w.WriteEndObject();
    }

    private void NoteOutOfRange(List<string> changes)
    {
        if (Number("priority") is { } priority and (< 1 or > 10))
        {
            changes.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"its priority {priority} is {Math.Clamp(priority, 1, 10)} here"
                )
            );
        }

        foreach (var name in (ReadOnlySpan<string>)["timeout", "timeoutWarning", "maxRetries"])
        {
            if (Number(name) is { } number and < 0)
            {
                changes.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"its {name} of {number} was left out"
                    )
                );
            }
        }

        var others = _members.Keys.Where(s_ours.Contains).Order(StringComparer.Ordinal).ToList();
        if (others.Count > 0)
        {
            changes.Add(
                $"{string.Join(", ", others)} would mean something here and is kept under '{Mark}' instead"
            );
        }
    }

    private static TaskId? Mapped(JsonElement value, Func<string, TaskId?> map) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { } text ? map(text) : null;

    private string? Text(string name) =>
        _members.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private double? Number(string name) =>
        _members.TryGetValue(name, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out var number)
            ? number
            : null;

    private bool IsTime(string name) =>
        Text(name) is { } text
        && DateTimeOffset.TryParse(
            text,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeLocal,
            out _
        );

    private static int? PidIn(Dictionary<string, JsonElement> members)
    {
        if (!members.TryGetValue("pid", out var value))
        {
            return null;
        }

        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        };
        return
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            && pid > 1
            ? pid
            : null;
    }
}
