using System.Collections.Immutable;

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
        && (FileOf(name) is not null || TextOf(name) is not null);

    /// <exception cref="QueueException">There is none, or its file has errors.</exception>
    public Adapter Find(string name)
    {
        if (_read.TryGetValue(name, out var known))
        {
            return known;
        }

        var (shown, bytes) = Read(name);
        var reader = new AdapterReader(shown);
        var adapter = reader.Read(name, bytes);
        ConfigProblem.ThrowIfError([.. reader.Problems], $"agentq agents check {shown}");
        return _read[name] = adapter!;
    }

    /// <summary>What defines an adapter, and what it is called.</summary>
    /// <exception cref="QueueException">There is none, or its file cannot be read.</exception>
    public (string Shown, byte[] Bytes) Read(string name)
    {
        if (AgentConfig.IsName(name) && name != ErrorsName)
        {
            // Whoever writes one with > has emptied it first: what was empty or gone when it was opened is none.
            foreach (var file in FilesOf(name))
            {
                if (ConfigReader.ReadBytes(file, file) is { Length: > 0 } bytes)
                {
                    return (file, bytes);
                }
            }

            if (TextOf(name) is { } text)
            {
                return (BuiltInPrefix + name + Extension, text);
            }
        }

        var names = Names.Select(static n => n.Name).ToList();
        throw new QueueException(
            $"There is no adapter '{name}'{Nearest.Suggestion(name, names)}",
            $"There are {string.Join(", ", names)}; write one of your own into {Path.Join(ProjectFolder, name + Extension)}"
        );
    }

    /// <summary>All that is wrong with the files of the project and the user, file by file.</summary>
    public IEnumerable<ConfigProblem> Validate()
    {
        foreach (var folder in (string?[])[ProjectFolder, userFolder])
        {
            foreach (var name in In(folder).Order(StringComparer.Ordinal))
            {
                var file = Path.Join(folder, name + Extension);
                var shown =
                    folder == ProjectFolder ? $".agents/{FolderName}/{name}{Extension}" : file;
                foreach (var problem in Validate(name, file, shown))
                {
                    yield return problem;
                }
            }
        }
    }

    private static IReadOnlyList<ConfigProblem> Validate(string name, string file, string shown)
    {
        var reader = new AdapterReader(shown);
        try
        {
            if (ConfigReader.ReadBytes(file, shown) is { Length: > 0 } bytes)
            {
                reader.Read(name, bytes);
            }

            return reader.Problems;
        }
        catch (QueueException e)
        {
            return [new ConfigProblem(shown, 0, "", ProblemSeverity.Error, e.Message)];
        }
    }

    /// <summary>The file that defines an adapter of the user or the project; null for one of the program.</summary>
    public string? FileOf(string name) => FilesOf(name).FirstOrDefault(IsWritten);

    private IEnumerable<string> FilesOf(string name) =>
        ((string?[])[ProjectFolder, userFolder])
            .Where(static folder => folder is not null)
            .Select(folder => Path.Join(folder, name + Extension));

    // An empty file is one that is just being written.
    private static bool IsWritten(string file) =>
        new FileInfo(file) is { Exists: true, Length: > 0 };

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
                        .Where(IsWritten)
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
