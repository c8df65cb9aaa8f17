using System.Globalization;
using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary><c>schedule install|remove|list</c>, with a systemctl and a crontab that only record what they are told.</summary>
public sealed class ScheduleTests
{
    private const string TwoRules = """
        { "event": "nightly", "cron": "0 2 * * *" }, { "event": "poll", "every": "15m" }
        """;

    [Fact]
    public void With_systemd_each_rule_is_a_timer_and_a_service()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, TwoRules);

        var install = box.Run("schedule", "install").Gives(0);

        Assert.Contains("systemd", install.Err, StringComparison.Ordinal);
        var units = Units(box);
        Assert.Equal(4, units.Length);
        var nightly = File.ReadAllText(
            units.Single(u => u.EndsWith("-1.timer", StringComparison.Ordinal))
        );
        Assert.Contains("\nOnCalendar=*-*-* 02:00:00\n", nightly, StringComparison.Ordinal);
        Assert.Contains("\nPersistent=false\n", nightly, StringComparison.Ordinal);
        var service = File.ReadAllText(
            units.Single(u => u.EndsWith("-1.service", StringComparison.Ordinal))
        );
        Assert.Contains("\nKillMode=process\n", service, StringComparison.Ordinal);
        Assert.Contains(
            $"\"--root\" \"{box.Folder}\" \"trigger\" \"--scheduled\" ",
            service,
            StringComparison.Ordinal
        );
        var names = units
            .Where(static u => u.EndsWith(".timer", StringComparison.Ordinal))
            .Select(static u => Path.GetFileName(u))
            .ToList();
        Assert.Equal(
            [
                "daemon-reload",
                $"enable {string.Join(' ', names)}",
                $"restart {string.Join(' ', names)}",
            ],
            Changes(box)
        );
    }

    [Fact]
    public void Installing_again_changes_nothing_unless_something_has_changed()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, TwoRules);
        box.Run("schedule", "install").Gives(0);
        var calls = Changes(box);
        var written = Units(box).Select(File.GetLastWriteTimeUtc).ToList();

        Assert.False(Changed(box.Run("schedule", "install", "--json")));
        Assert.Equal(calls, Changes(box));
        Assert.Equal(written, Units(box).Select(File.GetLastWriteTimeUtc));

        Rules(box, """{ "event": "nightly", "cron": "0 3 * * *" }""");
        Assert.True(Changed(box.Run("schedule", "install", "--json")));
        Assert.Equal(2, Units(box).Length);
        Assert.Contains(
            "OnCalendar=*-*-* 03:00:00",
            File.ReadAllText(Units(box)[1]),
            StringComparison.Ordinal
        );
        Assert.Contains(
            Changes(box),
            static c => c.StartsWith("disable --now agentq-", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_timer_that_somebody_stopped_is_started_again()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, TwoRules);
        box.Run("schedule", "install").Gives(0);
        File.WriteAllText(Path.Join(box.Outside, "stopped"), "");

        Assert.True(Changed(box.Run("schedule", "install", "--json")));

        Assert.Equal(
            2,
            Changes(box).Count(static c => c.StartsWith("restart ", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void What_was_written_by_a_call_that_died_is_read_again()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, TwoRules);
        box.Run("schedule", "install").Gives(0);
        File.WriteAllText(Path.Join(box.Outside, "stale"), "");

        Assert.True(Changed(box.Run("schedule", "install", "--json")));

        Assert.False(File.Exists(Path.Join(box.Outside, "stale")));
        Assert.False(Changed(box.Run("schedule", "install", "--json")));
    }

    [Fact]
    public void Removing_takes_out_what_is_of_this_project_and_nothing_else()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, TwoRules);
        box.Run("schedule", "install").Gives(0);
        var folder = Path.GetDirectoryName(Units(box)[0])!;
        string[] others =
        [
            "agentq-0123456789ab-1.timer",
            Path.GetFileName(Units(box)[0]) + ".bak",
            "backup.timer",
        ];
        foreach (var other in others)
        {
            File.WriteAllText(Path.Join(folder, other), "mine");
        }

        box.Run("schedule", "remove").Gives(0);

        Assert.Equal(
            others.Order(StringComparer.Ordinal),
            Units(box).Select(static u => Path.GetFileName(u))
        );
        Assert.False(File.Exists(Path.Join(box.Queue, "schedule.json")));
        Assert.False(Changed(box.Run("schedule", "remove", "--json")));
    }

    [Fact]
    public void A_systemd_that_refuses_is_told_with_its_words_and_the_next_call_goes_on()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, TwoRules);
        File.WriteAllText(Path.Join(box.Outside, "refuse"), "enable");

        var refused = box.Run("schedule", "install").Gives(1);
        Assert.Contains("no enable today", refused.Err, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Join(box.Queue, "schedule.json")));

        File.Delete(Path.Join(box.Outside, "refuse"));
        File.WriteAllText(Path.Join(box.Outside, "stopped"), "");
        Assert.True(Changed(box.Run("schedule", "install", "--json")));
        Assert.StartsWith("restart ", Changes(box)[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Without_systemd_it_is_a_part_of_the_crontab_and_the_rest_stays_as_it_is()
    {
        using var box = new Sandbox();
        NoSystemd(box);
        FakeCrontab(box, "PATH=/mine\n5 4 * * * backup  # 100\\%");
        Rules(box, TwoRules);

        var install = box.Run("schedule", "install").Gives(0);

        Assert.Contains("crontab", install.Err, StringComparison.Ordinal);
        var lines = Crontab(box).Split('\n');
        Assert.Equal("5 4 * * * backup  # 100\\%", lines[1]);
        Assert.StartsWith("# BEGIN agentq ", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("0 2 * * * '", lines[3], StringComparison.Ordinal);
        Assert.Matches(@"^\d+,\d+,\d+,\d+ \* \* \* \* '", lines[4]);
        var before = Crontab(box);
        Assert.False(Changed(box.Run("schedule", "install", "--json")));
        Assert.Equal(before, Crontab(box));
        Assert.Single(Writes(box));

        box.Run("schedule", "remove").Gives(0);
        Assert.Equal("PATH=/mine\n5 4 * * * backup  # 100\\%", Crontab(box));
    }

    [Fact]
    public void A_crontab_that_was_not_there_is_not_there_afterwards()
    {
        using var box = new Sandbox();
        NoSystemd(box);
        FakeCrontab(box, null);
        Rules(box, TwoRules);

        box.Run("schedule", "install").Gives(0);
        Assert.StartsWith("# BEGIN agentq ", Crontab(box), StringComparison.Ordinal);
        box.Run("schedule", "remove").Gives(0);

        Assert.False(File.Exists(Path.Join(box.Outside, "crontab")));
    }

    [Fact]
    public void A_crontab_that_cannot_be_read_is_not_written()
    {
        using var box = new Sandbox();
        NoSystemd(box);
        FakeCrontab(box, "mine\n");
        File.WriteAllText(Path.Join(box.Outside, "refuse"), "");
        Rules(box, TwoRules);

        var refused = box.Run("schedule", "install").Gives(1);

        Assert.Contains("not allowed", refused.Err, StringComparison.Ordinal);
        Assert.Equal("mine\n", Crontab(box));
        Assert.Empty(Writes(box));
    }

    [Fact]
    public void Whatever_an_event_is_called_cron_and_its_shell_hand_it_on_as_it_is()
    {
        const string Name = "it's 100% \\%d $HOME `touch pwned` \"q\" ; touch pwned # é";
        using var box = new Sandbox();
        NoSystemd(box);
        FakeCrontab(box, null);
        Rules(box, $$"""{ "event": {{JsonSerializer.Serialize(Name)}}, "cron": "0 2 * * *" }""");
        box.Run("schedule", "install").Gives(0);
        var command = Crontab(box).Split('\n')[1]["0 2 * * * ".Length..];
        // Cron takes a backslash from a percent sign and gives the rest to sh; an unescaped one ends the command.
        Assert.DoesNotMatch(@"(?<!\\)%", command);
        var script = command.Replace("\\%", "%", StringComparison.Ordinal);

        var words = box.Sh($"set -- {script}; printf '%s\\n' \"$@\"").Gives(0).Lines;

        Assert.Equal(["--", Name], words[^2..]);
        Assert.Equal("--scheduled", words[^4]);
        Assert.True(Path.IsPathFullyQualified(words[0]));
        Assert.False(File.Exists(Path.Join(box.Folder, "pwned")));
    }

    [Fact]
    public void Where_there_is_neither_it_says_what_to_do()
    {
        using var box = new Sandbox();
        NoSystemd(box);
        box.Environment["PATH"] = box.Bin;
        Rules(box, TwoRules);

        var refused = box.Run("schedule", "install").Gives(1);

        Assert.Contains("neither a systemd", refused.Err, StringComparison.Ordinal);
        Assert.Contains("agentq trigger 'nightly'", refused.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void The_list_tells_what_is_installed_when_it_is_due_and_what_was_missed()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, TwoRules);

        var before = box.Run("schedule", "list", "--json").Gives(0).Json.GetProperty("rules");
        Assert.All(
            before.EnumerateArray(),
            static r => Assert.False(r.GetProperty("installed").GetBoolean())
        );
        Assert.Equal(JsonValueKind.Null, before[1].GetProperty("next").ValueKind);
        Assert.False(Directory.Exists(box.Queue));

        box.Run("schedule", "install").Gives(0);
        var file = Path.Join(box.Queue, "schedule.json");
        var json = File.ReadAllText(file);
        var since = JsonDocument
            .Parse(json)
            .RootElement.GetProperty("rules")[1]
            .GetProperty("since")
            .GetString()!;
        // As if it had been installed an hour and some minutes before and the machine had been off since.
        var earlier = DateTimeOffset
            .Parse(since, CultureInfo.InvariantCulture)
            .AddMinutes(-65)
            .UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var at = json.LastIndexOf(since, StringComparison.Ordinal);
        File.WriteAllText(file, json[..at] + earlier + json[(at + since.Length)..]);

        var rules = box.Run("schedule", "list", "--json").Gives(0).Json.GetProperty("rules");
        Assert.Equal(
            (true, 0),
            (
                rules[0].GetProperty("installed").GetBoolean(),
                rules[0].GetProperty("missed").GetInt32()
            )
        );
        Assert.Equal("poll", rules[1].GetProperty("event").GetString());
        Assert.Equal(4, rules[1].GetProperty("missed").GetInt32());
        var next = rules[1].GetProperty("next").GetDateTimeOffset();
        Assert.InRange(next, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddMinutes(15));
        var table = box.Run("schedule", "list").Gives(0);
        Assert.Contains("| poll | every 15m |", table.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_that_is_wrong_is_told_with_its_place_and_nothing_is_installed()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, """{ "event": "nightly", "cron": "0 25 * * *" }""");

        var refused = box.Run("schedule", "install").Gives(2);

        Assert.Contains("column 3: the hour '25'", refused.Err, StringComparison.Ordinal);
        Assert.Empty(Units(box));
    }

    [Fact]
    public void Without_rules_what_was_installed_goes()
    {
        using var box = new Sandbox();
        FakeSystemd(box);
        Rules(box, TwoRules);
        box.Run("schedule", "install").Gives(0);
        Rules(box, "");

        Assert.Contains(
            "removed",
            box.Run("schedule", "install").Gives(0).Err,
            StringComparison.Ordinal
        );

        Assert.Empty(Units(box));
    }

    private static bool Changed(Outcome outcome) =>
        outcome.Gives(0).Json.GetProperty("changed").GetBoolean();

    private static void Rules(Sandbox box, string rules) =>
        box.Write("agent-config.json", $$"""{ "agents": {}, "schedule": [{{rules}}] }""");

    private static string[] Units(Sandbox box)
    {
        var folder = Path.Join(box.Home, ".config", "systemd", "user");
        return Directory.Exists(folder)
            ? [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal)]
            : [];
    }

    // What was asked of systemctl, without what only looks.
    private static string[] Changes(Sandbox box) =>
        [
            .. File.ReadLines(Path.Join(box.Outside, "systemctl"))
                .Select(static l => l["--user ".Length..])
                .Where(static l =>
                    !l.StartsWith("is-", StringComparison.Ordinal)
                    && !l.StartsWith("show", StringComparison.Ordinal)
                ),
        ];

    private static string[] Writes(Sandbox box) =>
        [.. File.ReadLines(Path.Join(box.Outside, "crontab.calls")).Where(static l => l != "-l")];

    private static string Crontab(Sandbox box) =>
        File.ReadAllText(Path.Join(box.Outside, "crontab"));

    // Answers as if all were on, but for a first time if there is a file "stopped".
    private static void FakeSystemd(Sandbox box) =>
        Fake(
            box,
            "systemctl",
            $$"""
            cd '{{box.Outside}}'
            echo "$*" >> systemctl
            shift
            verb=$1
            if test -e refuse && test "$(cat refuse)" = "$verb"; then echo "no $verb today" >&2; exit 1; fi
            case $verb in
                restart) rm -f stopped;;
                show)
                    shift 3
                    for unit; do if test -e stale; then echo yes; else echo no; fi; echo; done;;
                daemon-reload) rm -f stale;;
                is-active|is-enabled)
                    shift
                    for unit; do
                        if test -e stopped; then echo inactive
                        elif test $verb = is-active; then echo active
                        else echo enabled; fi
                    done;;
            esac
            """
        );

    private static void NoSystemd(Sandbox box) =>
        Fake(box, "systemctl", "echo 'Failed to connect to bus' >&2; exit 1");

    private static void FakeCrontab(Sandbox box, string? text)
    {
        if (text is not null)
        {
            File.WriteAllText(Path.Join(box.Outside, "crontab"), text);
        }

        Fake(
            box,
            "crontab",
            $$"""
            cd '{{box.Outside}}'
            echo "$*" >> crontab.calls
            if test -e refuse; then echo 'You are not allowed to use this program' >&2; exit 1; fi
            case $1 in
                -l) if test -e crontab; then cat crontab; else echo 'no crontab for me' >&2; exit 1; fi;;
                -r) rm crontab;;
                -) cat > crontab;;
                *) exit 2;;
            esac
            """
        );
    }

    private static void Fake(Sandbox box, string name, string script)
    {
        var path = Path.Join(box.Bin, name);
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }
}
