using System.Text.Json;
using System.Text.RegularExpressions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// What is no id, through every entrance by which one comes in: refused, and no file is opened that would
/// not be opened for an id that is merely unknown.
/// </summary>
public sealed partial class HostileIdTests
{
    private static readonly string[] s_verbs =
    [
        "show",
        "logs",
        "run",
        "cancel",
        "retry",
        "wait",
        "timeout",
        "hold",
        "release",
        "status",
        "deps show",
        "archive restore",
        "clean",
    ];

    [Needs(Machine.Strace)]
    [Trait("Fault", "S1")]
    public void No_id_leads_out_of_the_folder() =>
        Fault.Inject(
            "S1",
            fault =>
            {
                using var box = new Sandbox();
                // Two, so that "task_", which could be a part of an id, means neither.
                box.Enqueue("true");
                box.Enqueue("true");
                var before = box.Picture();
                var harmless = s_verbs
                    .Select(v => Entrance(v, "nosuch"))
                    .Append(Dependency("nosuch"))
                    .Append(Batch("nosuch"))
                    .SelectMany(e => Opened(box, e))
                    .ToHashSet();

                Parallel.ForEach(
                    HostileIds.Corpus.Select(static (text, i) => (text, i)),
                    new ParallelOptions { MaxDegreeOfParallelism = 3 },
                    item =>
                    {
                        var (text, i) = item;
                        // What no argument can be comes in by the batch alone.
                        string[][] entrances = text.Any(static c =>
                            c is '\0' || char.IsSurrogate(c)
                        )
                            ? [Batch(text)]
                            :
                            [
                                Entrance(s_verbs[i % s_verbs.Length], text),
                                Entrance(s_verbs[(i + 5) % s_verbs.Length], text),
                                Dependency(text),
                                Batch(text),
                            ];
                        foreach (var entrance in entrances)
                        {
                            fault.Injected();
                            foreach (var path in Opened(box, entrance))
                            {
                                Assert.True(
                                    harmless.Contains(path)
                                        || path.StartsWith(
                                            box.Folder + "/",
                                            StringComparison.Ordinal
                                        ),
                                    $"'{text}' by {string.Join(' ', entrance)} has opened {path}"
                                );
                            }
                        }
                    }
                );

                Assert.Equal(before, box.Picture());
            }
        );

    [Fact]
    [Trait("Fault", "S1")]
    public void An_id_in_a_file_is_that_of_its_name_or_the_file_is_not_used() =>
        Fault.Inject(
            "S1",
            fault =>
            {
                using var box = new Sandbox();
                var good = box.Enqueue("true");
                var text = File.ReadAllText(box.TaskPath(good));
                for (var i = 0; i < HostileIds.Corpus.Length; i++)
                {
                    fault.Injected();
                    var inside = JsonSerializer.Serialize(HostileIds.Corpus[i]);
                    box.Write(
                        $".agents/tasks/task_bad{i}.json",
                        text.Replace($"\"{good}\"", inside, StringComparison.Ordinal)
                    );
                }

                var status = box.Run("status").Gives(0);
                for (var i = 0; i < HostileIds.Corpus.Length; i++)
                {
                    Assert.Contains($"task_bad{i}", status.Err, StringComparison.Ordinal);
                }

                RunsOnly(box, good);
            }
        );

    [Fact]
    [Trait("Fault", "S1")]
    public void A_file_whose_name_is_no_id_is_nobodys_task() =>
        Fault.Inject(
            "S1",
            fault =>
            {
                using var box = new Sandbox();
                var good = box.Enqueue("true");
                var text = File.ReadAllText(box.TaskPath(good));
                var names = HostileIds
                    .Corpus.Where(static n =>
                        n.Length is > 0 and < 200
                        && !n.Any(static c => c is '/' or '\0' || char.IsSurrogate(c))
                    )
                    .ToList();
                foreach (var name in names)
                {
                    fault.Injected();
                    box.Write(
                        $".agents/tasks/{name}.json",
                        text.Replace(
                            good,
                            name.Replace("\"", "\\\"", StringComparison.Ordinal),
                            StringComparison.Ordinal
                        )
                    );
                }

                RunsOnly(box, good);
                box.Run("clean", "all", "-y").Gives(0);
                box.Run("doctor", "--fix").Gives(0, 1);
                foreach (var name in names)
                {
                    Assert.True(
                        File.Exists(Path.Join(box.Queue, "tasks", name + ".json")),
                        $"'{name}' was removed"
                    );
                }
            }
        );

    [Fact]
    [Trait("Fault", "S1")]
    public void Nothing_is_imported_under_a_name_that_is_no_id() =>
        Fault.Inject(
            "S1",
            fault =>
            {
                using var box = new Sandbox();
                Directory.CreateDirectory(Path.Join(box.Folder, "old/tasks"));
                for (var i = 0; i < HostileIds.Corpus.Length; i++)
                {
                    fault.Injected();
                    var id = JsonSerializer.Serialize(HostileIds.Corpus[i]);
                    box.Write(
                        $"old/tasks/task_{i}.json",
                        $$"""
                        {"taskId": {{id}}, "status": "pending", "agent": "shell", "prompt": "echo x > ran",
                         "planFile": {{id}}, "logFile": {{id}}, "parentTaskId": {{id}}, "retriedBy": {{id}},
                         "dependsOn": [{{id}}], "blockedBy": {{id}}}
                        """
                    );
                }

                var root = Path.GetDirectoryName(box.Folder)!;
                var before = Directory.GetFileSystemEntries(root).Order();

                box.Run("import", "old").Gives(0, 1);

                Assert.All(box.Ids, static id => Assert.Matches("^task_[A-Za-z0-9-]{1,59}$", id));
                Assert.Equal(before, Directory.GetFileSystemEntries(root).Order());
                Assert.Empty(Directory.GetFileSystemEntries(box.Outside));
                Assert.All(
                    Directory.GetFiles(box.Queue, "*", SearchOption.AllDirectories),
                    f =>
                        Assert.StartsWith(
                            box.Queue + "/",
                            Path.GetFullPath(f),
                            StringComparison.Ordinal
                        )
                );
                box.Run("status", "--all").Gives(0);
            }
        );

    private static void RunsOnly(Sandbox box, string good)
    {
        var run = box.Run("run", "--drain", "--wait").Gives(0);
        Assert.DoesNotContain("Exception", run.Err, StringComparison.Ordinal);
        Assert.Equal("complete", box.Task(good).Status);
        Assert.Single(Directory.GetFiles(Path.Join(box.Queue, "logs")));
    }

    private static string[] Entrance(string verb, string id) => [.. verb.Split(' '), "--", id];

    private static string[] Dependency(string id) =>
        ["start", "shell", "true", "--depends-on=" + id];

    private static string[] Batch(string id) =>
        ["start", "--batch", "-", JsonSerializer.Serialize(id)];

    /// <summary>Every path that a verb has opened, made or asked for, and that exists or was made.</summary>
    private static List<string> Opened(Sandbox box, string[] entrance)
    {
        var trace = Path.Join(box.Outside, Path.GetRandomFileName());
        var isBatch = entrance is ["start", "--batch", ..];
        var input = isBatch
            ? System.Text.Encoding.UTF8.GetBytes(
                $$"""{"agent": "shell", "prompt": "true", "dependsOn": [{{entrance[3]}}]}"""
            )
            : null;
        using var run = box.Program(
            "/usr/bin/env",
            input,
            [
                "strace",
                "-f",
                "-qq",
                "-y",
                "-s",
                "4096",
                "-o",
                trace,
                "-e",
                "trace=%file",
                "agentq",
                .. isBatch ? entrance[..3] : entrance,
            ]
        );
        var outcome = run.End();
        // Without an id these look at the whole queue.
        Assert.True(outcome.Code is 1 or 2, $"It was not refused: {outcome}");
        var paths = new List<string>();
        foreach (var line in File.ReadLines(trace))
        {
            if (line.Contains("execve(", StringComparison.Ordinal))
            {
                continue;
            }

            foreach (Match name in Name().Matches(line))
            {
                paths.Add(Path.GetFullPath(name.Groups[1].Value, box.Folder));
            }
        }

        File.Delete(trace);
        return paths;
    }

    [GeneratedRegex("\"((?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Name();
}
