using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Keeping;

/// <summary>
/// What the files of the older tool of commands and triggers hold together: as there, the later file wins
/// for variables and settings, and no two commands have the same name.
/// </summary>
internal sealed class ForeignEvents
{
    private const string VariablesTable = "variables";
    private const string StorageTable = "output_storage";
    private const string CommandTables = "command";
    private const string HistoryKey = "keep_history";
    private const string ExtensionKey = "output_extension";
    private const string DirectoryKey = "directory";
    private const string PastRuns = ".cmdorc/outputs";

    private static readonly string[] s_tables = [VariablesTable, StorageTable, CommandTables];
    private static readonly string[] s_storageKeys = [HistoryKey, ExtensionKey, DirectoryKey];

    private readonly ImportReport _report;
    private readonly Dictionary<string, (string Text, string Place)> _variables = new(
        StringComparer.Ordinal
    );
    private readonly Dictionary<string, (string Value, string Place)> _storage = new(
        StringComparer.Ordinal
    );
    private readonly SortedSet<string> _pastRuns = new(StringComparer.Ordinal);

    /// <exception cref="QueueException">A file cannot be read or is no such file, or two commands have the same name.</exception>
    public ForeignEvents(IEnumerable<EventFile> files, string projectRoot, ImportReport report)
    {
        _report = report;
        _pastRuns.UnionWith(PastRunsIn(projectRoot, PastRuns));
        foreach (var file in files.DistinctBy(static f => f.Path))
        {
            Read(file);
            report.Files.Add(file.ShownAs);
        }

        foreach (var folder in _pastRuns)
        {
            report.Skip(
                folder,
                "the outputs of past runs are not imported; they stay where they are"
            );
        }
    }

    public List<ForeignCommand> Commands { get; } = [];

    /// <summary>As they were written, in the order of the files.</summary>
    public IEnumerable<KeyValuePair<string, string>> Variables =>
        _variables.Select(static v => KeyValuePair.Create(v.Key, v.Value.Text));

    /// <summary>How many runs of each command to keep, as JSON; null if no file says it.</summary>
    public string? KeepHistory => _storage.TryGetValue(HistoryKey, out var set) ? set.Value : null;

    public string? OutputExtension =>
        _storage.TryGetValue(ExtensionKey, out var set) ? set.Value : null;

    /// <summary>A text; a number, true or false counts as the text that it is written as.</summary>
    public static string? Text(ConfigReader reader, SourceValue value, string key) =>
        value.Kind switch
        {
            JsonValueKind.Number => value.Text,
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => reader.Text(value, key),
        };

    /// <summary>What the name of an output file ends in.</summary>
    public static string? Extension(ConfigReader reader, SourceValue value, string key)
    {
        if (reader.Text(value, key) is not { } text)
        {
            return null;
        }

        if (
            (
                text.Length > 1
                && text[0] == '.'
                && !text.AsSpan().ContainsAny('/', '\\')
                && !text.Any(char.IsControl)
            )
        )
        {
            return text;
        }

        reader.Error(value.At, key, "must be a dot and the end of a file's name, such as .log");
        return null;
    }

    private void Read(EventFile file)
    {
        var reader = new ConfigReader(file.ShownAs);
        var hasAny = false;
        _pastRuns.UnionWith(PastRunsIn(file.Folder, PastRuns));
        foreach (var member in reader.Members(file.Read(), "", known: null))
        {
            hasAny |= s_tables.Contains(member.Name);
            switch (member.Name)
            {
                case VariablesTable:
                    ReadVariables(file, reader, member.Value);
                    break;
                case StorageTable:
                    ReadStorage(file, reader, member.Value);
                    break;
                case CommandTables:
                    ReadCommands(file, reader, member.Value);
                    break;
                default:
                    _report.Skip(
                        $"{member.Name} in {file.PlaceOf(member.At)}",
                        $"it is not a known table{Nearest.Suggestion(member.Name, s_tables)}"
                    );
                    break;
            }
        }

        var errors = reader.Problems.Where(static p => p.IsError).ToList();
        if (errors.Count > 0)
        {
            throw QueueException.Usage(
                errors.Count > 1 ? $"{errors[0]} (and {errors.Count - 1} more)" : $"{errors[0]}",
                "Correct the file, then import again; nothing was imported"
            );
        }

        if (!hasAny)
        {
            _report.Skip(file.ShownAs, "it has no [[command]] and no [variables]");
        }
    }

    private void ReadVariables(EventFile file, ConfigReader reader, SourceValue table)
    {
        foreach (var member in reader.Members(table, VariablesTable, known: null))
        {
            var place = file.PlaceOf(member.At);
            if (
                Text(reader, member.Value, ConfigReader.Path(VariablesTable, member.Name))
                is not { } text
            )
            {
                continue;
            }

            if (!ForeignTemplate.IsName(member.Name))
            {
                _report.Skip(
                    $"variable {member.Name} in {place}",
                    "it could not be used there by that name"
                );
                continue;
            }

            if (_variables.TryGetValue(member.Name, out var earlier) && earlier.Text != text)
            {
                _report.Skip(
                    $"variable {member.Name} in {earlier.Place}",
                    $"{place} sets it again, and the later one counts"
                );
            }

            _variables[member.Name] = (text, place);
        }
    }

    private void ReadStorage(EventFile file, ConfigReader reader, SourceValue table)
    {
        foreach (var member in reader.Members(table, StorageTable, known: null))
        {
            var key = ConfigReader.Path(StorageTable, member.Name);
            var value = member.Name switch
            {
                HistoryKey => reader.Whole(member.Value, key, -1, int.MaxValue) is { } number
                    ? ConfigText.Whole(number)
                    : null,
                ExtensionKey => Extension(reader, member.Value, key),
                _ => null,
            };
            if (value is not null)
            {
                Set(member.Name, value, file.PlaceOf(member.At));
            }
            else if (member.Name is not (HistoryKey or ExtensionKey))
            {
                _report.Skip(
                    $"{key} in {file.PlaceOf(member.At)}",
                    member.Name == DirectoryKey
                        ? "it has no use here: outputs are the logs of tasks, in the queue's folder"
                        : $"it is not a known key{Nearest.Suggestion(member.Name, s_storageKeys)}"
                );
            }

            if (member is { Name: DirectoryKey, Value.Text: { } folder })
            {
                _pastRuns.UnionWith(PastRunsIn(file.Folder, folder));
            }
        }
    }

    private void Set(string key, string value, string place)
    {
        if (_storage.TryGetValue(key, out var earlier) && earlier.Value != value)
        {
            _report.Skip(
                $"{StorageTable}.{key} in {earlier.Place}",
                $"{place} sets it again, and the later one counts"
            );
        }

        _storage[key] = (value, place);
    }

    private void ReadCommands(EventFile file, ConfigReader reader, SourceValue list)
    {
        if (list.Kind != JsonValueKind.Array)
        {
            reader.Error(list.At, CommandTables, "must be a list of tables: write [[command]]");
            return;
        }

        foreach (var item in list.Items)
        {
            if (item.Kind != JsonValueKind.Object)
            {
                reader.Error(item.At, CommandTables, $"must be a table, not {item.KindInWords}");
                continue;
            }

            var name = item.Members.FirstOrDefault(static m =>
                m.Name == CommandTranslation.NameKey
            );
            if (name is null)
            {
                reader.Error(item.At, CommandTables, "has no name");
            }
            else if (reader.Text(name.Value, "name", mayBeEmpty: false) is { } text)
            {
                Add(new ForeignCommand(text, file, item.At, item));
            }
        }
    }

    private void Add(ForeignCommand command)
    {
        if (Commands.Find(c => c.Name == command.Name) is { } first)
        {
            throw QueueException.Usage(
                $"Two commands are called '{command.Name}': in {first.File.PlaceOf(first.At)} and in {command.File.PlaceOf(command.At)}",
                "Give one of them another name, then import again"
            );
        }

        Commands.Add(command);
    }

    private static IEnumerable<string> PastRunsIn(string from, string folder) =>
        !folder.Contains('\0', StringComparison.Ordinal)
        && Path.GetFullPath(folder, from) is var path
        && Directory.Exists(path)
            ? [path]
            : [];
}
