using AgentQueue.Storage;

namespace AgentQueue.Keeping;

/// <summary>A folder of the older tool: <c>.gemini/agents</c> or <c>.orchestra</c>.</summary>
/// <param name="Folder">Holds <c>tasks</c>, <c>plans</c>, <c>logs</c> and perhaps <c>archive</c>.</param>
/// <param name="Project">The root of the project that it belongs to.</param>
internal sealed record ImportSource(string Folder, string Project)
{
    // The newer one first: where both hold a task, it knows more of it.
    private static readonly string[] s_places = [".orchestra", ".gemini/agents"];
    private static readonly string[] s_configs =
    [
        ".orchestra-cli/agent-config.json",
        ".opencode/agent-config.json",
    ];

    public string Tasks => Path.Join(Folder, "tasks");
    public string Archive => Path.Join(Folder, "archive");

    public string Plan(string stem, bool archived) =>
        Path.Join(archived ? Archive : Path.Join(Folder, "plans"), stem + "_plan.md");

    public string Log(string stem, bool archived) =>
        Path.Join(archived ? Archive : Path.Join(Folder, "logs"), stem + ".log");

    /// <summary>Where the agents of the project are configured; those that exist.</summary>
    public IEnumerable<string> Configs =>
        s_configs.Select(c => Path.Join(Project, c)).Where(File.Exists);

    /// <summary>The folders of the older tool at <paramref name="folder"/>, or in the project that it is.</summary>
    /// <exception cref="QueueException">There is none.</exception>
    public static IReadOnlyList<ImportSource> Find(string folder, QueueFolder queue)
    {
        folder = Path.TrimEndingDirectorySeparator(folder);
        if (!Directory.Exists(folder))
        {
            throw new QueueException(
                $"There is no {(Path.HasExtension(folder) ? "file" : "folder")} {folder}"
            );
        }

        if (folder == queue.Folder)
        {
            throw new QueueException($"{folder} is this queue itself");
        }

        var found = In(folder);
        return found.Count > 0
            ? found
            : throw new QueueException(
                $"There is nothing to import in {folder}: it has no tasks folder, no .orchestra, no .gemini/agents and no {EventFile.UsualName}",
                "Name the folder of the older tool, the project that holds it, or its configuration file"
            );
    }

    /// <summary>As <see cref="Find"/>; none if there is none.</summary>
    public static IReadOnlyList<ImportSource> In(string folder)
    {
        folder = Path.TrimEndingDirectorySeparator(folder);
        if (IsQueue(folder))
        {
            return [new ImportSource(folder, ProjectOf(folder))];
        }

        IReadOnlyList<ImportSource> found =
        [
            .. s_places
                .Append("agents")
                .Select(place => Path.Join(folder, place))
                .Where(IsQueue)
                .Select(place => new ImportSource(place, ProjectOf(place))),
        ];
        return found.Count == 0 && s_configs.Any(c => File.Exists(Path.Join(folder, c)))
            ? [new ImportSource(Path.Join(folder, s_places[0]), folder)]
            : found;
    }

    private static bool IsQueue(string folder) => Directory.Exists(Path.Join(folder, "tasks"));

    private static string ProjectOf(string folder)
    {
        var parent = Path.GetDirectoryName(folder) ?? folder;
        return Path.GetFileName(folder) == "agents" && Path.GetFileName(parent) == ".gemini"
            ? Path.GetDirectoryName(parent) ?? parent
            : parent;
    }
}
