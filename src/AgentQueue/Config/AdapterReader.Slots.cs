using System.Collections.Immutable;

namespace AgentQueue.Config;

/// <content>What stands in braces in the arguments.</content>
internal sealed partial class AdapterReader
{
    private const string ResumeSlot = "resume";

    // Of the arguments that stand for resume, not of args.
    private const string SessionSlot = "session";

    // A part without its slot, or a slot without its part, would be left out without a word.
    private void CheckSlots(Adapter adapter, SourceValue root)
    {
        void Check(string slot, bool has, string key)
        {
            var isThere = adapter.Args.Contains($"{{{slot}}}");
            if (has && !isThere)
            {
                _reader.Error(root.At, key, $"is never used: args has no element \"{{{slot}}}\"");
            }
            else if (!has && isThere)
            {
                _reader.Error(root.At, "args", $"has {{{slot}}}, and there is no \"{key}\"");
            }
        }

        Check("model", adapter.Model is not null, "model");
        Check("resume", adapter.Resume is not null, "resume");
        Check("maxTurns", adapter.MaxTurns is not null, "maxTurns");
        Check("maxUsd", adapter.MaxUsd is not null, "maxUsd");
        if (
            adapter.Stream is { UsageRules.IsEmpty: false }
            && !adapter.Args.Any(static a => Placeholders.Contains(a, Placeholders.UsageFile))
        )
        {
            _reader.Error(root.At, "stream.usage", "is never used: args has no {usageFile}");
        }

        if (adapter.Permissions.Values.Any(static p => !p.Args.IsEmpty))
        {
            Check("permission", has: true, "permissions");
        }

        if (
            adapter.PromptVia == PromptVia.Arg
            && !adapter.Args.Any(static a => Placeholders.Contains(a, Placeholders.Prompt))
        )
        {
            _reader.Error(root.At, "args", "has no {prompt}, and promptVia is arg");
        }

        if (
            adapter.PromptVia == PromptVia.File
            && !adapter.Args.Any(static a => Placeholders.Contains(a, Placeholders.PromptFile))
        )
        {
            _reader.Error(root.At, "args", "has no {promptFile}, and promptVia is file");
        }

        var bare = adapter.Args.IndexOf($"{{{Placeholders.Prompt}}}");
        if (bare >= 0 && !adapter.Args[..bare].Contains("--"))
        {
            _reader.Error(
                root.At,
                "args",
                "lets a prompt that begins with '-' pass for an option: put \"--\" before {prompt}, write \"--option={prompt}\", or use stdin"
            );
        }
    }

    // What is no slot would be handed on with its braces.
    private ImmutableArray<string>? ReadWords(
        SourceValue value,
        string key,
        string[] slots,
        bool slotsMayStandInside = false
    )
    {
        var words = _reader.Texts(value, key);
        for (var i = 0; i < words?.Length; i++)
        {
            var word = VariableText.Without(words.Value[i]);
            var names = Placeholders.Unknown(word, Placeholders.InArgs);
            foreach (var name in names.Where(static n => n.All(char.IsAsciiLetter)))
            {
                if (!slots.Contains(name))
                {
                    _reader.Error(
                        value.Items[i].At,
                        $"{key}[{i}]",
                        $"has {{{name}}}, which is no slot{Guess(name, slots)}"
                    );
                }
                else if (!slotsMayStandInside && word.Length > name.Length + 2)
                {
                    _reader.Error(
                        value.Items[i].At,
                        $"{key}[{i}]",
                        $"has {{{name}}} inside of an element, where it is no slot; let \"{{{name}}}\" be an element by itself"
                    );
                }
            }
        }

        return words;
    }

    private static string Guess(string name, string[] slots)
    {
        var resumes = slots.Contains(ResumeSlot);
        var guess = Nearest.To(
            name,
            [.. slots, .. Placeholders.InArgs, .. resumes ? [SessionSlot] : Array.Empty<string>()]
        );
        guess = guess == SessionSlot && resumes ? ResumeSlot : guess;
        return guess is null ? "" : $"; did you mean {{{guess}}}?";
    }

    private ImmutableArray<string>? ReadPart(SourceValue value, string key, string slot)
    {
        var words = ReadWords(value, key, [slot], slotsMayStandInside: true);
        if (words is { } some && !some.Any(w => Placeholders.Contains(w, slot)))
        {
            _reader.Error(value.At, key, $"has no {{{slot}}}");
        }

        return words;
    }
}
