using System.Globalization;
using System.Text;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Ten secrets, each where agentq meets one, and a tour of all verbs with failures, cancellations and
/// retries: none is in any file, log or output, nor in the command line of a process.
/// </summary>
public sealed class SecretTests
{
    private static readonly string[] s_names =
    [
        "PLAIN_SECRET",
        "AWS_SECRET_ACCESS_KEY",
        "OPENAI_API_KEY",
        "HANDED_ON",
        "IN_CONFIG",
        "IN_CONFIG_PART",
        "NEVER_USED",
        "LC_SECRET",
        "AGENTQ_SECRET",
        "DATABASE_URL",
    ];

    [Fact]
    [Trait("Fault", "S7")]
    public void No_secret_is_written_or_shown() =>
        Fault.Inject(
            "S7",
            fault =>
            {
                using var box = new Sandbox();
                var secrets = s_names.Select((name, i) => (name, Value(i))).ToList();
                foreach (var (name, value) in secrets)
                {
                    box.Environment[name] = value;
                }

                fault.Injected(secrets.Count);
                box.Configure(
                    """
                    "worker": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "{userPrompt}", "env": { "TOKEN": "${IN_CONFIG}", "URL": "https://x:${IN_CONFIG_PART}@y" } },
                    "reader": { "command": "sh", "args": ["-c", "cat > /dev/null; exit 1"], "promptVia": "stdin", "env": { "TOKEN": "${IN_CONFIG}" } },
                    "missing": { "command": "no-such-program", "args": ["--", "{prompt}"], "env": { "TOKEN": "${IN_CONFIG}" } },
                    "unset": { "command": "sh", "args": ["--", "{prompt}"], "env": { "TOKEN": "${IN_CONFIG}${NO_SUCH_VARIABLE}" } }
                    """
                );
                var said = Tour(box);

                foreach (var (name, value) in secrets)
                {
                    foreach (var outcome in said)
                    {
                        Assert.False(
                            (outcome.Out + outcome.Err).Contains(value, StringComparison.Ordinal),
                            $"{name} was shown by {outcome.Line}"
                        );
                    }
                }

                foreach (var folder in new[] { box.Folder, box.Home, box.Outside })
                {
                    foreach (
                        var file in Directory
                            .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                            .Where(static f => new FileInfo(f).Length > 0)
                    )
                    {
                        var bytes = File.ReadAllBytes(file);
                        foreach (var (name, value) in secrets)
                        {
                            foreach (var hidden in Spellings(value))
                            {
                                Assert.True(
                                    bytes.AsSpan().IndexOf(hidden) < 0,
                                    $"{name} stands in {file}"
                                );
                            }
                        }
                    }
                }
            }
        );

    private static List<Outcome> Tour(Sandbox box)
    {
        var said = new List<Outcome>();
        // The agents prove by their exit codes that they have what is never shown.
        var works =
            "test \"$TOKEN\" = \"$IN_CONFIG\" && test -n \"$HANDED_ON\" && test -n \"$URL\"";
        var good = Start("worker", works, "--env", "HANDED_ON", "--name", "good");
        var bad = Start(
            "worker",
            works + "; exit 3",
            "--env",
            "PLAIN_SECRET",
            "--auto-retry",
            "--max-retries",
            "1"
        );
        var reader = Start("reader", "read this");
        var lost = Start("missing", "x");
        var unset = Start("unset", "x");
        var after = Start("worker", "true", "--depends-on", bad);
        Say("run", "--dry-run");
        Say("run", "--dry-run", "--json");
        Say("run", "--drain", "--parallel", "3", "--wait", "--debug");
        box.AllHaveLeft();
        Assert.Equal("complete", box.Task(good).Status);
        var sleeps = Start("worker", "sleep 300", "--env", "DATABASE_URL");
        Say("run", sleeps, "--debug", "--json");
        foreach (var pid in box.ProcessesOf(sleeps).Concat(box.Supervisors))
        {
            Assert.DoesNotContain("canary", Processes.CommandLine(pid), StringComparison.Ordinal);
            if (box.Supervisors.Contains(pid))
            {
                Assert.Matches(
                    "Max core file size +0 ",
                    File.ReadAllText(
                        string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/limits")
                    )
                );
            }
        }

        Say("timeout", "extend", sleeps, "60");
        Say("cancel", sleeps);
        var late = Start("worker", "sleep 300", "--timeout", "1");
        Say("run", late);
        box.Ended(late);
        var doomed = Start("worker", "sleep 300");
        Say("run", doomed);
        box.KillAtOnce(box.SupervisorOf(doomed));
        Say("status", "--all");
        Say("retry", bad);
        Say("retry", reader, "--run");
        Say("hold", after);
        Say("release", after);
        Say("deps", "show", after);
        Say("deps", "add", after, good);
        Say("wait", reader, "--timeout", "5");
        foreach (var id in box.Ids)
        {
            Say("show", id);
            Say("show", id, "--json");
            Say("logs", id);
        }

        foreach (
            var line in new[]
            {
                "status --all --json",
                "status --all",
                "agents",
                "agents worker",
                "agents worker --json",
                "agents missing",
                "agents unset",
                "config show",
                "config show --json",
                "config validate",
                "config validate --json",
                "doctor",
                "doctor --json",
                "doctor --fix --debug",
                "archive --older-than 1s -y --json",
                "archive list",
                "--help",
                "frobnicate",
                "start worker",
                "start nosuch x",
                "show nosuch --debug",
                "__complete = show",
                "init",
                "clean failed -y --json",
            }
        )
        {
            Say(line.Split(' '));
        }

        box.AllHaveLeft();
        GC.KeepAlive((lost, unset));
        return said;

        string Start(params string[] args)
        {
            var outcome = box.Run(["start", .. args, "--json"]).Gives(0);
            said.Add(outcome);
            return box.Ids[^1];
        }

        void Say(params string[] args) => said.Add(box.Run(args).Gives(0, 1, 2, 3, 4, 5));
    }

    [Fact]
    [Trait("Fault", "S7")]
    public void An_agent_keeps_the_core_limit_that_its_caller_has() =>
        Fault.Inject(
            "S7",
            fault =>
            {
                foreach (var limit in new[] { "1024", "0" })
                {
                    fault.Injected();
                    using var box = new Sandbox();
                    var first = box.Enqueue("ulimit -c");
                    var second = box.Enqueue("ulimit -c");
                    box.Sh($"ulimit -S -c {limit} && agentq run --drain --parallel 1 --wait")
                        .Gives(0);
                    Assert.Equal(limit + "\n", box.Log(first));
                    Assert.Equal(limit + "\n", box.Log(second));
                }
            }
        );

    private static string Value(int i) =>
        string.Create(CultureInfo.InvariantCulture, $"canary-{i}-3f9a\"\\é-{i * 7919}");

    // As it is, as JSON spells it, without what JSON would spell in some way, and for Windows' eyes.
    private static IEnumerable<byte[]> Spellings(string value)
    {
        yield return Encoding.UTF8.GetBytes(value);
        yield return Encoding.UTF8.GetBytes(value[..value.IndexOf('"', StringComparison.Ordinal)]);
        yield return Encoding.Unicode.GetBytes(value);
        yield return Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(value)));
    }
}
