using System.Diagnostics;

namespace AgentQueue.EndToEnd;

/// <summary>Which agents are there, told by themselves, and the files that say how they are driven.</summary>
public sealed class AgentsTests
{
    private const string Adapter = """
        {
          "title": "New CLI",
          "command": "newcli",
          "args": ["run", "{permission}", "{model}", "{args}"],
          "promptVia": "stdin",
          "permissions": { "read": { "args": ["--readonly"] }, "edit": { "env": { "NEW_MODE": "edit it" } } },
          "model": ["--model={model}"],
          "version": { "args": ["version"], "tested": "0.3.1" },
          "stream": {
            "hasEnd": true,
            "rules": [
              { "when": { "type": "start" }, "take": { "session": "chat" } },
              { "when": { "type": "say" }, "take": { "text": "text" } },
              { "when": { "type": "bye" }, "end": true, "take": { "input": "in" } },
              { "when": { "type": "bye", "ok": false }, "take": { "error": "why", "status": "http" } }
            ]
          }
        }
        """;

    [Fact]
    public void Installed_agents_tell_their_versions_and_a_silent_one_delays_nobody()
    {
        using var box = Alone();
        Cli(box, "claude", "echo '2.1.197 (Claude Code)'");
        Cli(box, "codex", "echo codex-cli 0.170.0");
        Cli(box, "gemini", "echo 0.19.2");
        Cli(box, "goose", "echo ' 1.9.3'");
        Cli(box, "qwen", "echo cannot >&2; exit 1");
        Cli(box, "opencode", "trap '' TERM; sleep 600 & wait; sleep 600");
        var begin = Stopwatch.GetTimestamp();
        var shown = box.Run("agents").Gives(0).Out;
        // A tenth of what the silent one takes.
        Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 0, 60);
        Assert.Matches(@"claude \(built-in\) .*\| 2\.1\.197 \| as tested ", shown);
        Assert.Matches(@"codex .*\| 0\.170\.0 \| newer than tested \(0\.169\.0\) ", shown);
        Assert.Matches(@"gemini .*\| 0\.19\.2 \| older than 0\.20\.0: not supported ", shown);
        Assert.Matches(@"goose .*\| 1\.9\.3 \| never tried ", shown);
        Assert.Matches(@"qwen .*\| - \| - ", shown);
        Assert.Matches(@"opencode .*\| - \| - ", shown);
        Assert.Contains("not installed: aider, amp, copilot, cursor, droid\n", shown);
        Eventually.Holds(() => box.Mine.Count == 0, "the silent one is ended");
    }

    [Fact]
    public void A_version_is_asked_again_only_when_the_program_has_changed()
    {
        using var box = Alone();
        Directory.CreateDirectory(Path.Join(box.Queue, "run"));
        var asked = Path.Join(box.Outside, "asked");
        Cli(box, "claude", $"echo x >> '{asked}'; echo 2.1.197");
        box.Run("agents").Gives(0);
        box.Run("agents", "claude").Gives(0);
        box.Run("agents").Gives(0);
        Assert.Single(File.ReadLines(asked));
        Cli(box, "claude", $"echo x >> '{asked}'; echo 2.1.2000");
        Assert.Contains("2.1.2000", box.Run("agents").Gives(0).Out);
        Assert.Equal(2, File.ReadLines(asked).Count());
    }

    [Fact]
    public void Configured_agents_stand_first_with_what_they_set()
    {
        using var box = Alone();
        Cli(box, "claude", "echo 2.1.197");
        box.Configure(
            """
            "zoe": { "adapter": "claude", "model": "opus", "permission": "read", "account": "work" },
            "own": { "command": "true", "args": ["{prompt}"] }
            """
        );
        var agents = box.Run("agents", "--json").Gives(0).Json.GetProperty("agents");
        Assert.Equal(
            ["own", "shell", "zoe", "claude"],
            agents.EnumerateArray().Select(static a => a.GetProperty("name").GetString())
        );
        var zoe = agents[2];
        Assert.Equal("claude", zoe.GetProperty("adapter").GetString());
        Assert.Equal("2.1.197", zoe.GetProperty("version").GetString());
        Assert.Equal("tested", zoe.GetProperty("versionState").GetString());
        Assert.Equal("read", zoe.GetProperty("permission").GetString());
        Assert.Equal("opus", zoe.GetProperty("model").GetString());
        Assert.Equal("work", zoe.GetProperty("account").GetString());
        var own = agents[0];
        Assert.Null(own.GetProperty("adapter").GetString());
        Assert.Null(own.GetProperty("version").GetString());
        var details = box.Run("agents", "zoe").Gives(0).Out;
        Assert.Contains("claude, for Claude Code", details);
        Assert.Contains("2.1.197, as tested", details);
        Assert.Contains("--model=opus", details);
    }

    [Fact]
    public void No_program_is_started_that_the_project_names()
    {
        using var box = Alone();
        var trap = Path.Join(box.Outside, "trap");
        Cli(box, "newcli", $"echo x > '{trap}'; echo 0.3.1");
        box.Write(".agents/adapters/newcli.json", Adapter);
        box.Write(
            ".agents/adapters/claude.json",
            """{ "command": "newcli", "promptVia": "stdin", "version": { "args": ["-v"] } }"""
        );
        box.Configure("\"mine\": { \"adapter\": \"codex\", \"command\": \"newcli\" }");
        Assert.Contains("newcli", box.Run("agents").Gives(0).Out);
        box.Run("agents", "newcli").Gives(0);
        box.Run("agents", "check", "newcli").Gives(0);
        Assert.False(File.Exists(trap));
    }

    [Fact]
    public void An_adapter_is_checked_and_shows_what_it_would_run()
    {
        using var box = Alone();
        box.Write("newcli.json", Adapter);
        var shown = box.Run("agents", "check", "newcli.json").Gives(0).Out;
        Assert.Contains("read  newcli run --readonly\n", shown);
        Assert.Contains("edit  NEW_MODE='edit it' newcli run\n", shown);
        Assert.Contains("by standard input", shown);
        box.Write(
            "bad.json",
            """
            {
              "command": "x",
              "args": ["{prompt}"],
              "model": ["-m"],
              "strem": {},
              "exitCodes": { "1": "aut" }
            }
            """
        );
        var bad = box.Run("agents", "check", "bad.json").Gives(2).Out;
        Assert.Contains("bad.json:4: model has no {model}", bad);
        Assert.Contains("bad.json:5: strem", bad);
        Assert.Contains("bad.json:6: exitCodes.1", bad);
        Assert.Contains("did you mean 'auth'", bad);
        Assert.Contains("lets a prompt that begins with '-' pass", bad);
        Assert.False(
            box.Run("agents", "check", "bad.json", "--json")
                .Gives(2)
                .Json.GetProperty("valid")
                .GetBoolean()
        );
        box.Run("agents", "check", "nothing.json").Gives(1);
        box.Run("agents", "check", "nothing").Gives(1);
    }

    [Fact]
    public void All_built_in_adapters_are_well_and_can_be_begun_with()
    {
        using var box = Alone();
        foreach (var name in (string[])["claude", "aider", "amp", "shell"])
        {
            box.Run("agents", "check", name).Gives(0);
            box.Write($"my-{name}.json", box.Run("agents", "show", name).Gives(0).Out);
            box.Run("agents", "check", $"my-{name}.json").Gives(0);
        }
    }

    [Fact]
    public void A_recorded_stream_is_read_by_an_adapter()
    {
        using var box = Alone();
        box.Write("newcli.json", Adapter);
        box.Write(
            "good.log",
            """
            Loading...
            {"type":"start","chat":"c-17"}
            {"type":"say","text":"It is written."}
            {"type":"bye","ok":true,"in":9}

            """
        );
        box.Write(
            "bad.log",
            """{"type":"bye","ok":false,"why":"slow down, retry in 90s","http":429}"""
        );
        var good = box.Run("agents", "check", "newcli.json", "--stream", "good.log").Gives(0).Out;
        Assert.Contains("c-17", good);
        Assert.Contains("It is written.", good);
        Assert.Contains("9 in, - out", good);
        var bad = box.Run("agents", "check", "newcli.json", "--stream", "bad.log", "--json")
            .Gives(0)
            .Json.GetProperty("stream");
        Assert.Equal("rate_limit", bad.GetProperty("errorClass").GetString());
        Assert.Equal("certain", bad.GetProperty("confidence").GetString());
        Assert.NotNull(bad.GetProperty("resetsAt").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, bad.GetProperty("costUsd").ValueKind);
        box.Run("agents", "check", "newcli.json", "--stream", "nothing.log").Gives(1);
    }

    [Fact]
    public void A_broken_adapter_spoils_its_own_line_only()
    {
        using var box = Alone();
        Cli(box, "claude", "echo 2.1.197");
        box.Write(".agents/adapters/mine.json", "{ \"command\": 5 }");
        var shown = box.Run("agents").Gives(0).Out;
        Assert.Contains("mine.json", shown);
        Assert.Contains("2.1.197", shown);
    }

    [Fact]
    public void An_agent_that_is_an_adapter_tells_whose_file_makes_it_one()
    {
        using var box = Alone();
        var settings = Path.Join(box.Outside, "settings");
        box.Environment["XDG_CONFIG_HOME"] = settings;
        var ofUser = Path.Join(settings, "agentq", "adapters", "hers.json");
        Directory.CreateDirectory(Path.GetDirectoryName(ofUser)!);
        File.WriteAllText(ofUser, Adapter);
        box.Write(".agents/adapters/newcli.json", Adapter);
        box.Write(".agents/adapters/wrong.json", "{");
        Cli(box, "newcli", "echo 0.3.1");
        Cli(box, "claude", "echo 2.1.197");
        box.Configure("\"mine\": { \"adapter\": \"newcli\" }");
        var shown = box.Run("agents").Gives(0).Out;
        Assert.Contains("newcli (.agents/adapters/newcli.json) ", shown);
        Assert.Contains("wrong (.agents/adapters/wrong.json) ", shown);
        Assert.Contains($"hers ({ofUser}) ", shown);
        Assert.Contains("claude (built-in) ", shown);
        Assert.Contains("mine |", shown);
        Assert.StartsWith(
            "newcli (.agents/adapters/newcli.json)\n",
            box.Run("agents", "newcli").Gives(0).Out
        );
        var agent = box.Run("agents", "hers", "--json").Gives(0).Json.GetProperty("agent");
        Assert.Equal(ofUser, agent.GetProperty("file").GetString());
        Assert.False(agent.GetProperty("builtIn").GetBoolean());
    }

    [Fact]
    public void A_broken_adapter_is_found_by_all_that_is_said_to_find_it()
    {
        using var box = Alone();
        box.Write(".agents/adapters/newcli.json", "{ broken");
        const string Problem = "adapters/newcli.json:1";
        var file = Path.Join(box.Folder, ".agents", "adapters", "newcli.json");
        var refused = box.Run("start", "newcli", "y").Gives(2).Err;
        Assert.Contains($"agentq agents check {file}", refused);
        Assert.Contains(Problem, box.Run("agents", "check", file).Gives(2).Out);
        Assert.Contains(Problem, box.Run("config", "validate").Gives(2).Out);
        Assert.Contains(Problem, box.Run("doctor").Out);
    }

    // Agents that happen to be installed here are none of ours.
    private static Sandbox Alone()
    {
        var box = new Sandbox();
        foreach (var tool in (string[])["sh", "sleep", "true"])
        {
            File.CreateSymbolicLink(Path.Join(box.Bin, tool), "/bin/" + tool);
        }

        box.Environment["PATH"] = box.Bin;
        return box;
    }

    private static void Cli(Sandbox box, string name, string script)
    {
        var path = Path.Join(box.Bin, name);
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }
}
