using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary>What an adapter makes of something that its agent has printed.</summary>
internal sealed record RecordedStream(
    StreamFacts Facts,
    Usage Used,
    ReadError? Error,
    DateTimeOffset? ResetsAt
)
{
    private const int Piece = 64 << 10;
    private const int LabelWidth = 16;
    private const string Unknown = "-";

    /// <exception cref="QueueException">The file cannot be read.</exception>
    public static RecordedStream Read(
        Adapter adapter,
        ImmutableArray<ErrorPattern> shared,
        string path,
        TimeProvider clock
    )
    {
        if (adapter.Stream is not { } format)
        {
            throw QueueException.Usage(
                $"{adapter.Title} prints text only: its adapter has no \"stream\"",
                "Leave --stream out"
            );
        }

        var stream = new AgentStream(format);
        DateTimeOffset written;
        try
        {
            using var file = File.OpenHandle(path);
            written = new DateTimeOffset(File.GetLastWriteTimeUtc(file));
            var piece = new byte[Piece];
            long at = 0;
            int read;
            while ((read = RandomAccess.Read(file, piece, at)) > 0)
            {
                stream.Feed(piece.AsSpan(0, read));
                at += read;
            }

            stream.EndLine();
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new QueueException($"Cannot read {path}: {e.Message}", cause: e);
        }

        var facts = stream.Facts;
        var error = facts is { HasEnded: true, Error: null }
            ? null
            : ErrorReading.Of(adapter, shared, facts, stream.NoiseTail, exit: null);
        return new RecordedStream(
            facts,
            stream.Used,
            error,
            error is null
                ? null
                : ResetTime.Of(facts, stream.NoiseTail, written, clock.LocalTimeZone)
        );
    }

    public void Print(Screen screen)
    {
        void Row(string label, string value) =>
            screen.Line($"  {label.PadRight(LabelWidth)}{value}");
        screen.Line();
        screen.Line($"In {Facts.Lines} lines of the stream it found");
        Row("session", Facts.Session ?? Unknown);
        Row("model", Facts.Model ?? Unknown);
        Row("turns", Number(Facts.TurnsInAll));
        Row("tool calls", Number(Facts.ToolCalls));
        Row(
            "tokens",
            $"{Number(Used.Input)} in, {Number(Used.Output)} out, {Number(Used.CacheRead)} read from the cache, {Number(Used.CacheWrite)} written to it"
        );
        Row("cost", Used.Cost is { } cost ? $"${cost.ToText()}" : Unknown);
        Row("its end", Facts.HasEnded ? "yes" : "no");
        Row(
            "error",
            Error is null
                ? "none"
                : $"{Error.Class} ({WordFor(Error.Confidence)}){(Error.Message is { } m ? ": " + m : "")}"
        );
        Row("resets", ResetsAt is { } at ? TimeText.At(at) : Unknown);
        Row("question", Facts.Question ?? Unknown);
        Row("final text", Facts.Text ?? Unknown);
    }

    public void Write(Utf8JsonWriter w)
    {
        w.WriteStartObject("stream"u8);
        w.WriteNumber("lines"u8, Facts.Lines);
        w.WriteString("session"u8, Facts.Session);
        w.WriteString("model"u8, Facts.Model);
        Write(w, "turns"u8, Facts.TurnsInAll);
        Write(w, "toolCalls"u8, Facts.ToolCalls);
        w.WriteStartObject("tokens"u8);
        Write(w, "in"u8, Used.Input);
        Write(w, "out"u8, Used.Output);
        Write(w, "cacheRead"u8, Used.CacheRead);
        Write(w, "cacheWrite"u8, Used.CacheWrite);
        w.WriteEndObject();
        Write(w, "costUsd"u8, Used.Cost);
        w.WriteBoolean("ended"u8, Facts.HasEnded);
        w.WriteString("errorClass"u8, Error?.Class);
        w.WriteString("confidence"u8, Error is null ? null : WordFor(Error.Confidence));
        w.WriteString("error"u8, Error?.Message);
        w.WriteString("resetsAt"u8, ResetsAt is { } at ? TimeText.Exact(at) : null);
        w.WriteString("question"u8, Facts.Question);
        w.WriteString("text"u8, Facts.Text);
        w.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter w, ReadOnlySpan<byte> name, decimal? number)
    {
        if (number is { } known)
        {
            w.WriteNumber(name, known);
        }
        else
        {
            w.WriteNull(name);
        }
    }

    private static string Number(long? number) =>
        number?.ToString(CultureInfo.InvariantCulture) ?? Unknown;

    private static string WordFor(Confidence confidence) =>
        confidence switch
        {
            Confidence.Guess => "a guess",
            Confidence.Likely => "likely",
            Confidence.Certain => "certain",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
