using System.CommandLine;
using System.CommandLine.Completions;

namespace AgentQueue.Cli;

/// <summary>A word that may stand at the cursor.</summary>
internal readonly record struct Offer(string Word, string? Description = null);

/// <summary>
/// What may be typed next. Follows the words over the same command tree that parses them, but knows the
/// position of each argument, which the parser's own suggestions do not.
/// </summary>
internal static class Completer
{
    /// <summary>Offered alone where the shell is to complete the names of files.</summary>
    public const string Files = ":files";

    /// <param name="words">The words before the cursor, without the program's name.</param>
    /// <param name="current">The part of the word at the cursor that has been typed.</param>
    public static IReadOnlyList<Offer> Complete(IReadOnlyList<string> words, string current)
    {
        // bash breaks --state=failed into three words.
        words = [.. words.Where((w, i) => w != "=" || i == 0)];
        current = current == "=" ? "" : current;
        words = Verbs.Normalize([.. words, current])[..^1];
        var root = CommandLine.BuildRoot([.. words]);
        var place = Place.Follow(root, words);
        var context = root.Parse([.. words, current]).GetCompletionContext();
        if (place.Pending is { } pending)
        {
            return Values(pending, context, current, "");
        }

        if (place.OptionsAllowed && current.StartsWith('-'))
        {
            return current.Split('=', 2) is [var name, var value]
                ? place.FindOption(name) is { } option
                    ? Values(option, context, value, name + "=")
                    : []
                : place.Options(current);
        }

        var offers = place.Subcommands(current);
        return place.Argument is { } argument
            ? [.. offers, .. Values(argument, context, current)]
            : offers;
    }

    private static List<Offer> Values(
        Option option,
        CompletionContext context,
        string current,
        string prefix
    ) =>
        option.HelpName is "FILE" or "FILE|-" or "DIR"
            ? [new Offer(Files)]
            : From(option.CompletionSources, context, current, prefix);

    private static List<Offer> Values(
        Argument argument,
        CompletionContext context,
        string current
    ) =>
        argument.Name is "FILE" or "DIR"
            ? [new Offer(Files)]
            : From(argument.CompletionSources, context, current, "");

    private static List<Offer> From(
        List<Func<CompletionContext, IEnumerable<CompletionItem>>> sources,
        CompletionContext context,
        string current,
        string prefix
    )
    {
        // Of a list only what follows the last comma is being typed.
        var comma = current.LastIndexOf(',') + 1;
        var (done, part) = (current[..comma], current[comma..]);
        return
        [
            .. sources
                .SelectMany(source => source(context))
                .Where(item => item.Label.Contains(part, StringComparison.OrdinalIgnoreCase))
                .Select(item => new Offer(prefix + done + item.Label, item.Detail)),
        ];
    }

    /// <summary>Where the cursor stands.</summary>
    private sealed class Place
    {
        private readonly HashSet<Option> _used = [];
        private readonly Command _root;
        private Command _command;
        private int _arguments;

        private Place(Command root) => _root = _command = root;

        /// <summary>The option whose value is being typed.</summary>
        public Option? Pending { get; private set; }

        /// <summary>False after <c>--</c>.</summary>
        public bool OptionsAllowed { get; private set; } = true;

        /// <summary>The argument that is being typed; null if there are enough.</summary>
        public Argument? Argument
        {
            get
            {
                var left = _arguments;
                foreach (var argument in _command.Arguments)
                {
                    if (left < argument.Arity.MaximumNumberOfValues)
                    {
                        return argument;
                    }

                    left -= argument.Arity.MaximumNumberOfValues;
                }

                return null;
            }
        }

        public static Place Follow(Command root, IReadOnlyList<string> words)
        {
            var place = new Place(root);
            foreach (var word in words)
            {
                place.Take(word);
            }

            return place;
        }

        public Option? FindOption(string name) =>
            All.FirstOrDefault(o => o.Name == name || o.Aliases.Contains(name));

        public IReadOnlyList<Offer> Options(string current) =>
            [
                .. All.Where(o => !o.Hidden && (!_used.Contains(o) || MayRepeat(o)))
                    .SelectMany(o =>
                        Names(o, current).Select(name => new Offer(name, o.Description))
                    ),
            ];

        public IReadOnlyList<Offer> Subcommands(string current) =>
            _arguments > 0
                ? []
                :
                [
                    .. _command
                        .Subcommands.Where(c =>
                            !c.Hidden && c.Name.StartsWith(current, StringComparison.Ordinal)
                        )
                        .Select(static c => new Offer(c.Name, c.Description)),
                ];

        private IEnumerable<Option> All =>
            _command == _root
                ? _root.Options
                : _command.Options.Concat(_root.Options.Where(static o => o.Recursive));

        private void Take(string word)
        {
            if (Pending is not null)
            {
                Pending = null;
            }
            else if (OptionsAllowed && word == "--")
            {
                OptionsAllowed = false;
            }
            else if (OptionsAllowed && word.StartsWith('-') && word.Length > 1)
            {
                var parts = word.Split('=', 2);
                if (FindOption(parts[0]) is { } option)
                {
                    _used.Add(option);
                    Pending = parts.Length == 1 && TakesValue(option) ? option : null;
                }
            }
            else if (
                _arguments == 0
                && _command.Subcommands.FirstOrDefault(c => c.Name == word) is { } next
            )
            {
                _command = next;
            }
            else
            {
                _arguments++;
            }
        }

        // One name of each: the long one, unless a short one is being typed.
        private static IEnumerable<string> Names(Option option, string current) =>
            option
                .Aliases.Prepend(option.Name)
                .Where(n => n.StartsWith(current, StringComparison.Ordinal))
                .OrderByDescending(static n => n.Length)
                .Take(1);

        private static bool MayRepeat(Option option) => option.Arity.MaximumNumberOfValues > 1;

        private static bool TakesValue(Option option) =>
            option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool);
    }
}
