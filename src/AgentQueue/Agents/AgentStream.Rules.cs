using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Agents;

// What the rules make of a line.
internal sealed partial class AgentStream
{
    // As many answers as may come in parts at the same time, of an agent and those that it has started. One that
    // comes again later than so many others would count twice, which is better than to keep them all.
    private const int MostInParts = 32;

    private static readonly Usage s_nothing = new();

    private readonly LineFacts _seen = new();
    private readonly (string? Whose, Usage Usage)[] _parts = new (string?, Usage)[MostInParts];
    private int _partsBegun;

    private void Apply(ImmutableArray<StreamRule> rules, JsonElement line)
    {
        var seen = _seen;
        seen.Clear();
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

        if (rule.Per?.Find(value) is { } per && StreamText.Of(per) is { } whose)
        {
            TakeOnce(rule, value, whose);
        }

        string? error = null;
        string? type = null;
        int? status = null;
        foreach (var (fact, path) in rule.Facts)
        {
            if (IsNumber(fact))
            {
                if (rule.Per is null)
                {
                    TakeNumber(rule, fact, path, value);
                }

                continue;
            }

            if (path.Find(value) is not { } found || TakeSpoken(fact, found, index, seen))
            {
                continue;
            }

            if (StreamText.Of(found) is not { Length: > 0 } text)
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

    // What comes over and over, and need not be made a text of if nobody looks.
    private bool TakeSpoken(StreamFact fact, JsonElement found, int index, LineFacts seen)
    {
        switch (fact)
        {
            case StreamFact.Text or StreamFact.Delta:
                var escaped = StreamText.Escaped(found);
                if (!escaped.IsEmpty)
                {
                    Speak(escaped, fact == StreamFact.Delta, index, seen);
                }

                return true;
            case StreamFact.Session:
                return found.ValueKind == JsonValueKind.String && found.ValueEquals(Facts.Session);
            case StreamFact.Detail:
                return tell is null;
            default:
                return false;
        }
    }

    private void Speak(ReadOnlySpan<byte> escaped, bool isPiece, int index, LineFacts seen)
    {
        if (tell is not null)
        {
            // The last line says again what was said before it.
            var text = StreamText.Unescape(escaped, StreamText.Longest);
            if (isPiece || !seen.IsEnd || text != Facts.Text)
            {
                seen.Said.Add((index, text, isPiece));
            }
        }

        if (isPiece)
        {
            Facts.Join(escaped);
        }
        else
        {
            Facts.Say(escaped);
        }
    }

    // An agent may print one answer of its model in several lines, each with all that the answer has used.
    private void TakeOnce(StreamRule rule, JsonElement value, string whose)
    {
        var before = Facts.Current;
        Facts.Current = s_nothing;
        foreach (var (fact, path) in rule.Facts)
        {
            if (IsNumber(fact))
            {
                TakeNumber(rule, fact, path, value);
            }
        }

        var now = Facts.Current;
        if (format.ResumedIsTotal && before.IsEmpty)
        {
            before = SessionBefore;
        }

        var at = Array.FindIndex(_parts, p => p.Whose == whose);
        if (at < 0)
        {
            at = _partsBegun++ % MostInParts;
            _parts[at] = (whose, s_nothing);
        }

        Facts.Current = before - _parts[at].Usage + now;
        _parts[at].Usage = now;
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

        public void Clear()
        {
            Said.Clear();
            Tools.Clear();
            Problem = null;
            IsBegin = IsEnd = false;
        }

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
