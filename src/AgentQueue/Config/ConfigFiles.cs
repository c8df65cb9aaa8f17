using AgentQueue.Native;

namespace AgentQueue.Config;

/// <summary>
/// The file of a configuration and those that it includes, each read once: a file after all that it includes, so
/// that it has the last word. All of them stand in the project and belong to whom its first one must belong.
/// </summary>
/// <param name="opening">Told of each file, absolute, before it is opened; also of those that are not there.</param>
internal sealed class ConfigFiles(string projectRoot, Action<string>? opening)
{
    public const string IncludeKey = "include";
    public const int Most = 100;

    private readonly List<ConfigReader> _readers = [];
    private readonly List<(ConfigReader Reader, SourceValue Root)> _files = [];
    private readonly List<string> _path = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <summary>Of each file, in the order in which they were come upon.</summary>
    public IReadOnlyList<ConfigReader> Readers => _readers;

    /// <summary>Those that hold an object; what is included comes first.</summary>
    public IReadOnlyList<(ConfigReader Reader, SourceValue Root)> Files => _files;

    /// <param name="file">Relative to the project root.</param>
    /// <exception cref="QueueException">A file cannot be read, or is somebody else's, whose commands are not run.</exception>
    public void Read(string file) => Read(file, null);

    private void Read(string file, (ConfigReader Reader, SourceValue Value, string Key)? from)
    {
        var path = Path.Join(projectRoot, file);
        _seen.Add(file);
        opening?.Invoke(path);
        var bytes = ConfigReader.ReadBytes(
            path,
            file,
            stat => Ownership.Doubt(path, stat, projectRoot)
        );
        if (bytes is null)
        {
            from?.Reader.Error(
                from.Value.Value.At,
                from.Value.Key,
                $"names {file}, which does not exist"
            );
            return;
        }

        var reader = new ConfigReader(file);
        _readers.Add(reader);
        if (reader.ReadRoot(bytes) is not { } root)
        {
            return;
        }

        _path.Add(file);
        foreach (var member in root.Members.Where(static m => m.Name == IncludeKey))
        {
            Include(reader, file, member.Value);
        }

        _path.RemoveAt(_path.Count - 1);
        _files.Add((reader, root));
    }

    private void Include(ConfigReader reader, string file, SourceValue value)
    {
        var includes = reader.Texts(value, IncludeKey) ?? [];
        for (var i = 0; i < includes.Length; i++)
        {
            var key = $"{IncludeKey}[{i}]";
            if (Locate(file, includes[i], out var problem) is not { } included)
            {
                reader.Error(value.Items[i].At, key, problem);
            }
            else if (_path.Contains(included))
            {
                reader.Error(
                    value.Items[i].At,
                    key,
                    $"leads in a circle: {string.Join(" → ", _path[_path.IndexOf(included)..].Append(included))}"
                );
            }
            else if (!_seen.Contains(included))
            {
                if (_seen.Count == Most)
                {
                    reader.Error(
                        value.Items[i].At,
                        key,
                        $"is one more than the {Most} files that a configuration may have"
                    );
                    return;
                }

                Read(included, (reader, value.Items[i], key));
            }
        }
    }

    private string? Locate(string from, string include, out string problem)
    {
        problem = "must be the path of a file, relative to this one";
        if (string.IsNullOrWhiteSpace(include) || include.Any(char.IsControl))
        {
            return null;
        }

        problem = $"must be relative to this file, not {include}";
        if (Path.IsPathRooted(include))
        {
            return null;
        }

        problem = $"leads out of the project: {include}";
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(projectRoot));
        var full = Path.GetFullPath(Path.Join(root, Path.GetDirectoryName(from), include));
        var inside = Path.GetRelativePath(root, full);
        return
            inside == "."
            || inside == ".."
            || inside.StartsWith("../", StringComparison.Ordinal)
            || inside.StartsWith("..\\", StringComparison.Ordinal)
            || Path.IsPathRooted(inside)
            ? null
            : inside.Replace('\\', OperatingSystem.IsWindows() ? '/' : '\\');
    }
}
