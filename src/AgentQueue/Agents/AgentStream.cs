using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Agents;

/// <summary>
/// Reads what an agent prints, piece by piece, by the rules of its adapter. Nothing that it prints is an error:
/// a line that is no JSON, is cut off, is too long or says what no rule knows is passed over.
/// </summary>
/// <param name="tell">Told of each thing that people want to see; null if nobody looks.</param>
internal sealed class AgentStream(StreamFormat format, Action<StreamEvent>? tell = null)
{
    /// <summary>Bytes of a line; a longer one is passed over.</summary>
    public const int LongestLine = 16 << 20;

    private const int TailLines = 20;
    private const int LongestTailLine = 500;

    // What is bigger is given back after its line.
    private const int UsualLine = 1 << 20;

    // More than any number that is true; sums stay below it too.
    private const decimal Most = 1_000_000_000_000_000;
    private const int MostTurns = 1_000_000;
    private const int DeepestLine = 128;
    private const int MostInLine = 100;

    private static ReadOnlySpan<byte> ObjectBegin => "{\"type\":"u8;

    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = DeepestLine };

    private readonly StreamRules _rules = new(format.Rules);
    private readonly bool _isText = format.Rules.IsEmpty;
    private readonly Queue<string> _noise = new();
    private byte[] _line = [];
    private int _length;
    private bool _isTooLong;

    public StreamFacts Facts { get; } = new();

    /// <summary>The last lines that were none of the stream: what it wrote to standard error.</summary>
    public string NoiseTail => string.Join('\n', _noise);

    /// <summary>What this and earlier calls have used.</summary>
    public Usage Used => Facts.Earlier + Normal(Facts.Current);

    /// <summary>The next line comes from another call of the agent, in the same session.</summary>
    public void BeginCall()
    {
        EndLine();
        if (!format.ResumedIsTotal)
        {
            Facts.Earlier += Normal(Facts.Current);
            Facts.Current = new Usage();
        }

        Facts.CountedTurns = Math.Min(MostTurns, Facts.CountedTurns + (Facts.Turns ?? 0));
        Facts.Turns = null;
        Facts.HasEnded = false;
        Facts.Error = null;
        Facts.Retried = null;
        Facts.ResetsAt = null;
        Facts.ResetsIn = null;
        Facts.Question = null;
    }

    public void Feed(ReadOnlySpan<byte> piece)
    {
        while (!piece.IsEmpty)
        {
            var end = piece.IndexOf((byte)'\n');
            if (end < 0)
            {
                Keep(piece);
                return;
            }

            Keep(piece[..end]);
            EndLine();
            piece = piece[(end + 1)..];
        }
    }

    /// <summary>There will be no more: a last line without its end counts as it is.</summary>
    public void EndLine()
    {
        if (!_isTooLong)
        {
            Read(_line.AsMemory(0, _length));
        }

        _length = 0;
        _isTooLong = false;
        if (_line.Length > UsualLine)
        {
            _line = [];
        }
    }

    /// <summary>The file in which an agent tells what it has used.</summary>
    public void ReadUsage(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, s_options);
            Apply(format.UsageRules, document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // It stays unknown.
        }
    }

    /// <summary>What has come of the line is not its beginning.</summary>
    public void DropLine()
    {
        _length = 0;
        _isTooLong = false;
    }

    private void Keep(ReadOnlySpan<byte> piece)
    {
        if (_isTooLong || _length + piece.Length > LongestLine)
        {
            _isTooLong = true;
            return;
        }

        if (_length + piece.Length > _line.Length)
        {
            var bigger = GC.AllocateUninitializedArray<byte>(
                Math.Clamp(2 * (_length + piece.Length), 4096, LongestLine)
            );
            _line.AsSpan(0, _length).CopyTo(bigger);
            _line = bigger;
        }

        piece.CopyTo(_line.AsSpan(_length));
        _length += piece.Length;
    }

    // What goes to standard error may stand before an object, or behind one, without an end of its line; and an
    // agent that was killed left half a line, behind which the next one has begun.
    private void Read(ReadOnlyMemory<byte> line)
    {
        for (var parts = 0; parts < MostInLine; parts++)
        {
            line = line.Trim(" \t\r"u8);
            if (line.IsEmpty)
            {
                return;
            }

            if (_isText || !BeginsObject(line.Span) || !TryRead(line, out var length))
            {
                length = _isText ? line.Length : NextObject(line.Span);
                Note(line.Span[..length]);
            }

            line = line[length..];
        }
    }

    // Much that is no JSON begins with a brace; to try it costs far more than this.
    private static bool BeginsObject(ReadOnlySpan<byte> line) =>
        line[0] == (byte)'{' && line[1..].TrimStart(" \t"u8) is [(byte)'"' or (byte)'}', ..];

    // Where another one begins that is not inside of this: those stand behind one of these.
    private static int NextObject(ReadOnlySpan<byte> line)
    {
        var at = 1;
        while (line[at..].IndexOf(ObjectBegin) is var step and >= 0)
        {
            at += step;
            if (!":[,"u8.Contains(line[at - 1]))
            {
                return at;
            }

            at++;
        }

        return line.Length;
    }

    private bool TryRead(ReadOnlyMemory<byte> line, out int length)
    {
        length = line.Length;
        try
        {
            var rules = _rules.For(line.Span);
            if (rules.IsEmpty)
            {
                // Quotation marks inside of texts have a backslash: two objects meet here, or nothing does.
                var next = line.Span.IndexOf("}{\"type\":"u8);
                length = next < 0 ? line.Length : next + 1;
            }
            else
            {
                using var document = Parse(line, ref length);
                Apply(rules, document.RootElement);
            }

            Facts.Lines++;
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> line, ref int length)
    {
        try
        {
            return JsonDocument.Parse(line, s_options);
        }
        catch (JsonException)
        {
            // There may be something behind it. Found out only now, because it takes twice as long.
            var reader = new Utf8JsonReader(
                line.Span,
                new JsonReaderOptions { MaxDepth = DeepestLine, AllowMultipleValues = true }
            );
            var document = JsonDocument.ParseValue(ref reader);
            length = (int)reader.BytesConsumed;
            return document;
        }
    }

    private void Note(ReadOnlySpan<byte> line)
    {
        var text = Encoding.UTF8.GetString(line[..Math.Min(line.Length, LongestTailLine)]);
        _noise.Enqueue(text);
        if (_noise.Count > TailLines)
        {
            _noise.Dequeue();
        }

        tell?.Invoke(new StreamEvent.Noise(text));
    }

    private void Apply(ImmutableArray<StreamRule> rules, JsonElement line)
    {
        var seen = new LineFacts();
        foreach (var rule in rules)
        {
            if (!All(rule.When, line) || Any(rule.Unless, line))
            {
                continue;
            }

            if (rule.Each is null)
            {
                Take(rule, line, 0, seen);
                continue;
            }

            if (rule.Each.Find(line) is { ValueKind: JsonValueKind.Array } list)
            {
                var index = 0;
                foreach (var item in list.EnumerateArray())
                {
                    if (All(rule.On, item))
                    {
                        Take(rule, item, index, seen);
                    }

                    index++;
                }
            }
        }

        Finish(seen);
    }

    private static bool All(ImmutableArray<StreamCondition> conditions, JsonElement value)
    {
        foreach (var condition in conditions)
        {
            if (!condition.Holds(value))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Any(ImmutableArray<StreamCondition> conditions, JsonElement value)
    {
        foreach (var condition in conditions)
        {
            if (condition.Holds(value))
            {
                return true;
            }
        }

        return false;
    }

    private void Take(StreamRule rule, JsonElement value, int index, LineFacts seen)
    {
        if (rule.IsEnd)
        {
            // What went wrong before it, the agent has got over.
            Facts.HasEnded = true;
            Facts.Error = null;
            seen.IsEnd = true;
        }

        if (rule.IsTurn)
        {
            Facts.CountedTurns++;
        }

        string? error = null;
        string? type = null;
        int? status = null;
        foreach (var (fact, path) in rule.Facts)
        {
            if (IsNumber(fact))
            {
                TakeNumber(rule, fact, path, value);
                continue;
            }

            if (
                path.Find(value) is not { } found
                || StreamText.Of(found) is not { Length: > 0 } text
            )
            {
                continue;
            }

            switch (fact)
            {
                case StreamFact.Session:
                    seen.IsBegin |= Facts.Session is null;
                    Facts.Session = text;
                    break;
                case StreamFact.Model:
                    Facts.Model = text;
                    break;
                case StreamFact.Text:
                    // The last line says again what was said before it.
                    if (Facts.Text != text || !seen.IsEnd)
                    {
                        seen.Said.Add((index, text, false));
                    }

                    Facts.Say(text);
                    break;
                case StreamFact.Delta:
                    seen.Said.Add((index, text, true));
                    Facts.Join(text);
                    break;
                case StreamFact.Tool:
                    Facts.CallTool();
                    seen.Tools.Add((index, text, null));
                    break;
                case StreamFact.Detail:
                    seen.Describe(index, text);
                    break;
                case StreamFact.Error:
                    error = text;
                    break;
                case StreamFact.ErrorType:
                    type = text;
                    break;
                case StreamFact.Status:
                    status =
                        int.TryParse(text, CultureInfo.InvariantCulture, out var number)
                        && number is >= 100 and < 600
                            ? number
                            : null;
                    break;
                case StreamFact.ResetsAt:
                    Facts.ResetsAt = ResetTime.Parse(text) ?? Facts.ResetsAt;
                    break;
                case StreamFact.ResetsIn:
                    Facts.ResetsIn = ResetTime.ParseSeconds(text) ?? Facts.ResetsIn;
                    Facts.ResetsAt = ResetTime.Parse(text) ?? Facts.ResetsAt;
                    break;
                case StreamFact.Question:
                    Facts.Question = text;
                    tell?.Invoke(new StreamEvent.Ask(text));
                    break;
            }
        }

        if (error is not null || type is not null || status is not null)
        {
            error ??= rule.IsRetry ? null : Facts.Retried?.Message;
            var told = ErrorText.Unwrap(new StreamError(error, type, status));
            if (rule.IsRetry)
            {
                Facts.Retried = told;
            }
            else
            {
                Facts.Error = told;
            }

            seen.Problem = (told, rule.IsRetry);
        }
    }

    private static bool IsNumber(StreamFact fact) =>
        fact
            is StreamFact.Input
                or StreamFact.Output
                or StreamFact.CacheRead
                or StreamFact.CacheWrite
                or StreamFact.Cost
                or StreamFact.Turns;

    private void TakeNumber(StreamRule rule, StreamFact fact, StreamPath path, JsonElement value)
    {
        decimal? sum = null;
        void Add(JsonElement one)
        {
            if (
                one.ValueKind == JsonValueKind.Number
                && one.TryGetDecimal(out var number)
                && number is >= 0 and < Most
            )
            {
                sum = Math.Min(Most, (sum ?? 0) + number);
            }
        }

        if (path.IsMany)
        {
            foreach (var one in path.All(value))
            {
                Add(one);
            }
        }
        else if (path.Find(value) is { } one)
        {
            Add(one);
        }

        if (sum is not { } found)
        {
            return;
        }

        var now = Facts.Current;
        decimal Sum(decimal? before) => Math.Min(Most, found + (rule.Adds ? before ?? 0 : 0));
        Facts.Current = fact switch
        {
            StreamFact.Input => now with { Input = (long)Sum(now.Input) },
            StreamFact.Output => now with { Output = (long)Sum(now.Output) },
            StreamFact.CacheRead => now with { CacheRead = (long)Sum(now.CacheRead) },
            StreamFact.CacheWrite => now with { CacheWrite = (long)Sum(now.CacheWrite) },
            StreamFact.Cost => now with { Cost = Sum(now.Cost) },
            _ => now,
        };
        if (fact == StreamFact.Turns)
        {
            Facts.Turns = (int)Math.Min(found, MostTurns);
        }
    }

    private Usage Normal(Usage usage) =>
        format.InputHasCache && usage.Input is { } input
            ? usage with
            {
                Input = Math.Max(0, input - (usage.CacheRead ?? 0)),
            }
            : usage;

    private void Finish(LineFacts seen)
    {
        if (tell is null)
        {
            return;
        }

        if (seen.IsBegin)
        {
            tell(new StreamEvent.Begin(Facts.Session, Facts.Model));
        }

        foreach (var (_, text, isPiece) in seen.Said)
        {
            tell(isPiece ? new StreamEvent.Piece(text) : new StreamEvent.Say(text));
        }

        foreach (var (_, name, detail) in seen.Tools)
        {
            tell(new StreamEvent.Tool(name, detail));
        }

        if (seen.Problem is var (error, isRetried))
        {
            tell(new StreamEvent.Problem(error, isRetried));
        }

        if (seen.IsEnd)
        {
            tell(new StreamEvent.End(Used));
        }
    }

    // What one line tells, put together before it is shown.
    private sealed class LineFacts
    {
        public List<(int Index, string Text, bool IsPiece)> Said { get; } = [];
        public List<(int Index, string Name, string? Detail)> Tools { get; } = [];
        public (StreamError Error, bool IsRetried)? Problem { get; set; }
        public bool IsBegin { get; set; }
        public bool IsEnd { get; set; }

        public void Describe(int index, string detail)
        {
            var tool = Tools.FindLastIndex(t => t.Index == index);
            if (tool >= 0)
            {
                Tools[tool] = Tools[tool] with { Detail = detail };
            }
        }
    }
}
