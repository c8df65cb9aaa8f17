using System.Text;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Agents;

/// <summary>
/// Reads what an agent prints, piece by piece, by the rules of its adapter. Nothing that it prints is an error:
/// a line that is no JSON, is cut off, is too long or says what no rule knows is passed over.
/// </summary>
/// <param name="tell">Told of each thing that people want to see; null if nobody looks.</param>
internal sealed partial class AgentStream(StreamFormat format, Action<StreamEvent>? tell = null)
{
    /// <summary>Bytes of a line; a longer one is passed over.</summary>
    public const int LongestLine = 16 << 20;

    private const int TailLines = 20;
    private const int LongestTailLine = 500;

    private const int SmallestBuffer = 4096;
    private const int UsualLine = 128 << 10;

    // More than any number that is true; sums stay below it too.
    private const decimal Most = 1_000_000_000_000_000;
    private const int MostTurns = 1_000_000;
    private const int DeepestLine = 128;
    private const int MostInLine = 100;
    private const int CollectEvery = 8 << 20;

    private static ReadOnlySpan<byte> ObjectBegin => "{\"type\":"u8;

    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = DeepestLine };

    private readonly StreamRules _rules = new(format.Rules);
    private readonly bool _isText = format.Rules.IsEmpty;
    private readonly (byte[] Bytes, int Length)[] _noise = new (byte[], int)[TailLines];
    private byte[] _line = [];
    private long _noiseLines;
    private int _length;
    private int _fed;
    private bool _isTooLong;
    private bool _isPassedOver;

    public StreamFacts Facts { get; } = new();

    /// <summary>What the session that is gone on with had used before; it matters where its reports are of the whole.</summary>
    public Usage SessionBefore { get; init; } = new();

    /// <summary>The last lines that were none of the stream: what it wrote to standard error.</summary>
    public string NoiseTail =>
        string.Join(
            '\n',
            Enumerable
                .Range(0, (int)Math.Min(_noiseLines, TailLines))
                .Select(i => _noise[(Math.Max(TailLines, _noiseLines) + i) % TailLines])
                .Select(static n => Encoding.UTF8.GetString(n.Bytes, 0, n.Length))
        );

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
        // What is young is left alone until it has the size of the processor's cache, which is more than all that
        // is kept of a stream; and there is nothing in it but what lines have left behind.
        _fed += Math.Min(piece.Length, CollectEvery);
        if (_fed >= CollectEvery)
        {
            _fed = 0;
            GC.Collect(0, GCCollectionMode.Forced, blocking: true);
        }

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
        if (_isPassedOver)
        {
            Facts.Lines++;
        }
        else if (!_isTooLong)
        {
            Read(_line.AsMemory(0, _length));
        }

        _length = 0;
        _isTooLong = _isPassedOver = false;
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
        _isTooLong = _isPassedOver = false;
    }

    private void Keep(ReadOnlySpan<byte> piece)
    {
        if (_isTooLong || _isPassedOver)
        {
            return;
        }

        var length = _length + piece.Length;
        if (length > LongestLine)
        {
            _isTooLong = true;
            return;
        }

        if (length > _line.Length)
        {
            if (length > UsualLine && IsAboutNothing())
            {
                _isPassedOver = true;
                return;
            }

            var bigger = GC.AllocateUninitializedArray<byte>(
                Math.Clamp(2 * length, SmallestBuffer, LongestLine)
            );
            _line.AsSpan(0, _length).CopyTo(bigger);
            _line = bigger;
        }

        piece.CopyTo(_line.AsSpan(_length));
        _length = length;
    }

    // Long lines are mostly what a tool has answered: its beginning tells that it need not be kept.
    private bool IsAboutNothing()
    {
        try
        {
            return !_isText
                && _line is [(byte)'{', ..]
                && _rules.For(_line.AsSpan(0, _length)).IsEmpty;
        }
        catch (JsonException)
        {
            return false;
        }
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
        line = line[..Math.Min(line.Length, LongestTailLine)];
        ref var place = ref _noise[_noiseLines % TailLines];
        place.Bytes ??= new byte[LongestTailLine];
        place.Length = line.Length;
        line.CopyTo(place.Bytes);
        _noiseLines++;
        tell?.Invoke(new StreamEvent.Noise(Encoding.UTF8.GetString(line)));
    }
}
