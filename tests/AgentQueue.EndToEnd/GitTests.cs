using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>A branch or an issue for a task, and the records of it.</summary>
public sealed class GitTests
{
    [Fact]
    public void A_branch_is_made_in_the_tasks_folder_and_recorded()
    {
        using var box = new Sandbox();
        box.Sh("mkdir part; git init -q part").Gives(0);
        var id = box.Enqueue("true", "--name", "Fix: the Parser!", "--cwd", "part");

        var outcome = box.Run("git", "branch", id).Gives(0);

        Assert.Contains("task/fix-the-parser", outcome.Err, StringComparison.Ordinal);
        Assert.Equal(
            "task/fix-the-parser",
            box.Sh("git -C part symbolic-ref --short HEAD").Gives(0).Text
        );
        var record = Assert.Single(Records(box));
        Assert.Equal("git.branch", record.GetProperty("action").GetString());
        Assert.Equal(id, record.GetProperty("subject").GetString());
        Assert.Equal(0, record.GetProperty("exitCode").GetInt32());
        Assert.Equal(
            ["git", "-C", Path.Join(box.Folder, "part"), "checkout", "-b", "task/fix-the-parser"],
            record.GetProperty("arguments").EnumerateArray().Select(a => a.GetString())
        );
        Assert.Contains(
            "task/fix-the-parser",
            record.GetProperty("output").GetString(),
            StringComparison.Ordinal
        );
        Assert.Matches(@"^\S+@\S+$", record.GetProperty("who").GetString());
        Assert.Matches(
            @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
            record.GetProperty("at").GetString()
        );
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("..")]
    [InlineData("-b")]
    [InlineData("a..b.lock.lock")]
    [InlineData("@{-1}")]
    [InlineData("日本語")]
    [InlineData("refs heads~^:?*[\\")]
    [InlineData("$(touch pwned)`touch pwned`;touch pwned")]
    public void Whatever_the_name_git_takes_the_branch_and_nothing_else_happens(string name)
    {
        using var box = new Sandbox();
        box.Sh("git init -q").Gives(0);
        var id = box.Enqueue("true", $"--name={name}");

        var made = box.Run("git", "branch", id, "--json").Gives(0).Json;

        var branch = made.GetProperty("branch").GetString()!;
        Assert.Matches("^task/[a-z0-9_][a-z0-9._-]*$", branch);
        Assert.Equal(branch, box.Sh("git symbolic-ref --short HEAD").Gives(0).Text);
        Assert.False(File.Exists(Path.Join(box.Folder, "pwned")));
        Assert.Single(Directory.GetFileSystemEntries(Path.Join(box.Queue, "records")));
    }

    [Fact]
    public void A_branch_that_is_there_already_is_told_with_what_to_type()
    {
        using var box = new Sandbox();
        box.Sh(
                "git init -q; git -c user.name=n -c user.email=e commit -q --allow-empty -m x; git branch task/b"
            )
            .Gives(0);
        var id = box.Enqueue("true", "--name", "b");

        var outcome = box.Run("git", "branch", id).Gives(1);

        Assert.Contains("already exists", outcome.Err, StringComparison.Ordinal);
        Assert.Contains(
            "hint: Switch to it: git switch task/b",
            outcome.Err,
            StringComparison.Ordinal
        );
        Assert.Equal(128, Assert.Single(Records(box)).GetProperty("exitCode").GetInt32());
    }

    [Fact]
    public void Failures_of_the_caller_the_program_and_the_machine_are_told_apart()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("true");
        var gone = box.Enqueue("true", "--cwd", box.Outside);
        Directory.Delete(box.Outside, recursive: true);

        Assert.Contains(
            "git exited with code 128.",
            box.Run("git", "branch", id).Gives(1).Err,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no folder",
            box.Run("git", "branch", gone).Gives(1).Err,
            StringComparison.Ordinal
        );
        box.Run("git", "branch", "nosuchtask").Gives(1);
        box.Run("git", "branch").Gives(2);
        box.Run("git", "issue", id, "--title", " ").Gives(2);
        box.Environment["PATH"] = box.Bin;
        Assert.Contains(
            "cli.github.com",
            box.Run("git", "issue", id).Gives(1).Err,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "git-scm.com",
            box.Run("git", "branch", id).Gives(1).Err,
            StringComparison.Ordinal
        );

        Assert.Equal(
            [127, 127, 127, 128],
            Records(box).Select(r => r.GetProperty("exitCode").GetInt32())
        );
    }

    [Fact]
    public void An_issue_gets_the_prompt_as_it_is_however_long()
    {
        using var box = new Sandbox();
        FakeGh(box, """printf '%s\n' "$@" > args; cat > body; echo https://example.com/issues/7""");
        box.Configure(""" "reader": { "command": "cat", "promptVia": "stdin" } """);
        var prompt = string.Concat(
            Enumerable.Repeat("first line\n$(rm -rf /) `x` \"é\" \\\n", 12_000)
        );
        var id = box.RunWith(
                Encoding.UTF8.GetBytes(prompt),
                "start",
                "reader",
                "-",
                "--quiet",
                "--hold"
            )
            .Gives(0)
            .Text;

        var outcome = box.Run("git", "issue", id).Gives(0);

        Assert.Equal("https://example.com/issues/7\n", outcome.Out);
        Assert.Equal(prompt, File.ReadAllText(Path.Join(box.Folder, "body")));
        Assert.Equal(
            "issue\ncreate\n--title\nfirst line\n--body-file\n-\n",
            File.ReadAllText(Path.Join(box.Folder, "args"))
        );
        Assert.DoesNotContain("rm -rf", Assert.Single(RecordLines(box)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_does_not_read_its_input_is_judged_by_its_end()
    {
        using var box = new Sandbox();
        FakeGh(box, "exec <&-; echo made");
        box.Configure(""" "reader": { "command": "cat", "promptVia": "stdin" } """);
        var prompt = new byte[1 << 20];
        prompt.AsSpan().Fill((byte)'x');
        var id = box.RunWith(prompt, "start", "reader", "-", "--quiet", "--hold").Gives(0).Text;

        Assert.Equal("made\n", box.Run("git", "issue", id).Gives(0).Out);
    }

    [Fact]
    public void A_program_gets_one_document_and_the_talk_goes_to_stderr()
    {
        using var box = new Sandbox();
        FakeGh(
            box,
            "echo working; echo careful >&2; echo https://example.com/issues/7; exit $CODE"
        );
        var id = box.Enqueue("true", "--name", "n");

        box.Environment["CODE"] = "0";
        var made = box.Run("git", "issue", id, "--title", "T", "--json").Gives(0);
        box.Environment["CODE"] = "4";
        var failed = box.Run("git", "issue", id, "--json").Gives(1);

        Assert.Equal("https://example.com/issues/7", made.Json.GetProperty("url").GetString());
        Assert.Contains("working\n", made.Err, StringComparison.Ordinal);
        Assert.Contains("careful\n", made.Err, StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, failed.Json.GetProperty("url").ValueKind);
        Assert.Equal(4, failed.Json.GetProperty("exitCode").GetInt32());
        Assert.Contains("gh exited with code 4.", failed.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_program_prints_is_seen_while_it_runs_and_cannot_steer_the_terminal()
    {
        using var box = new Sandbox();
        FakeGh(
            box,
            """printf 'first\033[2J\n'; while [ ! -e go ]; do sleep 0.02; done; echo last"""
        );
        var id = box.Enqueue("true");

        using var running = box.Begin("git", "issue", id);
        Eventually.Holds(() => running.Out == "first\\x1b[2J\n", "the first line is shown");
        box.Write("go", "");

        Assert.Equal("first\\x1b[2J\nlast\n", running.End().Gives(0).Out);
    }

    [Fact]
    public void Of_a_long_output_all_is_shown_and_the_end_recorded()
    {
        using var box = new Sandbox();
        FakeGh(box, "seq 100000");
        var id = box.Enqueue("true");

        Assert.Equal(100_000, box.Run("git", "issue", id).Gives(0).Lines.Length);

        var record = Assert.Single(Records(box));
        Assert.True(record.GetProperty("outputCut").GetBoolean());
        var output = record.GetProperty("output").GetString()!;
        Assert.Equal(64 << 10, output.Length);
        Assert.EndsWith("\n99999\n100000\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_program_leaves_running_is_not_waited_for()
    {
        using var box = new Sandbox();
        FakeGh(box, "sleep 1000 & echo made");
        var id = box.Enqueue("true");

        using var running = box.Begin("git", "issue", id);

        Eventually.Holds(() => running.HasEnded, "it has ended without its child");
        Assert.Equal("made\n", running.End().Gives(0).Out);
    }

    [Fact]
    public void Ctrl_c_ends_the_program_and_is_recorded()
    {
        using var box = new Sandbox();
        FakeGh(box, "echo ready; exec sleep 1000");
        var id = box.Enqueue("true");

        using var running = box.Begin("git", "issue", id);
        Eventually.Holds(() => running.Out == "ready\n", "gh runs");
        Processes.Signal(running.Pid, 2);

        Assert.Contains(
            "gh ended by signal 2 (INT).",
            running.End().Gives(1).Err,
            StringComparison.Ordinal
        );
        Assert.Equal(130, Assert.Single(Records(box)).GetProperty("exitCode").GetInt32());
    }

    [Fact]
    public void A_dry_run_shows_the_command_and_does_nothing()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("true", "--name", "it's");

        Assert.Equal(
            $"git -C {box.Folder} checkout -b task/it-s\n",
            box.Run("git", "branch", id, "--dry-run").Gives(0).Out
        );
        Assert.Equal(
            "gh issue create --title 'it'\\''s' --body-file -\n",
            box.Run("git", "issue", id, "--dry-run").Gives(0).Out
        );
        Assert.Equal(
            "task/it-s",
            box.Run("git", "branch", id, "--dry-run", "--json")
                .Gives(0)
                .Json.GetProperty("wouldRun")
                .EnumerateArray()
                .Last()
                .GetString()
        );
        Assert.Empty(Records(box));
    }

    [Fact]
    public void Fifty_at_once_lose_no_record()
    {
        using var box = new Sandbox();
        FakeGh(box, "cat; echo $4");
        var id = box.Enqueue("true");

        var running = Enumerable
            .Range(0, 50)
            .Select(i => box.Begin("git", "issue", id, "--title", "number-" + i))
            .ToList();
        running.ForEach(r => r.End(60).Gives(0));
        running.ForEach(r => r.Dispose());

        Assert.Equal(50, RecordLines(box).Length);
        Assert.Equal(
            Enumerable.Range(0, 50).Select(i => "number-" + i).Order(),
            Records(box)
                .Select(r => r.GetProperty("arguments")[4].GetString())
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Writers_that_are_killed_at_random_harm_no_other_record()
    {
        using var box = new Sandbox();
        FakeGh(box, "head -c 60000 /dev/zero | tr '\\0' x");
        var id = box.Enqueue("true");
        var fate = new Random(1);
        var whole = 0;
        for (var i = 0; i < 20; i++)
        {
            using var victim = box.Begin("git", "issue", id);
            using var other = box.Begin("git", "issue", id);
            Thread.Sleep(fate.Next(30));
            victim.Kill();
            other.End().Gives(0);
            whole++;
        }

        // As if the last one had been killed in the middle of its line.
        var file = Assert.Single(Directory.GetFiles(Path.Join(box.Queue, "records")));
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^70]);
        box.Run("git", "issue", id).Gives(0);

        var outcome = box.Run("records", "--limit", "1000", "--json").Gives(0);
        var last = outcome.Json.GetProperty("unreadable").EnumerateArray().First();
        Assert.Equal(RecordLines(box).Length - 1, last.GetProperty("line").GetInt32());
        Assert.InRange(outcome.Json.GetProperty("records").GetArrayLength(), whole, 2 * whole);
        Assert.Contains("is no record", outcome.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void No_value_of_the_environment_is_recorded()
    {
        using var box = new Sandbox();
        FakeGh(box, "echo ok");
        box.Environment["GH_TOKEN"] = "s3cret-t0ken";
        var id = box.Enqueue("true", "--env", "TOKEN=s3cret-too");

        box.Run("git", "issue", id).Gives(0);

        Assert.DoesNotContain("s3cret", Assert.Single(RecordLines(box)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_has_the_newest_first_and_doctor_is_content()
    {
        using var box = new Sandbox();
        Assert.Equal("Nothing is recorded\n", box.Run("records").Gives(0).Err);
        FakeGh(box, "exit 3");
        box.Sh("git init -q").Gives(0);
        var id = box.Enqueue("true", "--name", "n");
        box.Run("git", "branch", id).Gives(0);
        box.Run("git", "issue", id).Gives(1);

        var lines = box.Run("records").Gives(0).Lines;

        Assert.Equal(4, lines.Length);
        Assert.Contains("| git.issue | " + id + " | 3 |", lines[2], StringComparison.Ordinal);
        Assert.Contains("| git.branch | " + id + " | 0 |", lines[3], StringComparison.Ordinal);
        Assert.Single(
            box.Run("records", "--action", "git.branch", "--json")
                .Json.GetProperty("records")
                .EnumerateArray()
        );
        Assert.Equal(3, box.Run("records", "--limit", "1").Gives(0).Lines.Length);
        Assert.DoesNotContain("problem", box.Run("doctor").Out, StringComparison.Ordinal);
        Assert.Contains(
            "/records/",
            File.ReadAllText(Path.Join(box.Queue, ".gitignore")),
            StringComparison.Ordinal
        );
    }

    private static void FakeGh(Sandbox box, string script)
    {
        var path = Path.Join(box.Bin, "gh");
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    private static List<JsonElement> Records(Sandbox box) =>
        [
            .. box.Run("records", "--json", "--limit", "1000")
                .Gives(0)
                .Json.GetProperty("records")
                .EnumerateArray(),
        ];

    private static string[] RecordLines(Sandbox box) =>
        [
            .. Directory
                .GetFiles(Path.Join(box.Queue, "records"), "*.jsonl")
                .SelectMany(File.ReadAllLines),
        ];
}
