using System.Collections.Immutable;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Which versions of agent CLIs are installed, told by themselves: all are asked at once, none is waited for longer
/// than <see cref="Limit"/>, and an answer is kept in <c>run/versions</c> for as long as the program's file stays
/// as it is. Only programs that are looked up on PATH by the name in an adapter that is not the project's are
/// asked: to list agents must not run what a repository brings with it.
/// </summary>
internal sealed class AgentVersions(QueueFolder queue, TimeProvider clock)
{
    /// <summary>A program that has not answered by then has no version.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    // Of it, what is left between asking a program to end and ending it.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    private const string Mark = "AGENTQ_PROBE";
    private const string FileName = "versions";
    private const int LargestFile = 1 << 20;

    /// <summary>By the adapters' names; those that do not answer are not in it.</summary>
    public ImmutableSortedDictionary<string, string> Ask(
        Adapters adapters,
        IEnumerable<Adapter> asked,
        string? searchPath
    )
    {
        var known = ReadKept();
        var programs = (
            from adapter in asked
            where adapter.Version is not null && !adapters.IsOfProject(adapter.Name)
            let path = IsBare(adapter.Command)
                ? ExecutableLookup.Find(adapter.Command, searchPath, queue.ProjectRoot)
                : null
            where path is not null
            select (Adapter: adapter, Path: path, Stamp: StampOf(path))
        ).ToList();
        var open = programs.Where(p => known.GetValueOrDefault(p.Path).Stamp != p.Stamp).ToList();
        var answers = new string?[open.Count];
        var threads = open.Select(
                (p, i) => new Thread(() => answers[i] = Answer(p.Adapter, p.Path))
            )
            .ToList();
        threads.ForEach(static t => t.Start());
        threads.ForEach(static t => t.Join());
        for (var i = 0; i < open.Count; i++)
        {
            if (answers[i] is { } version)
            {
                known[open[i].Path] = (open[i].Stamp, version);
            }
        }

        if (Array.Exists(answers, static a => a is not null))
        {
            Keep(known);
        }

        return programs
            .Where(p => known.GetValueOrDefault(p.Path).Stamp == p.Stamp)
            .ToImmutableSortedDictionary(
                static p => p.Adapter.Name,
                p => known[p.Path].Version,
                StringComparer.Ordinal
            );
    }

    private static bool IsBare(string command) =>
        !command.Contains('/', StringComparison.Ordinal)
        && !command.Contains('\\', StringComparison.Ordinal);

    private string? Answer(Adapter adapter, string path)
    {
        var mark = $"{Mark}={TaskId.New(clock.GetUtcNow()).Value}";
        var environment = LocalBackend.WithoutMarks(Environment.GetEnvironmentVariables());
        foreach (var (name, value) in adapter.Environment)
        {
            environment.RemoveAll(e => AgentEnvironment.Names.Equals(e.Split('=', 2)[0], name));
            if (value is not null)
            {
                environment.Add($"{name}={value}");
            }
        }

        environment.Add(mark);
        try
        {
            var end = ForegroundProgram.Run(
                new ForegroundLaunch(
                    path,
                    adapter.Version!.Args,
                    Path.GetPathRoot(path)!,
                    environment
                )
                {
                    Limit = new ProgramLimit(s_patience, mark, clock) { Adopts = false },
                },
                static (_, _) => { }
            );
            return end is { TimedOut: false, Exit.IsSuccess: true }
                ? AdapterVersion.Find(end.Output)
                : null;
        }
        catch (QueueException)
        {
            // It cannot be started: it has no version either, and starting a task with it will say why.
            return null;
        }
    }

    // Of the file that is run in the end: what installs programs puts links on PATH.
    private static string StampOf(string path)
    {
        try
        {
            var file = new FileInfo(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"{file.Length} {file.LastWriteTimeUtc.Ticks} {file.FullName}"
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private Dictionary<string, (string Stamp, string Version)> ReadKept()
    {
        var known = new Dictionary<string, (string, string)>(StringComparer.Ordinal);
        try
        {
            var read = queue.Disk.Read(Path.Join(queue.Run, FileName), LargestFile);
            if (read.Status != ReadStatus.Ok)
            {
                return known;
            }

            using var document = JsonDocument.Parse(read.Content);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                known[member.Name] = (
                    member.Value.GetProperty("stamp"u8).GetString()!,
                    member.Value.GetProperty("version"u8).GetString()!
                );
            }
        }
        catch (Exception e)
            when (e
                    is QueueException
                        or JsonException
                        or InvalidOperationException
                        or KeyNotFoundException
            )
        {
            // It can be asked again.
        }

        return known;
    }

    private void Keep(Dictionary<string, (string Stamp, string Version)> known)
    {
        using var bytes = new MemoryStream();
        using (var w = new Utf8JsonWriter(bytes))
        {
            w.WriteStartObject();
            foreach (var (path, (stamp, version)) in known)
            {
                w.WriteStartObject(path);
                w.WriteString("stamp"u8, stamp);
                w.WriteString("version"u8, version);
                w.WriteEndObject();
            }

            w.WriteEndObject();
        }

        try
        {
            if (queue.Disk.Facts(queue.Run) is { IsFolder: true })
            {
                queue.Unsynced.ReplaceUnsynced(Path.Join(queue.Run, FileName), bytes.ToArray());
            }
        }
        catch (QueueException)
        {
            // It can be asked again.
        }
    }
}
