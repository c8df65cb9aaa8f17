using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>
/// A record as one line of JSON. Reading skips members that it does not know; a line that cannot be
/// understood is a <see cref="FormatException"/> whose message is the reason.
/// </summary>
internal static class ActionRecordJson
{
    private const int CurrentVersion = 1;

    private static readonly JsonWriterOptions s_write = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <returns>The line with its end.</returns>
    public static byte[] WriteLine(ActionRecord record)
    {
        var buffer = new ArrayBufferWriter<byte>(512 + record.Output.Length);
        using (var w = new Utf8JsonWriter(buffer, s_write))
        {
            w.WriteStartObject();
            w.WriteNumber("version"u8, CurrentVersion);
            Write(w, record);
            w.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    /// <summary>The members after the version.</summary>
    public static void Write(Utf8JsonWriter w, ActionRecord record)
    {
        w.WriteString(
            "at"u8,
            record.At.UtcDateTime.ToString(
                "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                CultureInfo.InvariantCulture
            )
        );
        w.WriteString("who"u8, record.Who);
        w.WriteString("action"u8, record.Action);
        w.WriteStartArray("arguments"u8);
        foreach (var argument in record.Arguments)
        {
            w.WriteStringValue(argument);
        }

        w.WriteEndArray();
        w.WriteString("subject"u8, record.Subject);
        w.WriteNumber("exitCode"u8, record.ExitCode);
        w.WriteNumber("durationMs"u8, (long)record.Took.TotalMilliseconds);
        w.WriteString("os"u8, record.System);
        w.WriteString("agentq"u8, record.Version);
        w.WriteString("output"u8, record.Output);
        w.WriteBoolean("outputCut"u8, record.IsOutputCut);
    }

    /// <exception cref="FormatException">It is no record.</exception>
    public static ActionRecord Read(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new FormatException("it is not a JSON object");
            }

            var fields = new Fields();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                fields.Read(ref reader);
            }

            return reader.Read()
                ? throw new FormatException("text follows the JSON object")
                : fields.ToRecord();
        }
        catch (JsonException e)
        {
            throw new FormatException("it is not valid JSON, or not all of it", e);
        }
        catch (InvalidOperationException e)
        {
            // The reader: a member of another type than ours, or text that is no UTF-8.
            throw new FormatException("a member has a value that it cannot have", e);
        }
    }

    private sealed class Fields
    {
        private DateTimeOffset? _at;
        private string? _action;
        private string _who = "?",
            _system = "?",
            _version = "?",
            _output = "";
        private int? _exitCode;
        private long _milliseconds;
        private bool _isCut;
        private string? _subject;
        private readonly List<string> _arguments = [];

        public void Read(ref Utf8JsonReader reader)
        {
            var name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "version" when reader.GetInt32() > CurrentVersion:
                    throw new FormatException("a newer agentq has written it");
                case "at":
                    _at = reader.GetDateTimeOffset();
                    break;
                case "who":
                    _who = reader.GetString() ?? _who;
                    break;
                case "action":
                    _action = reader.GetString();
                    break;
                case "arguments":
                    ReadArguments(ref reader);
                    break;
                case "subject":
                    _subject =
                        reader.GetString() is { } text
                        && (TaskId.TryParse(text, out _) || RunId.TryParse(text, out _))
                            ? text
                            : null;
                    break;
                case "exitCode":
                    _exitCode = reader.GetInt32();
                    break;
                case "durationMs":
                    _milliseconds = reader.GetInt64();
                    break;
                case "os":
                    _system = reader.GetString() ?? _system;
                    break;
                case "agentq":
                    _version = reader.GetString() ?? _version;
                    break;
                case "output":
                    _output = reader.GetString() ?? _output;
                    break;
                case "outputCut":
                    _isCut = reader.GetBoolean();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        private void ReadArguments(ref Utf8JsonReader reader)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                throw new FormatException("arguments is no list");
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                _arguments.Add(reader.GetString() ?? "");
            }
        }

        public ActionRecord ToRecord() =>
            new()
            {
                At = _at ?? throw new FormatException("it has no at"),
                Action = _action ?? throw new FormatException("it has no action"),
                ExitCode = _exitCode ?? throw new FormatException("it has no exitCode"),
                Took = _milliseconds is >= 0 and < long.MaxValue / TimeSpan.TicksPerMillisecond
                    ? TimeSpan.FromMilliseconds(_milliseconds)
                    : TimeSpan.Zero,
                Arguments = [.. _arguments],
                Subject = _subject,
                Output = _output,
                IsOutputCut = _isCut,
                Who = _who,
                System = _system,
                Version = _version,
            };
    }
}
