using System.Collections.Immutable;
using System.Diagnostics;

namespace AgentQueue.Config;

/// <summary>Where an adapter comes from.</summary>
internal enum AdapterSource
{
    BuiltIn,
    User,
    Project,
}

/// <summary>
/// The adapters that there are: those of the program, then those of the user's configuration folder, then those of
/// the project; a later one takes the place of an earlier one of its name.
/// </summary>
internal sealed class Adapters(string projectRoot, string? userFolder)
{
    public const string FolderName = "adapters";
    private const string Extension = ".json";
    private const string BuiltInPrefix = "adapters/";
    private const string ErrorsName = "errors";

    private readonly Dictionary<string, Adapter> _read = new(StringComparer.Ordinal);
    private ImmutableArray<ErrorPattern>? _errors;

    /// <summary>What holds for all of them.</summary>
    public ImmutableArray<ErrorPattern> Errors =>
        _errors ??= new AdapterReader(ErrorsName).ReadErrors(
            EmbeddedText.Read(BuiltInPrefix + ErrorsName + Extension)
        );

    /// <summary>The folder with the adapters of this queue.</summary>
    public string ProjectFolder => Path.Join(projectRoot, ".agents", FolderName);

    /// <summary>All names, in their order.</summary>
    public IReadOnlyList<(string Name, AdapterSource Source)> Names
    {
        get
        {
            var names = new SortedDictionary<string, AdapterSource>(StringComparer.Ordinal);
            foreach (var name in EmbeddedText.Names(BuiltInPrefix))
            {
                var bare = name[BuiltInPrefix.Length..^Extension.Length];
                if (bare != ErrorsName)
                {
                    names[bare] = AdapterSource.BuiltIn;
                }
            }

            foreach (var name in In(userFolder))
            {
                names[name] = AdapterSource.User;
            }

            foreach (var name in In(ProjectFolder))
            {
                names[name] = AdapterSource.Project;
            }

            return [.. names.Select(static n => (n.Key, n.Value))];
        }
    }

    public bool Has(string name) =>
        AgentConfig.IsName(name)
        && name != ErrorsName
        && (FileOf(name) is not null || EmbeddedText.Names(BuiltInPrefix + name + Extension).Any());

    /// <exception cref="QueueException">There is none, or its file has errors.</exception>
    public Adapter Find(string name)
    {
        if (_read.TryGetValue(name, out var known))
        {
            return known;
        }

        var file = Has(name) ? FileOf(name) : null;
        if (file is null && !Has(name))
        {
            var names = Names.Select(static n => n.Name).ToList();
            throw new QueueException(
                $"There is no adapter '{name}'{Nearest.Suggestion(name, names)}",
                $"There are {string.Join(", ", names)}; write one of your own into {Path.Join(ProjectFolder, name + Extension)}"
            );
        }

        var shown = file ?? BuiltInPrefix + name + Extension;
        var bytes = file is null
            ? EmbeddedText.Read(shown)
            : ConfigReader.ReadBytes(file, file) ?? throw new UnreachableException();
        var reader = new AdapterReader(shown);
        var adapter = reader.Read(name, bytes);
        ConfigProblem.ThrowIfError([.. reader.Problems]);
        return _read[name] = adapter!;
    }

    /// <summary>The file that defines an adapter of the user or the project; null for one of the program.</summary>
    public string? FileOf(string name) =>
        ((string?[])[ProjectFolder, userFolder])
            .Where(static folder => folder is not null)
            .Select(folder => Path.Join(folder, name + Extension))
            .FirstOrDefault(File.Exists);

    /// <summary>True if the project's own folder defines it.</summary>
    public bool IsOfProject(string name) =>
        FileOf(name)?.StartsWith(ProjectFolder, StringComparison.Ordinal) == true;

    /// <summary>The text of a built-in one, to begin a new one with; null if there is none.</summary>
    public static byte[]? TextOf(string name) =>
        EmbeddedText.Names(BuiltInPrefix + name + Extension).Any()
            ? EmbeddedText.Read(BuiltInPrefix + name + Extension)
            : null;

    /// <summary>The user's own configuration folder, as the XDG Base Directory Specification says; null without a home.</summary>
    public static string? UserFolder(Func<string, string?> environment)
    {
        var root =
            environment("XDG_CONFIG_HOME") is { Length: > 0 } set && Path.IsPathRooted(set) ? set
            : environment("HOME") is { Length: > 0 } home ? Path.Join(home, ".config")
            : environment("APPDATA");
        return string.IsNullOrEmpty(root) ? null : Path.Join(root, "agentq", FolderName);
    }

    /// <summary>Agents for those of the program whose command is on <paramref name="searchPath"/>.</summary>
    public static ImmutableArray<AgentDefinition> Installed(string? searchPath, string projectRoot)
    {
        var adapters = new Adapters(projectRoot, userFolder: null);
        return
        [
            .. adapters
                .Names.Where(static n => n.Source == AdapterSource.BuiltIn)
                .Select(n => adapters.Find(n.Name))
                .Where(a =>
                    a.Name != AgentDefinition.Shell
                    && ExecutableLookup.Find(a.Command, searchPath, projectRoot) is not null
                )
                .Select(AgentOf),
        ];
    }

    /// <summary>An agent that is this adapter and nothing else.</summary>
    public static AgentDefinition AgentOf(Adapter adapter) =>
        new()
        {
            Name = adapter.Name,
            Description = adapter.Title,
            Command = "",
            Work = new AgentWork { Adapter = adapter.Name },
        };

    private static IEnumerable<string> In(string? folder)
    {
        try
        {
            return folder is not null && Directory.Exists(folder)
                ?
                [
                    .. Directory
                        .EnumerateFiles(folder, "*" + Extension)
                        .Select(static f => Path.GetFileNameWithoutExtension(f))
                        .Where(AgentConfig.IsName),
                ]
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
