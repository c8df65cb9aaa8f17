using System.Text;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Server.Demo;

/// <summary>
/// A small project in a temporary folder, with three agents that are shell scripts. Everything in it really happens:
/// the links are checked, the tests are run, and one agent meets an obstacle that is gone at the second try.
/// </summary>
internal sealed class DemoProject : IAsyncDisposable
{
    private const int Rounds = 3;

    // No agent of the demo needs a second of work; what still lives after this is not coming to an end.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    private static readonly (string Path, string Text)[] s_files =
    [
        (
            "agent-config.json",
            """
            {
              "agents": {
                "notes": {
                  "description": "Writes texts for users",
                  "command": "sh", "args": ["agents/notes.sh", "{prompt}"], "timeout": 30
                },
                "links": {
                  "description": "Reads the documents and checks what they say",
                  "command": "sh", "args": ["agents/links.sh", "{prompt}"], "timeout": 30
                },
                "tests": {
                  "description": "Runs the tests and tells what failed",
                  "command": "sh", "args": ["agents/tests.sh", "{prompt}"], "timeout": 30
                }
              }
            }
            """
        ),
        (
            "agents/notes.sh",
            """
            echo "Reading CHANGELOG.md"
            sleep 3
            sed -n 's/^\* /For you: /p' CHANGELOG.md > RELEASE.md
            echo "RELEASE.md is written: $(grep -c . RELEASE.md) changes"
            """
        ),
        (
            "agents/links.sh",
            """
            count=0 broken=0
            for page in docs/*.md; do
              echo "Checking $page"
              sleep 1
              for link in $(sed -n 's/.*](\([^)]*\)).*/\1/p' "$page"); do
                count=$((count + 1))
                test -e "docs/$link" || { broken=$((broken + 1)); names="$names $link (in $page)"; }
              done
            done
            echo "$count links, $broken leading nowhere:$names"
            """
        ),
        (
            "agents/tests.sh",
            """
            echo "Starting the test server on port 4173"
            sleep 1
            if mkdir .server 2> /dev/null; then
              echo "Port 4173 is still in use by the server of an earlier run; try again"
              exit 1
            fi
            passed=0
            for file in tests/*.sh; do
              sh "$file" || exit 1
              passed=$((passed + 1))
            done
            echo "All $passed tests passed"
            """
        ),
        ("tests/changelog.sh", "grep -q '^## 1.4' CHANGELOG.md"),
        ("tests/docs.sh", "test -s docs/index.md"),
        (
            "CHANGELOG.md",
            """
            ## 1.4
            * Import reads CSV files
            * Search finds whole phrases
            * The list can be printed
            """
        ),
        (
            "docs/index.md",
            """
            # Handbook
            Begin with [the installation](install.md).
            Then see [what others ask](questions.md).
            """
        ),
        ("docs/install.md", "Back to [the beginning](index.md)."),
    ];

    private readonly QueueProgram _program;

    /// <param name="command">How to call agentq.</param>
    public DemoProject(IReadOnlyList<string> command)
    {
        if (!Directory.Exists(Path.GetTempPath()))
        {
            throw new QueueException(
                $"There is no folder {Path.GetTempPath()} for what is temporary",
                "Set TMPDIR to one that exists"
            );
        }

        Folder = Directory.CreateTempSubdirectory("agentq-demo-").FullName;
        _program = new QueueProgram(command, () => Folder);
    }

    public string Folder { get; }

    /// <exception cref="QueueException">A file cannot be written.</exception>
    public void Fill()
    {
        var files = new ProjectQueue(Folder, TimeProvider.System).Queue.Unsynced;
        foreach (var (path, text) in s_files)
        {
            var full = Path.Join(Folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            files.ReplaceUnsynced(
                full,
                Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\n") + "\n")
            );
        }
    }

    /// <summary>Cancels what is not over, waits until its supervisors have left, and removes the folder.</summary>
    /// <exception cref="QueueException">Something is left; it says where.</exception>
    public async ValueTask DisposeAsync()
    {
        var queue = new ProjectQueue(Folder, TimeProvider.System).Queue;
        QueueException? problem = null;
        for (var round = 0; round < Rounds; round++)
        {
            try
            {
                if (queue.Exists)
                {
                    await _program.ChangeAsync(["cancel", "--json", "--all"]);
                    await DesertedAsync(new Drain(queue, QueueScope.None));
                }

                queue.Disk.DeleteFolder(Folder);
                _program.Dispose();
                return;
            }
            catch (QueueException e)
            {
                // A second Ctrl-C ends the call too, and a supervisor may just have written a file.
                problem = e;
            }
        }

        throw new QueueException(
            $"The demo could not put away {Folder}: {problem!.Message}",
            $"agentq --root {Folder} cancel --all; rm -r {Folder}",
            cause: problem
        );
    }

    private static async Task DesertedAsync(Drain drain)
    {
        var clock = TimeProvider.System;
        var begun = clock.GetTimestamp();
        while (!drain.IsDeserted && clock.GetElapsedTime(begun) < s_patience)
        {
            await Task.Delay(s_look);
        }
    }
}
