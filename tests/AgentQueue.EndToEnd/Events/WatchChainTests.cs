namespace AgentQueue.EndToEnd.Events;

/// <summary>The README's chain, started by saving a file.</summary>
public sealed class WatchChainTests
{
    [Fact]
    public void Saving_a_file_under_watch_lints_tests_and_notifies()
    {
        using var box = Example();
        using var watch = box.Begin("watch");
        Eventually.Holds(
            () => watch.Out.Contains("Watching", StringComparison.Ordinal),
            "it watches"
        );

        box.Write("src/app.py", "print(1)\n");
        Eventually.Holds(() => box.Of("notify") is [{ IsFinished: true }], "the chain has ended");

        Assert.Equal("complete", Assert.Single(box.Of("lint")).Status);
        Assert.Equal("complete", Assert.Single(box.Of("test")).Status);
        var notify = box.Of("notify")[0];
        Assert.Equal("complete", notify.Status);
        Assert.Equal(
            ["saved", "task_success:lint", "task_finished:test"],
            notify.Texts("triggerChain")
        );
        Assert.Equal("task_finished:test\n", box.Log(notify.Id));
        Assert.Equal("1 files tested\n", box.Log(box.Of("test")[0].Id));

        box.Write("src/app.py", "print(1) # FIXME\n");
        Eventually.Holds(
            () => box.Of("notify") is [_, { IsFinished: true }],
            "the failure was told"
        );

        Assert.Equal("failed", box.Of("lint")[1].Status);
        Assert.Single(box.Of("test"));
        Assert.Equal("task_failed:lint\n", box.Log(box.Of("notify")[1].Id));
        Eventually.Holds(
            () => watch.Out.Contains("task_failed:lint (exit 1)", StringComparison.Ordinal),
            "it is told here too"
        );
        Processes.Signal(watch.Pid, Processes.Interrupt);
        var said = watch.End().Gives(130).Out;
        Assert.Contains("saved: src/app.py created; started lint", said, StringComparison.Ordinal);
        Assert.Contains("task_success:lint  started test", said, StringComparison.Ordinal);
        Assert.Contains(
            "task_failed:lint (exit 1)  started notify",
            said,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_readme_shows_the_example_as_it_is() =>
        Assert.Contains(
            File.ReadAllText(Path.Join(Binaries.Repository, "examples", "events.json")),
            File.ReadAllText(Path.Join(Binaries.Repository, "README.md")),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_burst_of_a_thousand_saves_gives_one_trailing_run_that_sees_the_last_state()
    {
        using var box = new Sandbox();
        box.Write(
            "agent-config.json",
            """{"watch": [{"paths": ["src/**"], "event": "saved", "debounceMs": 50}], "agents": {"job": {"command": "sh", "args": ["-c", "cat src/n >> 'SEEN'"], "triggers": ["saved"], "debounceMs": 4000, "debounceMode": "trailing"}}}""".Replace(
                "SEEN",
                Path.Join(box.Outside, "seen"),
                StringComparison.Ordinal
            )
        );
        box.Write("src/n", "0\n");
        using var watch = box.Begin("watch");
        Eventually.Holds(
            () => watch.Out.Contains("Watching", StringComparison.Ordinal),
            "it watches"
        );

        for (var i = 1; i <= 1000; i++)
        {
            File.WriteAllText(Path.Join(box.Folder, "src", "n"), $"{i}\n");
        }

        var seen = Path.Join(box.Outside, "seen");
        Eventually.Holds(() => File.Exists(seen), "it has run");
        box.Rests();
        Assert.Equal(["1000"], File.ReadAllLines(seen));
        Assert.Single(box.Tasks);
        Processes.Signal(watch.Pid, Processes.Interrupt);
        watch.End().Gives(130);
    }

    [Fact]
    public void A_change_of_the_configuration_counts_at_once()
    {
        using var box = Example();
        using var watch = box.Begin("watch");
        Eventually.Holds(
            () => watch.Out.Contains("Watching", StringComparison.Ordinal),
            "it watches"
        );
        box.Write(
            "agent-config.json",
            """{"watch": [{"paths": ["other/**"], "event": "changed"}], "agents": {"job": {"command": "true", "triggers": ["changed"]}}}"""
        );

        Eventually.Holds(
            () =>
            {
                box.Write("other/file", Guid.NewGuid().ToString());
                return box.Ids.Count > 0;
            },
            "the new rule counts"
        );

        Assert.All(box.Tasks, static t => Assert.Equal("job", t.Text("agent")));
        Processes.Signal(watch.Pid, Processes.Interrupt);
        watch.End().Gives(130);
    }

    private static Sandbox Example()
    {
        var box = new Sandbox();
        box.Write(
            "agent-config.json",
            File.ReadAllText(Path.Join(Binaries.Repository, "examples", "events.json"))
        );
        return box;
    }
}
