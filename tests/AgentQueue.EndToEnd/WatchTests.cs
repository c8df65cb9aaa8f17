using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary><c>watch</c>: files are saved in all the ways there are, and each save is one event.</summary>
public sealed class WatchTests : IDisposable
{
    private readonly Sandbox _box = new();
    private Running? _watch;

    public WatchTests() => _box.Write("agent-config.json", "{}");

    public void Dispose()
    {
        _watch?.Dispose();
        _box.Dispose();
    }

    [Fact]
    public void A_save_is_one_event_that_tells_the_file()
    {
        _box.Write("src/a.py", "1");
        Begin("src/**/*.py=saved");
        _box.Write("src/a.py", "2");
        var saved = Event(1);

        Assert.Equal("saved", saved.GetProperty("event").GetString());
        Assert.Equal("src/a.py", saved.GetProperty("file").GetString());
        Assert.Equal("modified", saved.GetProperty("change").GetString());
        Assert.Equal(1, saved.GetProperty("count").GetInt32());
        _box.Write("docs/a.py", "no rule is about it");
        _box.Write("src/new/b.py", "1");
        Assert.Equal("src/new/b.py", Event(2).GetProperty("file").GetString());
        Assert.Equal(2, Events.Count);
    }

    [Fact]
    public void The_first_line_says_what_is_watched()
    {
        _box.Write("src/a.py", "");
        _box.Write("src/b.py", "");
        Begin("*.py=saved", "docs=read me");
        var first = Lines[0];

        Assert.Equal("watching", first.GetProperty("type").GetString());
        Assert.Equal(2, first.GetProperty("files").GetInt32());
        Assert.Equal(2, first.GetProperty("folders").GetInt32());
        Assert.Equal(2, first.GetProperty("rules").GetArrayLength());
        Assert.Equal("read me", first.GetProperty("rules")[1].GetProperty("event").GetString());
    }

    [Fact]
    public void It_tells_people_in_sentences()
    {
        using var watch = _box.Begin("watch", "--on", "*.py=saved");
        Eventually.Holds(() => watch.Out.Contains('\n'), "it watches");
        _box.Write("a.py", "");
        Eventually.Holds(() => watch.Out.Split('\n').Length > 2, "it has told the save");
        Processes.Signal(watch.Pid, Processes.Term);
        var ended = watch.End().Gives(0);

        Assert.Matches(
            @"^[-0-9]+ [0-9:]+Z Watching 0 files in 1 folder: \*\.py -> saved$",
            ended.Lines[0]
        );
        Assert.Matches("^[-0-9]+ [0-9:]+Z saved: a.py created", ended.Lines[1]);
        Assert.Equal(2, ended.Lines.Length);
    }

    [Fact]
    public void A_thousand_saves_in_a_burst_are_one_event_after_the_last()
    {
        var file = _box.Write("a.py", "");
        Begin("*.py=saved");
        var round = 0;
        Eventually.Holds(
            () =>
            {
                var told = Events.Count;
                var isBurst = SaveOften(file);
                Eventually.Holds(() => Events.Count > told, "the burst is told");
                // Were there a second event of the burst, it would come before or with this one.
                var end = $"end{round++}.py";
                _box.Write(end, "");
                Eventually.Holds(() => FilesOf(_watch!)!.Contains(end), "the end is told");
                var sizes = Events.Skip(told).Select(static e => e.GetProperty("count").GetInt32());
                Assert.True(!isBurst || sizes.SequenceEqual([1, 1]), "More events than one");
                return isBurst;
            },
            "a thousand saves without a pause",
            seconds: 60
        );
    }

    // False if this machine had other things to do meanwhile, so that it was no burst.
    private static bool SaveOften(string file)
    {
        var longest = TimeSpan.Zero;
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; i < 1000; i++)
        {
            var before = Stopwatch.GetTimestamp();
            File.WriteAllText(file, i.ToString(CultureInfo.InvariantCulture));
            var took = Stopwatch.GetElapsedTime(before);
            longest = took > longest ? took : longest;
        }

        return longest.TotalMilliseconds < 50 && Stopwatch.GetElapsedTime(begun).TotalSeconds < 4;
    }

    [Theory]
    [InlineData("echo new > .a.tmp; mv .a.tmp a.py")]
    [InlineData("echo new > a.py.tmp.123; sync a.py.tmp.123; mv a.py.tmp.123 a.py")]
    [InlineData("cp a.py a.py~; echo new > a.py")]
    [InlineData("touch 4913; rm 4913; mv a.py a.py~; echo new > a.py; chmod 600 a.py; rm a.py~")]
    [InlineData("echo swap > .a.py.swp; rm a.py; echo new > a.py; rm .a.py.swp")]
    [InlineData("echo new > a.py.___jb_tmp___; mv a.py old___jb_old___; mv a.py.___jb_tmp___ a.py")]
    [InlineData("ln a.py a.py.bak; rm a.py.bak; echo new >> a.py; touch a.py")]
    public void However_an_editor_saves_it_counts_once(string save)
    {
        _box.Write("a.py", "old");
        BeginPatiently("**");
        _box.Sh(save).Gives(0);
        var saved = Event(1);

        Assert.Equal("a.py", saved.GetProperty("file").GetString());
        Assert.Equal("modified", saved.GetProperty("change").GetString());
        Assert.Equal(1, saved.GetProperty("count").GetInt32());
    }

    [Fact]
    public void A_file_that_came_and_went_is_no_event()
    {
        BeginPatiently("**");
        _box.Sh("echo 1 > a.tmp; rm a.tmp; mkdir -p d/e; echo 1 > d/e/f; rm -r d").Gives(0);
        _box.Write("last", "");

        Assert.Equal("last", Event(1).GetProperty("file").GetString());
        Assert.Equal(1, Events[0].GetProperty("count").GetInt32());
    }

    [Fact]
    public void A_file_in_folders_that_were_just_made_is_seen()
    {
        Begin("*.py=saved");
        for (var i = 1; i <= 20; i++)
        {
            _box.Write($"n{i}/deep/er/a.py", "");
            Assert.Equal($"n{i}/deep/er/a.py", Event(i).GetProperty("file").GetString());
        }
    }

    [Fact]
    public void What_is_ignored_gives_no_event_until_it_is_ignored_no_more()
    {
        _box.Write(".gitignore", "*.log\nout/\n");
        _box.Write("out/a.txt", "");
        Begin("*.log=logged", "*.txt=written");
        _box.Write("a.log", "1");
        _box.Write("out/a.txt", "1");
        _box.Write(".agents/a.txt", "1");
        _box.Write("b.txt", "");
        Assert.Equal("b.txt", Event(1).GetProperty("file").GetString());
        _box.Write(".gitignore", "*.log\n");
        // Once this is told, the rules before it have been read.
        _box.Write("c.txt", "");
        Assert.Equal("c.txt", Event(2).GetProperty("file").GetString());
        _box.Write("out/a.txt", "2");
        Assert.Equal("out/a.txt", Event(3).GetProperty("file").GetString());
        _box.Write("a.log", "2");
        _box.Write("d.txt", "");
        Event(4);

        Assert.DoesNotContain(Events, e => e.GetProperty("event").GetString() == "logged");
    }

    [Needs(Machine.Git)]
    public void What_is_ignored_is_what_git_says_is_ignored()
    {
        _box.Sh("git init -q .").Gives(0);
        for (var seed = 0; seed < 12; seed++)
        {
            var files = MakeTree(new Random(seed));
            using var watch = Watch("**=saved");
            foreach (var file in files)
            {
                File.AppendAllText(Path.Join(_box.Folder, file), "more");
            }

            _box.Write("t/zzz.last", "");
            var seen = Eventually.Gives(
                () => FilesOf(watch) is { } told && told.Contains("t/zzz.last") ? told : null,
                "all saves are told"
            );

            Assert.Equal(
                files.Where(f => !Ignored(f)).Order(StringComparer.Ordinal),
                seen.Where(static f => f != "t/zzz.last").Order(StringComparer.Ordinal)
            );
            Directory.Delete(Path.Join(_box.Folder, "t"), recursive: true);
        }
    }

    [Needs(Machine.Linux)]
    public void Notifications_that_the_system_drops_are_made_up_for()
    {
        const int Files = 20_000;
        Begin("*.py=saved");
        Processes.Signal(_watch!.Pid, Processes.Stop);
        Directory.CreateDirectory(Path.Join(_box.Folder, "many"));
        for (var i = 0; i < Files; i++)
        {
            File.WriteAllText(Path.Join(_box.Folder, $"f{i}.py"), "");
        }

        _box.Write("many/deep/a.py", "");
        Processes.Signal(_watch.Pid, Continue);
        Eventually.Holds(
            () => Events.Sum(static e => e.GetProperty("count").GetInt32()) >= Files + 1,
            "all are told"
        );
        _box.Write("many/deep/b.py", "");
        Eventually.Holds(
            () => Events[^1].GetProperty("file").GetString() == "many/deep/b.py",
            "what comes then is seen, too"
        );

        Assert.Equal(Files + 2, Events.Sum(static e => e.GetProperty("count").GetInt32()));
    }

    [Needs(Machine.WatchLimits)]
    public void Without_watches_enough_folders_are_looked_at_from_time_to_time()
    {
        for (var i = 0; i < 10; i++)
        {
            _box.Write($"d{i}/a.py", "");
        }

        foreach (var limit in (string[])["max_inotify_watches", "max_inotify_instances"])
        {
            using var watch = _box.Program(
                "/usr/bin/unshare",
                null,
                "-Ur",
                "sh",
                "-c",
                $"echo 0 > /proc/sys/user/{limit}; exec agentq watch --json --on '*.py=saved'"
            );
            Eventually.Holds(() => watch.Out.Contains('\n'), "it watches");
            _box.Write("d7/a.py", limit);
            _box.Write("d9/new/b.py", limit);
            var files = Eventually.Gives(
                () => FilesOf(watch) is { Count: >= 2 } told ? told : null,
                "both are told"
            );

            Assert.Equal(["d7/a.py", "d9/new/b.py"], files.Order(StringComparer.Ordinal));
            Directory.Delete(Path.Join(_box.Folder, "d9", "new"), recursive: true);
        }
    }

    [Fact]
    public void A_tree_of_50_000_files_is_taken_up()
    {
        for (var folder = 0; folder < 500; folder++)
        {
            var path = Path.Join(_box.Folder, "src", $"d{folder % 20}", $"e{folder}");
            Directory.CreateDirectory(path);
            for (var file = 0; file < 100; file++)
            {
                File.Create(Path.Join(path, $"f{file}.py")).Dispose();
            }
        }

        Begin("*.py=saved");
        Assert.Equal(50_000, Lines[0].GetProperty("files").GetInt32());
        Assert.Equal(522, Lines[0].GetProperty("folders").GetInt32());
        _box.Write("src/d19/e499/f99.py", "1");
        Assert.Equal("src/d19/e499/f99.py", Event(1).GetProperty("file").GetString());
    }

    [Needs(Machine.Linux)]
    public void Nothing_is_done_while_nothing_happens()
    {
        Begin("*.py=saved");
        _box.Write("a.py", "");
        Event(1);
        // The first thread waits in poll; it would be switched to for any tick. It goes there a moment after it has
        // told the event.
        var before = Switches();
        Eventually.Holds(
            () =>
            {
                var last = before;
                Thread.Sleep(100);
                before = Switches();
                return before == last && Processes.Status(_watch!.Pid, "State")!.StartsWith('S');
            },
            "it waits"
        );
        Thread.Sleep(TimeSpan.FromSeconds(1));

        Assert.Equal(before, Switches());

        string? Switches() => Processes.Status(_watch!.Pid, "voluntary_ctxt_switches");
    }

    [Theory]
    [InlineData(Processes.Interrupt, 130)]
    [InlineData(Processes.Term, 0)]
    [InlineData(Processes.Hangup, 0)]
    public void It_ends_when_it_is_told_to(int signal, int code)
    {
        Begin("*.py=saved");
        Processes.Signal(_watch!.Pid, signal);

        _watch.End().Gives(code);
    }

    [Fact]
    public void It_ends_when_nobody_reads_any_more() =>
        _box.Sh("agentq watch --on '*.py=saved' | head -n 1; touch a.py").Gives(0);

    [Fact]
    public void Without_a_terminal_what_is_typed_is_not_read()
    {
        using var watch = _box.Begin("qqq\n"u8.ToArray(), "watch", "--json", "--on", "*.py=saved");
        Eventually.Holds(() => watch.Out.Contains('\n'), "it watches");
        _box.Write("a.py", "");
        Eventually.Gives(() => FilesOf(watch), "the save is told");
    }

    [Needs(Machine.Script)]
    public void On_a_terminal_r_makes_the_last_event_again_and_q_ends()
    {
        // Its input stays open until the end: what script does at an end of it is not of interest here.
        var ended = _box.Sh(
            """
            told() { until [ "$(grep -c "$1" ../outside/out)" -ge "$2" ]; do sleep 0.02; done; }
            touch ../outside/out
            (
                told 'q: quit' 1; printf r
                told 'No event' 1; touch a.py
                told saved: 1; printf r
                told saved: 2; printf q
                told 'echoctl' 1
            ) | script -qefc "agentq watch --on '*.py=saved'; echo code \$?; stty -a" ../outside/out >/dev/null
            cat ../outside/out
            """
        );

        Assert.Equal(2, ended.Lines.Count(static l => l.Contains("saved: a.py created")));
        Assert.Contains("code 0", ended.Out, StringComparison.Ordinal);
        Assert.Contains(" icanon", ended.Out, StringComparison.Ordinal);
        Assert.Contains(" echo ", ended.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mv ../project ../elsewhere")]
    [InlineData("rm -r ../project")]
    public void A_project_that_goes_away_ends_it_with_a_sentence(string away)
    {
        _box.Write("src/a.py", "");
        Begin("*.py=saved");
        // Seen as a whole: were it slow, what is in it would go first, and that is an event.
        Processes.Signal(_watch!.Pid, Processes.Stop);
        _box.Sh(away).Gives(0);
        Processes.Signal(_watch.Pid, Continue);
        var ended = _watch!.End().Gives(1);

        Assert.Contains("is not there any more", ended.Err, StringComparison.Ordinal);
        Assert.Empty(Events);
        Directory.CreateDirectory(_box.Folder);
    }

    [Fact]
    public void A_project_that_is_emptied_first_and_goes_then_ends_it_too()
    {
        _box.Write("src/a.py", "");
        Begin("*.py=saved");
        _box.Sh("rm -r src agent-config.json").Gives(0);
        Event(1);
        _box.Sh("rm -rf .agents").Gives(0);
        // Nothing in it changes any more, and who works in it keeps the folder itself from being freed.
        Eventually.Holds(
            () => _box.Sh("rm -rf .agents; rmdir ../project").Code == 0,
            "the project is removed"
        );

        Assert.Contains(
            "is not there any more",
            _watch!.End().Gives(1).Err,
            StringComparison.Ordinal
        );
        Directory.CreateDirectory(_box.Folder);
    }

    [Fact]
    public void With_no_rule_it_says_what_to_write()
    {
        var refused = _box.Run("watch").Gives(2);

        Assert.Contains("--on 'src/**/*.py=saved'", refused.Err, StringComparison.Ordinal);
        Assert.Contains("\"watch\": [{", refused.Err, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*.py")]
    [InlineData("=saved")]
    [InlineData("*.py=")]
    [InlineData("../x=saved")]
    public void A_rule_that_cannot_be_meant_is_refused(string rule) =>
        _box.Run("watch", "--on", rule).Gives(2);

    [Fact]
    public void Where_there_is_no_project_nothing_is_watched()
    {
        File.Delete(Path.Join(_box.Folder, "agent-config.json"));

        Assert.Contains(
            "agentq init",
            _box.Run("watch", "--on", "*.py=saved").Gives(1).Err,
            StringComparison.Ordinal
        );
    }

    // kill -l CONT
    private const int Continue = 18;

    private List<JsonElement> Lines => LinesOf(_watch!);

    private List<JsonElement> Events => EventsOf(_watch!);

    private void Begin(params string[] rules) => _watch = Watch(rules);

    // For what several programs do one after the other: on a busy machine there may be more between them than the
    // time for which it is usually waited.
    private void BeginPatiently(string paths)
    {
        _box.Write(
            "agent-config.json",
            $$"""{ "watch": [{ "paths": ["{{paths}}"], "event": "saved", "debounceMs": 2000 }] }"""
        );
        Begin();
    }

    private Running Watch(params string[] rules)
    {
        var watch = _box.Begin([
            "watch",
            "--json",
            .. rules.SelectMany(static r => (string[])["--on", r]),
        ]);
        Eventually.Holds(() => watch.Out.Contains('\n') || watch.HasEnded, "it watches");
        return watch;
    }

    private JsonElement Event(int number)
    {
        Eventually.Holds(() => Events.Count >= number, $"event {number} is told");
        return Events[number - 1];
    }

    private static List<JsonElement> LinesOf(Running watch)
    {
        var text = watch.Out;
        return
        [
            .. text[..(text.LastIndexOf('\n') + 1)]
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(static l => JsonDocument.Parse(l).RootElement),
        ];
    }

    private static List<JsonElement> EventsOf(Running watch) =>
        [.. LinesOf(watch).Where(static l => l.GetProperty("type").GetString() == "event")];

    private static List<string>? FilesOf(Running watch) =>
        EventsOf(watch) is { Count: > 0 } events
            ?
            [
                .. events
                    .SelectMany(static e => e.GetProperty("files").EnumerateArray())
                    .Select(static f => f.GetString()!)
                    .Distinct(),
            ]
            : null;

    private List<string> MakeTree(Random random)
    {
        string[] names = ["a", "b", "ab", "foo", "bar.c", "x.o", "a b", "é", "[a]", "-", "!a"];
        string[] parts =
        [
            .. new[] { "a", "b", "foo", "*", "**", "?", "/", "**/", "/**", "[a-c]", "[!a]", "[a" },
            .. new[]
            {
                "\\",
                "\\*",
                ".c",
                ".o",
                "[[:alpha:]]",
                " ",
                "é",
                "-",
                "\\!",
                "\r",
                "foo**",
            },
        ];
        var files = new List<string>();
        for (var i = 0; i < 60; i++)
        {
            var path = "t";
            for (var depth = random.Next(1, 4); depth > 0; depth--)
            {
                path += "/" + names[random.Next(names.Length)];
                if (File.Exists(Path.Join(_box.Folder, path)))
                {
                    break;
                }
            }

            var full = Path.Join(_box.Folder, path);
            if (!Path.Exists(full))
            {
                files.Add(path);
                _box.Write(path, "");
            }
        }

        foreach (var folder in (string[])["t", "t/a", "t/foo"])
        {
            var rules = new StringBuilder();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                rules.Append(random.Next(4) == 0 ? "!" : "");
                for (var n = random.Next(1, 5); n > 0; n--)
                {
                    rules.Append(parts[random.Next(parts.Length)]);
                }

                rules.Append('\n');
            }

            if (Directory.Exists(Path.Join(_box.Folder, folder)))
            {
                _box.Write(folder + "/.gitignore", rules + "!zzz.last\n");
            }
        }

        return files;
    }

    private bool Ignored(string file)
    {
        string[] args = ["git", "check-ignore", "-q", "--", file];
        using var git = _box.Program("/usr/bin/env", null, args);
        return git.End().Gives(0, 1).Code == 0;
    }
}
