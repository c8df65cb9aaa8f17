using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd.Events;

/// <summary><c>on</c>: what is told of an event, after it is on disk.</summary>
public sealed class HookTests
{
    [Fact]
    public void It_gets_the_event_with_its_task_and_finds_the_end_on_disk()
    {
        using var box = new Sandbox();
        Hook(
            box,
            "task_failed:*",
            """
            cat > "$OUT/input"
            id=$(sed 's/.*"task":"\([^"]*\)".*/\1/' "$OUT/input")
            agentq show "$id" --json > "$OUT/shown"
            pwd > "$OUT/folder"
            env > "$OUT/env"
            touch "$OUT/done"
            """
        );
        var id = box.Enqueue("exit 3", "--name", "lint", "--env", "TOKEN=canary-1");

        box.Run("run", id, "--wait").Gives(3, 1);
        Eventually.Holds(() => File.Exists(Out(box, "done")), "the hook has run");

        var input = Read(box, "input");
        Assert.DoesNotContain("canary-1", input, StringComparison.Ordinal);
        Assert.Single(input.TrimEnd('\n').Split('\n'));
        using var told = JsonDocument.Parse(input);
        var root = told.RootElement;
        Assert.Equal(1, root.GetProperty("version").GetInt32());
        Assert.Equal("task_failed:shell", root.GetProperty("event").GetString());
        Assert.Equal(id, root.GetProperty("task").GetString());
        Assert.Equal(3, root.GetProperty("exitCode").GetInt32());
        Assert.Equal(0, root.GetProperty("started").GetArrayLength());
        var file = root.GetProperty("taskFile");
        Assert.Equal("failed", file.GetProperty("status").GetString());
        Assert.Equal("exit 3", file.GetProperty("prompt").GetString());
        Assert.Equal("***", file.GetProperty("env").GetProperty("TOKEN").GetString());

        using var shown = JsonDocument.Parse(Read(box, "shown"));
        Assert.Contains("\"failed\"", shown.RootElement.ToString(), StringComparison.Ordinal);
        Assert.Equal(box.Folder, Read(box, "folder").Trim());
        var environment = Read(box, "env").Split('\n');
        Assert.Contains("AGENTQ_EVENT=task_failed:shell", environment);
        Assert.Contains("AGENTQ_ROOT=" + box.Folder, environment);
        Assert.Empty(Failures(box));
    }

    [Fact]
    public void Its_environment_has_nothing_of_the_task_that_let_the_event_happen()
    {
        using var box = new Sandbox();
        Hook(box, "inside", """env > "$OUT/env.new"; mv "$OUT/env.new" "$OUT/env" """);
        var id = box.Enqueue("agentq trigger inside");

        box.Run("run", id, "--wait").Gives(0);
        Eventually.Holds(() => File.Exists(Out(box, "env")), "the hook has run");

        var environment = Read(box, "env");
        Assert.Contains("AGENTQ_EVENT=inside", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("AGENTQ_TASK_ID", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("AGENTQ_TASK_FILE", environment, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_takes_its_time_delays_nothing_and_is_nobodys_leftover()
    {
        using var box = new Sandbox();
        Hook(box, "*", """echo $$ > "$OUT/pid-$AGENTQ_EVENT"; exec sleep 300""", "10m");

        // Their output is at its end although the hooks run on.
        box.Run("trigger", "slow").Gives(0);
        var first = box.Enqueue("true");
        box.Run("run", first, "--wait").Gives(0);
        var second = box.Enqueue("true");
        box.Run("run", second, "--wait").Gives(0);

        var slow = PidOf(box, "pid-slow");
        var ended = PidOf(box, "pid-task_success:shell");
        PidOf(box, "pid-queue_idle");
        Assert.True(Processes.IsAlive(slow));
        Assert.True(Processes.IsAlive(ended));
        var health = box.Run("doctor");
        Assert.Contains("None is left of an ended task", health.Out, StringComparison.Ordinal);
        Assert.Empty(Failures(box));
    }

    [Fact]
    public void It_outlives_the_task_whose_start_it_was_told_of()
    {
        using var box = new Sandbox();
        Hook(box, "task_started:shell", """echo $$ > "$OUT/pid"; exec sleep 300""", "10m");
        var id = box.RunInBackground("sleep 300");
        var hook = PidOf(box, "pid");

        box.Run("cancel", id).Gives(0);
        box.Ended(id);
        Eventually.Holds(() => box.Supervisors.Count == 0, "the supervisor has gone");

        Assert.True(Processes.IsAlive(hook));
    }

    [Fact]
    public void It_is_ended_at_its_time_with_all_that_it_started()
    {
        using var box = new Sandbox();
        Hook(
            box,
            "slow",
            """
            (trap '' TERM; sleep 300) &
            echo $! > "$OUT/child"
            setsid sh -c 'echo $$ > "$OUT/apart"; exec sleep 300' &
            echo working >&2
            echo $$ > "$OUT/pid"
            wait
            """,
            "5s"
        );

        box.Run("trigger", "slow").Gives(0);

        var mine = new[] { "pid", "child", "apart" }.Select(n => PidOf(box, n)).ToList();
        var failure = Eventually.Gives(() => Failures(box).FirstOrDefault(), "the failure is told");
        Assert.Equal("sh timed out after 5s: working", failure);
        Assert.All(mine, static p => Assert.True(Processes.IsGone(p)));
    }

    [Fact]
    public void What_it_leaves_running_has_its_time_too_and_is_no_failure()
    {
        using var box = new Sandbox();
        Hook(box, "go", """sleep 300 & echo $! > "$OUT/pid" """, "4s");

        box.Run("trigger", "go").Gives(0);

        var left = PidOf(box, "pid");
        Eventually.Holds(() => Processes.IsGone(left) && NoHooks(box), "its time is up");
        Assert.Empty(Failures(box));
    }

    [Fact]
    public void Its_failure_is_an_event_with_the_reason_that_rules_can_listen_to()
    {
        using var box = new Sandbox();
        box.Write(
            "agent-config.json",
            """
            { "agents": { "care": { "command": "true", "args": [], "triggers": ["hook_failed:*"] } },
              "on": [ { "event": "go", "run": ["sh", "-c", "echo first >&2; echo 'no route' >&2; echo; exit 7"] },
                      { "event": "g*", "run": ["no-such-program"] } ] }
            """
        );

        box.Run("trigger", "go").Gives(0);

        Eventually.Holds(() => Failures(box).Count == 2, "both failures are told");
        Assert.Equal(
            [
                "sh exited with code 7: no route",
                "no-such-program: There is no program 'no-such-program'",
            ],
            Failures(box)
        );
        Eventually.Holds(
            () => Events(box).Any(e => Text(e, "event") == "task_success:care"),
            "what listens to it has run"
        );
        var failed = Events(box).First(e => Text(e, "event") == "hook_failed:go");
        Assert.Equal("go", failed.GetProperty("chain")[0].GetString());
        Assert.Contains("no route", box.Run("events").Gives(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hook_of_everything_that_fails_does_not_go_round()
    {
        using var box = new Sandbox();
        Hook(box, "*", "exit 1");
        var id = box.Enqueue("true");

        box.Run("run", id, "--wait").Gives(0);
        Eventually.Holds(
            () =>
                Events(box)
                    .Count(e =>
                        Text(e, "event")!.StartsWith("hook_failed:", StringComparison.Ordinal)
                    ) >= 3
                && NoHooks(box),
            "all hooks have failed"
        );

        var names = Events(box).Select(e => Text(e, "event")).ToList();
        var told = names.Where(n => !n.StartsWith("hook_failed:", StringComparison.Ordinal));
        Assert.Equal(["task_started:shell", "task_success:shell", "queue_idle"], told);
        Assert.Equal(
            told.Select(n => "hook_failed:" + n).Order(StringComparer.Ordinal),
            names.Except(told).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_web_address_is_posted_the_same()
    {
        using var box = new Sandbox();
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var port = ((IPEndPoint)server.LocalEndpoint).Port;
        box.Write(
            "agent-config.json",
            $$"""{ "on": [ { "event": "go", "url": "http://127.0.0.1:{{port}}/in?a=[1-3]&b={x}" } ] }"""
        );

        Assert.Equal("", box.Run("trigger", "go", "--var", "file=a b").Gives(0).Err);

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var (head, body) = await Answer(server, "204 No Content", limit.Token);
        Assert.StartsWith("POST /in?a=[1-3]&b={x} HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains("content-type: application/json", head, StringComparison.OrdinalIgnoreCase);
        using var told = JsonDocument.Parse(body);
        Assert.Equal("go", Text(told.RootElement, "event"));
        Assert.Equal("a b", Text(told.RootElement.GetProperty("vars"), "file"));
        Eventually.Holds(() => NoHooks(box), "the hook has ended");
        Assert.Empty(Failures(box));
    }

    [Fact]
    public async Task An_answer_that_is_an_error_is_recorded_without_the_address_secrets()
    {
        using var box = new Sandbox();
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var port = ((IPEndPoint)server.LocalEndpoint).Port;
        box.Write(
            "agent-config.json",
            $$"""{ "on": [ { "event": "go", "url": "http://me:canary-2@127.0.0.1:{{port}}/canary-3" } ] }"""
        );

        box.Run("trigger", "go").Gives(0);

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await Answer(server, "503 Service Unavailable", limit.Token);
        var failure = Eventually.Gives(() => Failures(box).FirstOrDefault(), "the failure is told");
        Assert.StartsWith(
            $"http://127.0.0.1:{port} exited with code 22: ",
            failure,
            StringComparison.Ordinal
        );
        Assert.Contains("503", failure, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_never_answers_is_given_up()
    {
        using var box = new Sandbox();
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var port = ((IPEndPoint)server.LocalEndpoint).Port;
        box.Write(
            "agent-config.json",
            $$"""{ "on": [ { "event": "go", "url": "http://127.0.0.1:{{port}}/", "timeout": "1s" } ] }"""
        );

        box.Run("trigger", "go").Gives(0);

        var failure = Eventually.Gives(() => Failures(box).FirstOrDefault(), "the failure is told");
        Assert.StartsWith(
            $"http://127.0.0.1:{port} timed out after 1s",
            failure,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Where_there_is_no_program_for_it_the_record_says_what_to_install()
    {
        using var box = new Sandbox();
        box.Environment["PATH"] = box.Bin;
        box.Write(
            "agent-config.json",
            """
            { "on": [ { "event": "go", "url": "http://127.0.0.1:9/" },
                      { "event": "go", "notify": "desktop" } ] }
            """
        );

        box.Run("trigger", "go").Gives(0);

        Eventually.Holds(() => Failures(box).Count == 2, "both failures are told");
        Assert.Contains("curl is not installed", Failures(box)[0], StringComparison.Ordinal);
        Assert.Contains("notify-send is not installed", Failures(box)[1], StringComparison.Ordinal);
    }

    [Needs(Machine.Linux)]
    public void The_desktop_is_told_in_words_that_are_no_markup()
    {
        using var box = new Sandbox();
        var fake = Path.Join(box.Bin, "notify-send");
        File.WriteAllText(
            fake,
            $"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{Out(box, "new")}'; mv '{Out(box, "new")}' '{Out(box, "words")}'\n"
        );
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(fake, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        box.Write("agent-config.json", """{ "on": [ { "event": "*", "notify": "desktop" } ] }""");

        box.Run("trigger", "--", @"-<b>a\nb & c").Gives(0);

        Eventually.Holds(() => File.Exists(Out(box, "words")), "the desktop was told");
        Assert.Equal(
            ["--app-name=agentq", "--", "agentq", @"-&lt;b&gt;a\\nb &amp; c"],
            Read(box, "words").TrimEnd('\n').Split('\n')
        );
    }

    [Needs(Machine.Linux, Machine.Script)]
    public void A_terminal_that_follows_is_told_too()
    {
        using var box = new Sandbox();
        box.Write("agent-config.json", """{ "on": [ { "event": "go*", "notify": "desktop" } ] }""");
        using var follow = box.Program(
            "/usr/bin/env",
            null,
            "script",
            "-qefc",
            "agentq events --follow --notify",
            "/dev/null"
        );
        var n = 0;
        Eventually.Holds(
            () =>
            {
                n++;
                box.Run("trigger", "other").Gives(0);
                return follow.Out.Contains("other", StringComparison.Ordinal);
            },
            "it follows"
        );

        box.Run("trigger", "go\u202e1").Gives(0);

        Eventually.Holds(
            () => follow.Out.Contains("\e]9;agentq: go 1\a", StringComparison.Ordinal),
            "the terminal was told"
        );
        Assert.DoesNotContain("agentq: other", follow.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202e", follow.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Elsewhere_nothing_is_put_between_the_lines()
    {
        using var box = new Sandbox();
        box.Write("agent-config.json", """{ "on": [ { "event": "go", "notify": "desktop" } ] }""");
        box.Run("trigger", "go").Gives(0);
        using var follow = box.Begin("events", "--follow", "--notify", "--since", "0");

        Eventually.Holds(
            () => follow.Out.Contains("  go", StringComparison.Ordinal),
            "the event is shown"
        );

        Assert.DoesNotContain('\e', follow.Out);
        box.Run("events", "--notify").Gives(2);
    }

    private static void Hook(Sandbox box, string pattern, string script, string timeout = "30s")
    {
        box.Environment["OUT"] = box.Outside;
        box.Write(
            "agent-config.json",
            $$"""
            { "on": [ { "event": {{Quote(pattern)}}, "run": ["sh", "-c", {{Quote(
                script
            )}}], "timeout": "{{timeout}}" } ] }
            """
        );
    }

    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static string Out(Sandbox box, string name) => Path.Join(box.Outside, name);

    private static string Read(Sandbox box, string name) => File.ReadAllText(Out(box, name));

    private static int PidOf(Sandbox box, string name) =>
        int.Parse(
            Eventually.Gives(
                () =>
                    File.Exists(Out(box, name)) && Read(box, name) is [.. var text, '\n']
                        ? text
                        : null,
                $"{name} is there"
            ),
            CultureInfo.InvariantCulture
        );

    private static List<JsonElement> Events(Sandbox box)
    {
        using var document = JsonDocument.Parse(
            box.Run("events", "--since", "0", "--json").Gives(0).Out
        );
        return [.. document.RootElement.Clone().GetProperty("events").EnumerateArray()];
    }

    private static List<string> Failures(Sandbox box) =>
        [
            .. Events(box)
                .Where(e => Text(e, "event").StartsWith("hook_failed:", StringComparison.Ordinal))
                .Select(e => Text(e, "problem")),
        ];

    private static bool NoHooks(Sandbox box) =>
        !box.Mine.Exists(static p =>
            Processes.CommandLine(p).Contains(" __hook ", StringComparison.Ordinal)
        );

    private static string Text(JsonElement o, string name) => o.GetProperty(name).GetString()!;

    private static async Task<(string Head, string Body)> Answer(
        TcpListener server,
        string status,
        CancellationToken limit
    )
    {
        using var client = await server.AcceptTcpClientAsync(limit);
        await using var stream = client.GetStream();
        var all = new List<byte>();
        var buffer = new byte[4096];
        while (true)
        {
            var text = Encoding.UTF8.GetString([.. all]);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0 && all.Count - end - 4 >= LengthOf(text[..end]))
            {
                await stream.WriteAsync(
                    Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"),
                    limit
                );
                return (text[..end], text[(end + 4)..]);
            }

            var n = await stream.ReadAsync(buffer, limit);
            Assert.NotEqual(0, n);
            all.AddRange(buffer[..n]);
        }
    }

    private static int LengthOf(string head) =>
        head.Split("\r\n")
            .Where(static l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
            .Select(static l => int.Parse(l.Split(':')[1], CultureInfo.InvariantCulture))
            .FirstOrDefault();
}
