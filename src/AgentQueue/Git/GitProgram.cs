using System.Collections;
using System.Globalization;
using System.Text;
using AgentQueue.Config;
using AgentQueue.Processes;

namespace AgentQueue.Git;

/// <summary>How a call of git ended, and what it printed.</summary>
/// <param name="ExitCode">As a shell reports it.</param>
internal sealed record GitEnd(int ExitCode, byte[] Output, string Errors)
{
    public bool IsSuccess => ExitCode == 0;

    /// <summary>What it printed, without the end of the last line.</summary>
    public string Text => Encoding.UTF8.GetString(Output).TrimEnd('\n', '\r');

    /// <summary>What it printed, of a call with <c>-z</c>.</summary>
    public string[] Items =>
        Encoding.UTF8.GetString(Output).Split('\0', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The line of its errors that says most: git's hints come after it.</summary>
    public string Problem
    {
        get
        {
            string[] lines =
            [
                .. Errors.Split('\n', StringSplitOptions.TrimEntries).Where(static l => l != ""),
            ];
            return Array.Find(
                    lines,
                    static l =>
                        l.StartsWith("fatal:", StringComparison.Ordinal)
                        || l.StartsWith("error:", StringComparison.Ordinal)
                )
                ?? (
                    lines is [.., var last]
                        ? last
                        : string.Create(
                            CultureInfo.InvariantCulture,
                            $"it exited with code {ExitCode}"
                        )
                );
        }
    }
}

/// <summary>
/// Runs git, found on PATH, without a shell: never asks anybody anything, speaks English, takes nothing of a
/// git command around us (a hook's <c>GIT_DIR</c>, <c>GIT_INDEX_FILE</c>), and is ended when its time is up.
/// Works beside other children of this process, so in a supervisor too.
/// </summary>
internal sealed class GitProgram
{
    /// <summary>Nothing that git does here for agentq takes this long on a repository of usual size.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    // What is larger is no list that anybody reads.
    private const int MostOutput = 64 << 20;

    // Which repository, index or object store is meant, whatever folder git is called in.
    private static readonly HashSet<string> s_places = new(AgentEnvironment.Names)
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    };

    // How paths are read, and who would be asked.
    private static readonly HashSet<string> s_removed = new(AgentEnvironment.Names)
    {
        "GIT_ASKPASS",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIFF_OPTS",
        "GIT_EXTERNAL_DIFF",
        "GIT_GLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
        "GIT_LITERAL_PATHSPECS",
        "GIT_MERGE_AUTOEDIT",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REFLOG_ACTION",
        "GIT_REPLACE_REF_BASE",
        "GIT_SEQUENCE_EDITOR",
        "LANGUAGE",
        "SSH_ASKPASS",
    };

    // A program that waits for somebody to write would wait for ever.
    private static readonly (string Name, string Value)[] s_set =
    [
        ("GIT_EDITOR", "true"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("LC_ALL", "C"),
    ];

    /// <summary>True for a variable by which a git command around us would lead those in it to its own repository.</summary>
    public static bool NamesPlace(string variable) => s_places.Contains(variable);

    private readonly string _executable;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _limit;

    private GitProgram(string executable, TimeProvider clock, TimeSpan limit)
    {
        _executable = executable;
        _clock = clock;
        _limit = limit;
    }

    /// <summary>Null if git is not on PATH.</summary>
    public static GitProgram? Find(TimeProvider clock, TimeSpan? limit = null) =>
        ExecutableLookup.Find(
            "git",
            Environment.GetEnvironmentVariable("PATH"),
            // Only for commands with a slash.
            AppContext.BaseDirectory
        )
            is { } executable
            ? new GitProgram(executable, clock, limit ?? DefaultLimit)
            : null;

    /// <param name="environment">More of it, as <c>KEY=VALUE</c>.</param>
    /// <param name="writes">False for a call that must not take the lock of an index, even to speed up others.</param>
    /// <exception cref="QueueException">It could not be started, took too long, or printed too much.</exception>
    public GitEnd Run(
        string folder,
        IReadOnlyList<string> arguments,
        IReadOnlyList<string>? environment = null,
        bool writes = false,
        ReadOnlyMemory<byte> input = default,
        TimeSpan? limit = null
    )
    {
        if (!Directory.Exists(folder))
        {
            throw new QueueException($"There is no folder {folder}");
        }

        using var output = new MemoryStream();
        var errors = new OutputTail(ForegroundProgram.KeptOutput);
        var tooMuch = false;
        var end = ForegroundProgram.Run(
            new ForegroundLaunch(
                _executable,
                arguments,
                folder,
                [.. Environments(writes), .. environment ?? []],
                input
            )
            {
                Limit = new ProgramLimit(limit ?? _limit, Mark: null, _clock),
                PassesSignals = false,
            },
            (piece, isError) =>
            {
                if (isError)
                {
                    errors.Add(piece);
                }
                else if (output.Length + piece.Length > MostOutput)
                {
                    tooMuch = true;
                }
                else
                {
                    output.Write(piece);
                }
            }
        );
        if (end.TimedOut)
        {
            throw new QueueException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"git {WordOf(arguments)} in {folder} took longer than {(limit ?? _limit).TotalSeconds:0} s and was ended"
                )
            );
        }

        return tooMuch
            ? throw new QueueException(
                $"git {WordOf(arguments)} in {folder} printed more than {MostOutput >> 20} MiB"
            )
            : new GitEnd(end.Exit.Code, output.ToArray(), errors.ToString());
    }

    /// <summary>The subcommand, behind options such as <c>-c key=value</c>.</summary>
    public static string WordOf(IReadOnlyList<string> arguments)
    {
        var i = 0;
        while (i < arguments.Count && arguments[i].StartsWith('-'))
        {
            i += arguments[i] is "-c" or "-C" ? 2 : 1;
        }

        return i < arguments.Count ? arguments[i] : "";
    }

    private static IEnumerable<string> Environments(bool writes)
    {
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            var name = (string)entry.Key;
            if (
                !s_places.Contains(name)
                && !s_removed.Contains(name)
                && name != "GIT_OPTIONAL_LOCKS"
                && !Array.Exists(s_set, s => AgentEnvironment.Names.Equals(s.Name, name))
            )
            {
                yield return $"{name}={entry.Value}";
            }
        }

        foreach (var (name, value) in s_set)
        {
            yield return $"{name}={value}";
        }

        if (!writes)
        {
            yield return "GIT_OPTIONAL_LOCKS=0";
        }
    }
}
