using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>What an agent gets beside its prompt, and what is kept from it and from every file.</summary>
public sealed class EnvironmentTests
{
    [Fact]
    public void An_agent_gets_the_runners_environment_without_the_marks_of_a_parent_assistant()
    {
        using var box = new Sandbox();
        foreach (
            var mark in new[]
            {
                "CLAUDECODE",
                "CLAUDE_CODE_ENTRYPOINT",
                "CODEX_SESSION_ID",
                "GEMINI_CLI",
            }
        )
        {
            box.Environment[mark] = "1";
        }

        box.Environment["AGENTQ_TASK_ID"] = "task_parent";
        box.Environment["HARMLESS"] = "kept";

        var env = Tell(box, []).GetProperty("env");

        Assert.Equal("kept", env.GetProperty("HARMLESS").GetString());
        Assert.Equal(box.Folder, env.GetProperty("AGENTQ_ROOT").GetString());
        Assert.Equal(box.Ids[0], env.GetProperty("AGENTQ_TASK_ID").GetString());
        foreach (
            var name in new[]
            {
                "CLAUDECODE",
                "CLAUDE_CODE_ENTRYPOINT",
                "CODEX_SESSION_ID",
                "GEMINI_CLI",
            }
        )
        {
            Assert.False(env.TryGetProperty(name, out _), $"{name} has reached the agent");
        }
    }

    [Fact]
    public void Variables_come_from_the_configuration_the_task_and_the_runner()
    {
        using var box = new Sandbox();
        box.Environment["SECRET_SOURCE"] = "from-the-runner";
        box.Environment["HANDED_ON"] = "also-from-the-runner";
        var env = Tell(
                box,
                ["--env", "ONE=1=1", "--env", "HANDED_ON"],
                """, "env": { "CONFIGURED": "x-${SECRET_SOURCE}", "TAKEN_AWAY": null }"""
            )
            .GetProperty("env");

        Assert.Equal("x-from-the-runner", env.GetProperty("CONFIGURED").GetString());
        Assert.Equal("1=1", env.GetProperty("ONE").GetString());
        Assert.Equal("also-from-the-runner", env.GetProperty("HANDED_ON").GetString());
    }

    [Fact]
    public void A_value_given_with_the_task_is_in_its_private_file_alone_and_shown_masked()
    {
        const string Canary = "canary-77aa-given";
        using var box = new Sandbox();
        var id = box.Enqueue("test ${#KEY} = 17", "--env", "KEY=" + Canary);
        var said = new[]
        {
            box.Run("start", "shell", "true", "--env", "KEY=" + Canary, "--json"),
            box.Run("run", "--parallel", "2", "--wait", "--json"),
        };

        Assert.Equal("complete", box.Task(id).Status);
        Assert.All(
            said,
            o => Assert.DoesNotContain(Canary, o.Out + o.Err, StringComparison.Ordinal)
        );
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(box.TaskPath(id))
        );
    }

    [Fact]
    public void Standard_input_is_not_inherited()
    {
        using var box = new Sandbox();
        box.Enqueue("cat > got; readlink /proc/self/fd/0 >> got");

        box.RunWith("typed by the user"u8.ToArray(), "run", "--wait").Gives(0);

        Assert.Equal("/dev/null\n", File.ReadAllText(Path.Join(box.Folder, "got")));
    }

    [Fact]
    public void Signals_have_their_default_actions()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("cat /proc/self/status; yes | head -n 1; echo yes ended with $?");

        box.Run("run", "--wait").Gives(0);

        var status = box.Log(id).Split('\n');
        foreach (var field in new[] { "SigIgn", "SigBlk" })
        {
            var line = status.First(l => l.StartsWith(field, StringComparison.Ordinal));
            var signals = Convert.ToUInt64(line.Split(':')[1].Trim(), 16);
            // Signals 32 and 33 are the C library's own.
            Assert.Equal(0UL, signals & ~(3UL << 31));
        }

        Assert.DoesNotContain("Broken pipe", box.Log(id), StringComparison.Ordinal);
    }

    [Fact]
    public void An_agent_inherits_no_descriptor_but_its_sign_of_life()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("ls -l /proc/$$/fd");

        box.Run("run", "--wait").Gives(0);

        var targets = box.Log(id)
            .Split('\n')
            .Where(static l => l.Contains("->", StringComparison.Ordinal))
            .Select(static l => l.Split("-> ")[1])
            .ToList();
        Assert.Equal(
            [
                "/dev/null",
                box.PathOf("logs", id, ".log"),
                box.PathOf("logs", id, ".log"),
                box.PathOf("run", id, ".alive"),
            ],
            targets
        );
    }

    [Fact]
    public void The_working_folder_is_the_project_or_what_was_asked_for()
    {
        using var box = new Sandbox();
        Directory.CreateDirectory(Path.Join(box.Folder, "sub"));
        box.Configure("");
        box.Sh("cd sub && agentq start shell 'pwd > $AGENTQ_ROOT/at-root' --quiet").Gives(0);
        box.Sh("cd sub && agentq start shell 'pwd > $AGENTQ_ROOT/at-sub' --quiet --cwd .").Gives(0);

        box.Run("run", "--parallel", "2", "--wait").Gives(0);

        Assert.Equal(box.Folder, File.ReadAllText(Path.Join(box.Folder, "at-root")).Trim());
        Assert.Equal(
            Path.Join(box.Folder, "sub"),
            File.ReadAllText(Path.Join(box.Folder, "at-sub")).Trim()
        );
    }

    [Fact]
    public void The_queues_files_are_private()
    {
        using var box = new Sandbox();
        box.Sh("umask 0; agentq start shell 'echo x' --quiet && agentq run --wait").Gives(0);
        box.AllHaveLeft();

        const UnixFileMode Others =
            UnixFileMode.GroupRead
            | UnixFileMode.GroupWrite
            | UnixFileMode.OtherRead
            | UnixFileMode.OtherWrite;
        foreach (
            var path in Directory
                .EnumerateFileSystemEntries(box.Queue, "*", SearchOption.AllDirectories)
                .Append(box.Queue)
        )
        {
            Assert.True((File.GetUnixFileMode(path) & Others) == 0, $"{path} is open to others");
        }
    }

    [Needs(Machine.Strace)]
    public void No_verb_writes_outside_the_queue_folder()
    {
        using var box = new Sandbox();
        box.Sh(
                """
                set -e
                t() { strace -f -qq -y -o ../outside/trace.$1 -e trace=openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,truncate,chmod,fchmodat agentq "$@"; }
                t start shell 'exit 1' --quiet > ../outside/id
                t run --wait || test $? = 3
                t retry $(cat ../outside/id)
                t status --all
                t cancel --all
                t clean all -y
                """
            )
            .Gives(0);

        var traces = Directory.EnumerateFiles(box.Outside, "trace.*").ToList();
        Assert.Equal(6, traces.Count);
        foreach (var line in traces.SelectMany(File.ReadLines))
        {
            var changes =
                line.Contains("O_WRONLY", StringComparison.Ordinal)
                || line.Contains("O_RDWR", StringComparison.Ordinal)
                || line.Contains("O_CREAT", StringComparison.Ordinal)
                || !line.Contains("open", StringComparison.Ordinal);
            if (
                changes
                && !line.Contains("+++", StringComparison.Ordinal)
                && !line.Contains("---", StringComparison.Ordinal)
                && !line.Contains("resumed>", StringComparison.Ordinal)
                && !line.Contains("\"/dev/null\"", StringComparison.Ordinal)
                && !line.Contains("\"/dev/tty\"", StringComparison.Ordinal)
                && !line.Contains("= -1 ", StringComparison.Ordinal)
            )
            {
                Assert.Contains('"' + box.Queue, line, StringComparison.Ordinal);
            }
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(box.Home));
    }

    private static JsonElement Tell(Sandbox box, string[] options, string more = "")
    {
        var file = Path.Join(box.Outside, "told");
        box.Configure(
            $$"""
            "teller": { "command": "{{Binaries.FakeAgent}}", "args": ["tell", "{{file}}", "{prompt}"], "promptTemplate": "{userPrompt}"{{more}} }
            """
        );
        box.Run(["start", "teller", "go", "--wait", .. options]).Gives(0);
        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.Clone();
    }
}
