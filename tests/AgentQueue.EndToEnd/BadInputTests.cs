using System.Text;

namespace AgentQueue.EndToEnd;

/// <summary>Bad input: one clear sentence, the right exit code, and nothing is changed.</summary>
public sealed class BadInputTests
{
    [Theory]
    [InlineData(2, "frobnicate")]
    [InlineData(2, "statsu")]
    [InlineData(2, "start")]
    [InlineData(2, "start shell")]
    [InlineData(2, "start shell one two")]
    [InlineData(1, "start nosuch hello")]
    [InlineData(2, "start shell x --priority 0")]
    [InlineData(2, "start shell x --priority 11")]
    [InlineData(2, "start shell x --priority high")]
    [InlineData(2, "start shell x --timeout -5")]
    [InlineData(2, "start shell x --timeout 0")]
    [InlineData(2, "start shell x --timeout soon")]
    [InlineData(2, "start shell x --max-retries -1")]
    [InlineData(2, "start shell x --label novalue")]
    [InlineData(1, "start shell x --cwd no/such/folder")]
    [InlineData(1, "start shell x --depends-on nosuch")]
    [InlineData(1, "start shell --prompt-file no/such/file")]
    [InlineData(2, "start shell x --prioritty 3")]
    [InlineData(2, "start shell --wiat")]
    [InlineData(2, "start shell -x")]
    [InlineData(2, "run --parallel 0")]
    [InlineData(2, "run --parallel -3")]
    [InlineData(1, "run --parallel many")]
    [InlineData(2, "run --darin")]
    [InlineData(1, "run nosuch")]
    [InlineData(1, "run ../../x")]
    [InlineData(1, "run /etc/passwd")]
    [InlineData(1, "cancel nosuch")]
    [InlineData(1, "cancel ../../x")]
    [InlineData(2, "cancel")]
    [InlineData(2, "cancel --al")]
    [InlineData(1, "wait nosuch")]
    [InlineData(2, "wait --timeout -1")]
    [InlineData(2, "daemon --interval 0")]
    [InlineData(2, "daemon --max-concurrent 0")]
    [InlineData(1, "status nosuch")]
    [InlineData(2, "status --state sleeping")]
    [InlineData(2, "status --watch -i 0")]
    [InlineData(1, "show nosuch")]
    [InlineData(2, "show")]
    [InlineData(1, "logs nosuch")]
    [InlineData(1, "logs ../../../etc/passwd")]
    [InlineData(1, "retry nosuch")]
    [InlineData(2, "retry")]
    [InlineData(1, "timeout nosuch")]
    [InlineData(1, "timeout extend nosuch 5")]
    [InlineData(1, "hold nosuch")]
    [InlineData(1, "release nosuch")]
    [InlineData(1, "deps show nosuch")]
    [InlineData(1, "clean nosuch")]
    [InlineData(1, "archive restore nosuch")]
    [InlineData(1, "agents nosuch")]
    [InlineData(2, "config set no.such.key 5")]
    [InlineData(2, "config set parallel 0")]
    [InlineData(1, "import no/such/folder")]
    [InlineData(2, "completion cmd")]
    [InlineData(1, "status --root no/such/folder")]
    public void One_sentence_the_right_code_and_nothing_changed(int code, string line)
    {
        using var box = new Sandbox();
        box.Enqueue("true");
        var before = box.Picture();

        var outcome = box.Run(line.Split(' ')).Gives(code);

        Assert.Empty(outcome.Out);
        SaysOneSentence(outcome);
        Assert.Equal(before, box.Picture());
        Assert.Empty(Directory.EnumerateFileSystemEntries(box.Home));
    }

    [Fact]
    public void A_slip_of_the_finger_is_met_with_the_nearest_word()
    {
        using var box = new Sandbox();

        Assert.Contains("cancel", box.Run("cancle").Gives(2).Err, StringComparison.Ordinal);
        Assert.Contains(
            "shell",
            box.Run("start", "shel", "x").Gives(1).Err,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "--priority",
            box.Run("start", "shell", "x", "--prioritty=3").Gives(2).Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_ambiguous_id_is_refused_with_the_ids_it_could_mean()
    {
        using var box = new Sandbox();
        var one = box.Enqueue("true");
        var two = box.Enqueue("true");

        var outcome = box.Run("cancel", "task_").Gives(1);

        Assert.Contains(one, outcome.Err, StringComparison.Ordinal);
        Assert.Contains(two, outcome.Err, StringComparison.Ordinal);
        Assert.All(box.Tasks, static t => Assert.Equal("pending", t.Status));
    }

    [Theory]
    [InlineData("")]
    [InlineData("  \n ")]
    public void An_empty_prompt_is_refused(string prompt)
    {
        using var box = new Sandbox();
        box.Enqueue("true");
        var before = box.Picture();

        SaysOneSentence(box.Run("start", "shell", prompt).Gives(2));
        SaysOneSentence(
            box.RunWith(Encoding.UTF8.GetBytes(prompt), "start", "shell", "-").Gives(2)
        );

        Assert.Equal(before, box.Picture());
    }

    [Theory]
    [InlineData("truncated", "head -c 100 $t > u; mv u $t")]
    [InlineData("empty", ": > $t")]
    [InlineData("newer", "sed -i 's/\"version\": 1/\"version\": 99/' $t")]
    [InlineData("another id", "sed -i 's/\"taskId\": \"[^\"]*\"/\"taskId\": \"task_other\"/' $t")]
    [InlineData("a folder", "rm $t; mkdir $t")]
    [InlineData("a fifo", "rm $t; mkfifo $t")]
    [InlineData("a link", "mv $t ../outside/real; ln -s $PWD/../outside/real $t")]
    [InlineData("1 GiB", "truncate -s 1G $t")]
    [InlineData("unreadable", "printf '\\377\\376' > $t")]
    [InlineData("deep", "printf '{\"x\":%0200000d' 0 | tr 0 '[' > $t")]
    [InlineData("twice", "sed -i 's/{/{ \"taskId\": \"x\",/' $t")]
    public void A_task_file_that_cannot_be_used_is_told_and_left_and_the_others_go_on(
        string what,
        string damage
    )
    {
        using var box = new Sandbox();
        var bad = box.Enqueue("echo bad > ran");
        var good = box.Enqueue("true");
        box.Sh($"t=.agents/tasks/{bad}.json; {damage}").Gives(0);
        var before = box.Picture();

        var status = box.Run("status").Gives(0);
        Assert.True(status.Err.Contains(bad, StringComparison.Ordinal), $"{what}: {status}");
        Assert.Equal(before, box.Picture());
        SaysOneSentence(box.Run("run", bad).Gives(1));
        SaysOneSentence(box.Run("cancel", bad).Gives(1));
        Assert.Equal(before, box.Picture());

        box.Run("run", "--parallel", "3", "--wait").Gives(0);
        Assert.Equal("complete", box.Task(good).Status);
        Assert.False(
            File.Exists(Path.Join(box.Folder, "ran")),
            "a task was run that cannot be read"
        );
        foreach (
            var verb in new[]
            {
                "wait",
                "status --all",
                "cancel --all",
                "clean completed -y",
                "doctor",
            }
        )
        {
            box.Run(verb.Split(' ')).Gives(0, 1);
        }
    }

    [Theory]
    [InlineData("{ \"agents\": { \"x\": { \"command\": ", "agent-config.json")]
    [InlineData("{ \"agents\": { \"x\": { \"comand\": \"x\" } } }", "command")]
    [InlineData("{ \"agents\": { \"x\": { \"command\": 5 } } }", "command")]
    [InlineData("{ \"agents\": [] }", "agents")]
    [InlineData("[]", "agent-config.json")]
    public void A_configuration_with_an_error_stops_what_needs_it_and_is_named(
        string config,
        string named
    )
    {
        using var box = new Sandbox();
        var id = box.Enqueue("true");
        box.Write("agent-config.json", config);
        var before = box.Picture();

        var start = box.Run("start", "shell", "x").Gives(2);
        SaysOneSentence(start);
        Assert.Contains(named, start.Err, StringComparison.Ordinal);
        SaysOneSentence(box.Run("run").Gives(2));
        box.Run("config", "validate").Gives(1, 2);
        Assert.Equal(before, box.Picture());

        // What does not need it works: nobody shall have to mend a file to see or end tasks.
        box.Run("status").Gives(0);
        box.Run("cancel", id).Gives(0);
    }

    [Fact]
    public void Settings_with_an_error_are_named()
    {
        using var box = new Sandbox();
        box.Enqueue("true");
        box.Settings("\"paralel\": 3");
        var before = box.Picture();

        var run = box.Run("run").Gives(2);

        SaysOneSentence(run);
        Assert.Contains("settings.json", run.Err, StringComparison.Ordinal);
        Assert.Contains("parallel", run.Err, StringComparison.Ordinal);
        Assert.Equal(before, box.Picture());
    }

    [Needs(Machine.PidNamespace)]
    public void A_read_only_disk_is_named_and_seen_tasks_are_still_shown()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("true");

        // In a mount namespace of its own, so that nothing else sees the change.
        var outcome = box.Sh(
            """
            unshare --mount sh -c '
              mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" || exit 99
              agentq start shell x; echo "start $?"
              agentq cancel --all; echo "cancel $?"
              agentq run; echo "run $?"
              agentq status --all --format ids; echo "status $?"'
            """
        );

        Assert.Contains("start 1", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("cancel 1", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("run 1", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("ead-only", outcome.Err, StringComparison.Ordinal);
        Assert.Contains(id, outcome.Out, StringComparison.Ordinal);
        Assert.Contains("status 0", outcome.Out, StringComparison.Ordinal);
        Assert.Equal("pending", box.Task(id).Status);
    }

    [Needs(Machine.PidNamespace)]
    public void A_full_disk_loses_no_accepted_task()
    {
        using var box = new Sandbox();
        var outcome = box.Sh(
            """
            unshare --mount sh -c '
              mkdir -p full && mount -t tmpfs -o size=256k none full && cd full || exit 99
              agentq start shell true --quiet > ../../outside/accepted || exit 98
              i=0
              while :; do
                agentq start shell "echo $(head -c 8000 /dev/zero | tr "\0" x)" --quiet >> ../../outside/accepted || break
                i=$((i+1)); [ $i -lt 200 ] || exit 97
              done
              agentq start shell true; echo "start $?"
              agentq status --all --format ids > ../../outside/seen; echo "status $?"
              for f in .agents/tasks/*.json; do tail -c 2 "$f" | grep -q "}" || echo "half: $f"; done
              agentq cancel "$(head -1 ../../outside/accepted)" > /dev/null; echo "cancel $?"'
            """
        );

        Assert.Contains("start 1", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("No space", outcome.Err, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("status 0", outcome.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("half", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(
            File.ReadAllLines(Path.Join(box.Outside, "accepted")).Order(StringComparer.Ordinal),
            File.ReadAllLines(Path.Join(box.Outside, "seen")).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void A_wrong_option_is_refused_before_anything_is_done()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("true");

        SaysOneSentence(box.Run("cancel", id, "--quietly").Gives(2));

        Assert.Equal("pending", box.Task(id).Status);
    }

    /// <summary>One sentence on stderr, perhaps a hint, and no trace of a crash.</summary>
    internal static void SaysOneSentence(Outcome outcome)
    {
        var lines = outcome.Err.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length is 1 or 2, outcome.ToString());
        Assert.StartsWith("agentq: ", lines[0], StringComparison.Ordinal);
        Assert.True(lines[0][^1] is '.' or '?', outcome.ToString());
        if (lines.Length == 2)
        {
            Assert.StartsWith("  hint: ", lines[1], StringComparison.Ordinal);
        }

        Assert.DoesNotContain("Exception", outcome.Err, StringComparison.Ordinal);
    }
}
