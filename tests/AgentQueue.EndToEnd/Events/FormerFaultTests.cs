using System.Globalization;
using System.Text.RegularExpressions;
using AgentQueue.EndToEnd.Plans;
using static AgentQueue.EndToEnd.Events.EventBox;

namespace AgentQueue.EndToEnd.Events;

/// <summary>What an older tool of triggers did wrong, each as what is right. The numbers are those of its list.</summary>
public sealed partial class FormerFaultTests
{
    // CM-B1
    [Fact]
    public void No_value_of_the_environment_is_in_any_file()
    {
        using var box = new Sandbox();
        string[] canaries =
        [
            "canary-plain-7c1f",
            "canary-arg-83d0",
            "canary-env-a9e2",
            "canary-evil-51b7",
            "canary-func-f00d",
        ];
        const string Printed = "canary-printed-2b64";
        box.Environment["CANARY_PLAIN"] = canaries[0];
        box.Environment["CANARY_ARG"] = canaries[1];
        box.Environment["CANARY_ENV"] = canaries[2];
        box.Environment["CANARY_EVIL"] = $"a\n\u0001\e[31m\"]}}'\\{canaries[3]}\n[x]\ny = 1";
        box.Environment["BASH_FUNC_canary%%"] = $"() {{ echo {canaries[4]}; }}";
        box.Environment["CANARY_PRINTED"] = Printed;
        box.Rules(
            string.Join(
                ",\n",
                Job(
                    "good",
                    "test {{ env.CANARY_ARG }} = \"$CANARY_ARG\" && test \"$X\" = \"$CANARY_ENV\" && test \"$EVIL\" = \"$CANARY_EVIL\"",
                    Triggers("go", "touched"),
                    "\"onRetrigger\": \"queue\"",
                    """
                    "vars": { "inner": "{{ env.CANARY_ENV }}" }, "env": { "X": "{{ inner }}", "EVIL": "{{ env.CANARY_EVIL }}" }
                    """
                ),
                Job("bad", "exit 3", Triggers("task_success:good"), "\"onRetrigger\": \"ignore\""),
                Job("late", "exec sleep 300", Triggers("task_failed:bad"), "\"timeout\": \"1s\""),
                Job(
                    "ended",
                    "exec sleep 300",
                    Triggers("task_failed:late"),
                    "\"cancelOn\": [\"stop\"]",
                    "\"env\": { \"X\": \"{{ env.CANARY_ENV }}\" }"
                ),
                Job("talker", "echo {{ env.CANARY_PRINTED }}", Triggers("task_cancelled:ended")),
                """
                "reader": { "command": "sh", "args": ["-c", "cat > /dev/null"], "promptVia": "stdin", "prompt": "do {{ word }} because of {{ event }}", "triggers": ["task_success:talker"], "vars": { "word": "this" } }
                """
            ),
            """
            "on": [ { "event": "*", "run": ["sh", "-c", "cat >> hooks.json"], "timeout": "10s" } ], "keepHistory": 50,
            """
        );
        using var watch = box.Begin("watch", "--on", "some.txt=touched");

        box.Trigger("go", "--var", "plain=word");
        box.Runs("ended");
        ShowsNone();
        var running = box.Tour();
        box.Trigger("stop");
        box.Happens("task_success:reader");
        // With nothing to end.
        box.Run("trigger", "stop").Gives(0);
        Eventually.Holds(
            () =>
            {
                box.Write("some.txt", Guid.NewGuid().ToString());
                return box.Happened("touched").Count > 0;
            },
            "a saved file is an event",
            60
        );
        Eventually.Holds(() => box.TasksOf("good").Count(static t => t.IsFinished) > 1, "it runs");
        watch.Kill();
        box.Runs("ended");
        box.Trigger("stop");
        var over = box.Tour();

        Eventually.Holds(
            () => box.TasksOf("good").All(static t => t.IsFinished),
            "each save has had its run"
        );
        Assert.All(box.TasksOf("good"), static t => Assert.Equal("complete", t.Status));
        Assert.Equal(("failed", "timeout"), Outcome(box.TasksOf("late")[0]));
        Assert.Equal("cancelled", box.TasksOf("ended")[0].Status);
        ShowsNone();
        foreach (var outcome in running.Concat(over))
        {
            Assert.All(canaries, c => Assert.DoesNotContain(c, outcome.Out + outcome.Err));
        }

        var printing = Contents(box)
            .Where(static f => f.Text.Contains(Printed, StringComparison.Ordinal))
            .Select(static f => Path.GetFileName(f.File));
        Assert.All(printing, static name => Assert.EndsWith("-talker.log", name));
        Assert.NotEmpty(printing);

        void ShowsNone()
        {
            foreach (var (file, text) in Contents(box))
            {
                Assert.All(
                    canaries,
                    c => Assert.False(text.Contains(c, StringComparison.Ordinal), $"{c} in {file}")
                );
            }
        }
    }

    // CM-B2
    [Fact]
    public void Whatever_an_event_brings_the_account_of_it_can_be_read_again()
    {
        using var box = new Sandbox();
        const string Evil = "a\"b\\c\n[t]\nx = 1\u0001\u001b]0;t\u0007 ünï \u2028 %% }{";
        box.Environment["BASH_FUNC_evil%%"] = "() { echo \"\u0001\"\n}";
        box.Rules(Job("a", "printf %s {{ text }} > got", Triggers("go")));

        box.TriggerWhole("go", "--var", $"text={Evil}");

        Assert.Equal(Evil, File.ReadAllText(Path.Join(box.Folder, "got")));
        Assert.Equal(Evil, box.Happened("go")[0].Variable("text"));
        Assert.Equal(
            Evil,
            box.Run("events", "--json")
                .Gives(0)
                .Json.GetProperty("events")[0]
                .GetProperty("vars")
                .GetProperty("text")
                .GetString()
        );
        Assert.Equal(
            1,
            box.Run("history", "--json").Gives(0).Json.GetProperty("runs").GetArrayLength()
        );
        Assert.DoesNotContain('\e', box.Run("events").Gives(0).Out);
        box.Run("doctor").Gives(0);
    }

    // CM-B3
    [Fact]
    public void Commands_as_documented_are_taken_over_and_run()
    {
        using var box = new Sandbox();
        box.Write(
            "cmdorc.toml",
            """
            [variables]
            greeting = "hello"

            [output_storage]
            keep_history = 10

            [[command]]
            name = "Report Daily"
            command = "echo {{ greeting }} daily"
            keep_history = 2
            output_extension = ".json"

            [[command]]
            name = "Tell"
            command = "echo told"
            triggers = ["command_success:Report Daily"]
            """
        );
        box.Run("import", "cmdorc.toml").Gives(0);

        for (var i = 0; i < 4; i++)
        {
            box.TriggerWhole("Report Daily");
        }

        box.Settles();
        Assert.Equal(2, box.TasksOf("Report-Daily").Count);
        Assert.Equal(4, box.TasksOf("Tell").Count);
        Assert.All(box.Tasks, static t => Assert.Equal("complete", t.Status));
        Assert.Equal("hello daily\n", box.Log(box.TasksOf("Report-Daily")[0].Id));
    }

    // CM-B4
    [Fact]
    public void A_name_with_blanks_and_dots_can_be_chained_on()
    {
        using var box = new Sandbox();
        const string Name = "Initialize Database v1.2 (ünï: \"all\" 50%)";
        box.Rules(
            Job("next", $"echo {{{{ event }}}} >> {box.Notes()}", Triggers("task_success:" + Name))
                + ","
                + Job(
                    "v1.2",
                    $"echo {{{{ event }}}} >> {box.Notes()}",
                    Triggers("task_success:next", "any thing. At all!")
                )
                + ","
                + Job(
                    "last",
                    $"echo {{{{ event }}}} >> {box.Notes()}",
                    Triggers("task_success:v1.2"),
                    "\"onRetrigger\": \"queue\""
                )
        );
        var id = box.Enqueue("true", "--name", Name);
        box.Run("run", id).Gives(0);
        box.Happens("task_success:last");
        box.TriggerWhole("any thing. At all!");

        Assert.Equal(
            [
                "task_success:" + Name,
                "task_success:next",
                "task_success:v1.2",
                "any thing. At all!",
                "task_success:v1.2",
            ],
            box.Noted()
        );
    }

    // CM-B5, CM-B6, CM-B7
    [Theory]
    [InlineData("stopped")]
    [InlineData("timed")]
    [InlineData("again")]
    public void What_is_ended_keeps_its_output_tells_its_state_and_leaves_nothing_behind(string how)
    {
        using var box = new Sandbox();
        const string Script = "echo first; sleep 300 & sh -c 'sleep 300; :'; echo never";
        box.Rules(
            Job(
                "worker",
                Script,
                Triggers("go"),
                "\"cancelOn\": [\"stop\"]",
                how == "timed" ? "\"timeout\": \"4s\"" : "\"timeout\": \"600s\""
            )
        );

        box.Trigger("go");
        // One with a limit may be over before anybody has seen it run.
        var id = how == "timed" ? box.TasksOf("worker")[0].Id : box.Runs("worker");
        // Seen while it runs, not at the end.
        if (how != "timed")
        {
            Eventually.Holds(
                () => box.Run("logs", id).Gives(0).Out.Contains("first", StringComparison.Ordinal),
                "what it has printed is shown"
            );
            Eventually.Holds(() => box.ProcessesOf(id).Count >= 4, "its processes are there");
            Assert.Equal("running", box.Task(id).Status);
        }

        switch (how)
        {
            case "stopped":
                Assert.Equal(["worker"], Cancelled(box.Trigger("stop", "--json")));
                break;
            case "again":
                Assert.Equal(["worker"], Cancelled(box.Trigger("go", "--json")));
                break;
        }

        var task = box.Ended(id, 60);
        Assert.Equal(how == "timed" ? ("failed", "timeout") : ("cancelled", null), Outcome(task));
        Assert.Empty(box.ProcessesOf(id));
        Assert.Equal("first\n", box.Log(id));
        box.Happens(how == "timed" ? "task_failed:worker" : "task_cancelled:worker");
        var run = box.Run("history", "--json")
            .Gives(0)
            .Json.GetProperty("runs")
            .EnumerateArray()
            .Single(r => r.GetProperty("taskId").GetString() == id);
        Assert.Equal(task.Status, run.GetProperty("status").GetString());
        if (how == "again")
        {
            Assert.NotEqual(id, box.Runs("worker"));
        }

        static string[] Cancelled(Outcome outcome) =>
            [
                .. outcome
                    .Json.GetProperty("cancelled")
                    .EnumerateArray()
                    .Select(static c => c.GetProperty("agent").GetString()!),
            ];
    }

    // CM-B8
    [Fact]
    public void A_value_is_one_word_of_a_script_whatever_is_in_it()
    {
        using var box = new Sandbox();
        string[] values =
        [
            "a; touch pwned",
            "$(touch pwned)",
            "`touch pwned`",
            "'; touch pwned; '",
            "\"; touch pwned; \"",
            "a\ntouch pwned\n",
            "a & touch pwned & b | touch pwned > pwned < pwned",
            "\\'; touch pwned #",
            "$HOME ${HOME} $((1)) ~ * ? [a] {a,b} !x",
            "-n",
            "{{ secret }} {{ env.HOME }} {prompt} {taskId}",
            "",
            " ",
            "\\",
            "%s%n",
            "ünï\u2028",
        ];
        var words = string.Join(' ', Enumerable.Range(0, values.Length).Select(Name));
        box.Rules(
            Job(
                "plain",
                $"printf '%s\\0' {words} > plain",
                Triggers("go"),
                "\"vars\": { \"secret\": \"no\" }"
            )
                + ","
                + Job(
                    "quoted",
                    $"printf '%s\\0' {string.Join(' ', Enumerable.Range(0, values.Length).Select(static i => $"\"<{Name(i)}>\""))} > quoted",
                    Triggers("go")
                )
                + ","
                + $$"""
                "prompted": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "{userPrompt}", "prompt": {{Quoted(
                    $"printf '%s\\0' {words} > prompted"
                )}}, {{Triggers("go")}} }
                """
        );

        box.TriggerWhole(
            "go",
            [.. values.SelectMany(static (v, i) => new[] { "--var", $"v{i}={v}" })]
        );

        Assert.Equal(values, Words("plain"));
        Assert.Equal(values.Select(static v => $"<{v}>"), Words("quoted"));
        Assert.Equal(values, Words("prompted"));
        Assert.False(File.Exists(Path.Join(box.Folder, "pwned")));
        Assert.False(File.Exists(Path.Join(box.Folder, "pwned\n")));

        static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"{{{{ v{i} }}}}");

        IEnumerable<string> Words(string file) =>
            File.ReadAllText(Path.Join(box.Folder, file)).Split('\0')[..^1];
    }

    // CM-B9
    [Fact]
    public void A_name_is_never_a_path()
    {
        using var box = new Sandbox();
        box.Write("src/kept.txt", "kept");
        foreach (var name in new[] { "../..", "..", ".", "/tmp", "a/b", "a\\b", "a b", "a\nb", "" })
        {
            box.Rules(Job(name, "echo a", Triggers("go"), "\"keepHistory\": 1"));
            Assert.Contains("name", box.Run("trigger", "go").Gives(2).Err);
        }

        File.Delete(Path.Join(box.Folder, "agent-config.json"));
        box.Write(
            "cmdorc.toml",
            "[[command]]\nname = \"../..\"\ncommand = \"echo a\"\ntriggers = [\"go\"]\nkeep_history = 1\n"
        );
        box.Run("import", "cmdorc.toml").Gives(0);
        for (var i = 0; i < 3; i++)
        {
            box.TriggerWhole("go");
        }

        Assert.Equal("kept", File.ReadAllText(Path.Join(box.Folder, "src", "kept.txt")));
        Assert.True(Directory.Exists(box.Outside));
        Assert.Single(box.Tasks);
        Assert.Equal(
            [".agents", "agent-config.json", "cmdorc.toml", "src"],
            Directory
                .EnumerateFileSystemEntries(box.Folder)
                .Select(static f => Path.GetFileName(f))
                .Order(StringComparer.Ordinal)
        );
    }

    // CM-B10
    [Fact]
    public void The_last_event_of_a_burst_is_never_lost()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "a",
                $"echo {{{{ n }}}} >> {box.Notes()}",
                Triggers("saved"),
                "\"debounceMs\": 4000, \"debounceMode\": \"trailing\""
            )
        );

        for (var i = 1; i <= 4; i++)
        {
            box.Trigger("saved", "--var", string.Create(CultureInfo.InvariantCulture, $"n={i}"));
        }

        box.Settles();
        Assert.Equal("4", box.Noted()[^1]);
        var events = box.Happened("saved");
        Assert.Equal(4, events.Count);
        // On a machine so slow that the burst is none there may be more of them.
        if (events[^1].At - events[0].At < TimeSpan.FromSeconds(3))
        {
            Assert.Equal(["4"], box.Noted());
        }

        var start = box.Happened("task_started:a")[^1];
        Assert.True(start.At - events[^1].At >= TimeSpan.FromSeconds(3.9), "it has not waited");
    }

    // CM-B11
    [Fact]
    public void The_branches_of_a_diamond_do_not_stand_in_each_other_s_way()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "true", Triggers("go"))
                + ","
                + Job("b", "true", Triggers("task_success:a"))
                + ","
                + Job("c", "true", Triggers("task_success:a"))
                + ","
                + Job(
                    "d",
                    "true",
                    Triggers("task_success:b", "task_success:c"),
                    "\"onRetrigger\": \"queue\""
                )
                + ","
                + Job("e", "true", Triggers("task_success:d"), "\"onRetrigger\": \"queue\"")
        );

        box.TriggerWhole("go");

        Assert.Equal("complete complete", box.StatesOf("d"));
        Assert.Equal("complete complete", box.StatesOf("e"));
        Assert.Equal(
            [
                "go, task_success:a, task_success:b, task_success:d",
                "go, task_success:a, task_success:c, task_success:d",
            ],
            box.TasksOf("e")
                .Select(static t => string.Join(", ", t.Texts("triggerChain")))
                .Order(StringComparer.Ordinal)
        );
        Assert.All(box.Happened(), static h => Assert.Empty(h.Agents("ignored")));
    }

    private static (string, string?) Outcome(TaskFile task) => (task.Status, task.Reason);

    // Of a copy: to open a file here may take a lock of it. What is in .agents/run comes and goes meanwhile.
    private static List<(string File, string Text)> Contents(Sandbox box)
    {
        var copy = Path.Join(box.Bin, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(copy);
        box.Sh($"cp -R '{box.Folder}' '{box.Home}' '{box.Outside}' '{copy}'");
        List<string> files =
        [
            .. Directory
                .EnumerateFiles(copy, "*", SearchOption.AllDirectories)
                .Where(static f => new FileInfo(f).Length > 0),
        ];
        Assert.Contains(files, static f => f.EndsWith("log.jsonl", StringComparison.Ordinal));
        return [.. files.Select(static f => (f, File.ReadAllText(f)))];
    }

    [GeneratedRegex("""\b(?:(?:task|command|plan)_[a-z]+:|queue_[a-z]+\b)""")]
    private static partial Regex EventWords();
}

/// <summary>A walk through the verbs that show something.</summary>
internal static class FormerFaultBox
{
    public static List<Outcome> Tour(this Sandbox box)
    {
        string[][] lines =
        [
            ["history"],
            ["history", "--json"],
            ["events"],
            ["events", "--json"],
            ["triggers", "--json"],
            ["triggers", "--graph", "tree"],
            ["status", "--all", "--json"],
            ["agents", "good", "--json"],
            ["config", "show"],
            ["config", "validate"],
            ["doctor", "--json"],
            .. box.TasksOf("good").Select(static t => new[] { "show", t.Id, "--json" }),
        ];
        var outcomes = lines.Select(l => box.Run(l).Gives(0, 1, 2)).ToList();
        // It may show what it is asked for; what it must not do is write it.
        box.Run("preview", "go", "--var", "plain=word");
        box.Run("preview", "good", "--json");
        return outcomes;
    }
}
