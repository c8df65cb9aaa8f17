namespace AgentQueue.EndToEnd;

/// <summary>What starts when: priority, age, dependencies, holds, an agent's own limit.</summary>
public sealed class OrderTests
{
    [Fact]
    public void Higher_priorities_first_then_the_older_ones()
    {
        using var box = new Sandbox();
        var command = box.Journal.Around("true");
        var low = box.Enqueue(command, "--priority", "1");
        var first = box.Enqueue(command);
        var second = box.Enqueue(command);
        var high = box.Enqueue(command, "--priority", "10");

        box.Run("run", "--drain", "--parallel", "1", "--wait").Gives(0);

        Assert.Equal([high, first, second, low], box.Journal.Starts);
    }

    [Fact]
    public void A_named_task_goes_before_all_others()
    {
        using var box = new Sandbox();
        var command = box.Journal.Around("true");
        box.Enqueue(command, "--priority", "10");
        var named = box.Enqueue(command, "--priority", "1");

        box.Run("run", named, "--wait").Gives(0);

        Assert.Equal([named], box.Journal.Starts);
    }

    [Fact]
    public void A_dependant_waits_and_starts_after_all_it_depends_on()
    {
        using var box = new Sandbox();
        var command = box.Journal.Around("sleep 0.1");
        var a = box.Enqueue(command);
        var b = box.Enqueue(command);
        var c = box.Enqueue(command, "--depends-on", $"{a},{b}", "--priority", "10");
        box.Run("run", c).Gives(1);
        Assert.Equal("pending", box.Task(c).Status);

        box.Run("run", "--drain", "--parallel", "3", "--wait").Gives(0);

        Assert.Equal(c, box.Journal.Starts.Last());
        Assert.True(box.Task(c).StartedAt >= box.Task(a).CompletedAt);
        Assert.True(box.Task(c).StartedAt >= box.Task(b).CompletedAt);
    }

    [Fact]
    public void What_waits_for_a_failure_or_for_any_end_starts_after_just_that()
    {
        using var box = new Sandbox();
        var command = box.Journal.Around("true");
        var good = box.Enqueue(box.Journal.Around("true"));
        var bad = box.Enqueue(box.Journal.Around("exit 1"));
        var mends = box.Enqueue(command, "--after", $"afternotok:{bad}");
        var tidies = box.Enqueue(command, "--after", $"afterany:{bad}:{good}");
        var idles = box.Enqueue(command, "--after", $"afternotok:{good}");

        box.Run("run", "--drain", "--parallel", "2", "--wait").Gives(3);

        Assert.Equal("complete", box.Task(mends).Status);
        Assert.Equal("complete", box.Task(tidies).Status);
        Assert.True(box.Task(mends).StartedAt >= box.Task(bad).CompletedAt);
        Assert.True(box.Task(tidies).StartedAt >= box.Task(bad).CompletedAt);
        Assert.True(box.Task(tidies).StartedAt >= box.Task(good).CompletedAt);
        Assert.Equal("pending", box.Task(idles).Status);
        Assert.Contains(
            $"afternotok:{good}",
            box.Run("show", idles).Gives(0).Out,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "completed",
            box.Task(idles).Text("blockedReason"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void What_waits_for_a_failure_in_vain_is_told_so_in_words_that_hold_for_it()
    {
        using var box = new Sandbox();
        var good = box.Enqueue("true");
        box.Run("run", "--drain", "--wait").Gives(0);

        var started = box.Run("start", "shell", "true", "--after", $"afternotok:{good}").Gives(0);
        var idles = box.Ids.Single(id => id != good);
        Assert.Contains(
            $"{idles} cannot start as things are: Dependency {good} completed",
            started.Err,
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"1 pending task depends on what was removed and can no longer start: {idles}",
            box.Run("clean", good).Gives(0).Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_kind_that_there_is_not_or_a_task_named_twice_is_refused()
    {
        using var box = new Sandbox();
        var a = box.Enqueue("true");
        foreach (
            var after in new[] { "afterwards:" + a, "afterany", "afterany:", a, "afterany:none" }
        )
        {
            box.Run("start", "shell", "true", "--after", after).Gives(1, 2);
        }

        box.Run("start", "shell", "true", "--after", "afterany:" + a, "--depends-on", a).Gives(2);
        Assert.Equal([a], box.Ids);
    }

    [Fact]
    public void What_depends_on_a_failure_stays_and_says_why()
    {
        using var box = new Sandbox();
        var bad = box.Enqueue("exit 1");
        var after = box.Enqueue(box.Journal.Around("true"), "--depends-on", bad);

        box.Run("run", "--drain", "--wait").Gives(3);
        box.Run("status").Gives(0);

        Assert.Equal("pending", box.Task(after).Status);
        Assert.Equal(bad, box.Task(after).BlockedBy);
        Assert.Empty(box.Journal.Starts);
    }

    [Fact]
    public void Dependencies_are_added_removed_and_never_form_a_cycle()
    {
        using var box = new Sandbox();
        var a = box.Enqueue("true");
        var b = box.Enqueue("true", "--depends-on", a);
        var before = box.Picture();

        Assert.Contains(
            "cycle",
            box.Run("deps", "add", a, b).Gives(1, 2).Err,
            StringComparison.Ordinal
        );
        box.Run("deps", "add", a, a).Gives(1, 2);
        box.Run("deps", "add", a, "nosuch").Gives(1);
        Assert.Equal(before, box.Picture());

        box.Run("deps", "validate").Gives(0);
        Assert.Contains(a, box.Run("deps", "graph").Gives(0).Out, StringComparison.Ordinal);
        Assert.Contains(
            "graph",
            box.Run("deps", "graph", "--format", "mermaid").Gives(0).Out,
            StringComparison.Ordinal
        );
        box.Run("deps", "remove", b, a).Gives(0);
        Assert.Empty(box.Task(b).Texts("dependsOn"));
        box.Run("deps", "add", a, b).Gives(0);
        Assert.Equal([b], box.Task(a).Texts("dependsOn"));
    }

    [Fact]
    public void A_dependency_that_was_cleaned_after_it_completed_still_counts()
    {
        using var box = new Sandbox();
        var a = box.Enqueue("true");
        var b = box.Enqueue("true", "--depends-on", a);
        box.Run("run", a, "--wait").Gives(0);
        box.Run("clean", "completed", "-y").Gives(0);
        Assert.Equal([b], box.Ids);

        box.Run("run", b, "--wait").Gives(0);

        Assert.Equal("complete", box.Task(b).Status);
    }

    [Fact]
    public void A_held_task_starts_only_after_its_release()
    {
        using var box = new Sandbox();
        var id = box.Enqueue(box.Journal.Around("true"));
        box.Run("hold", id).Gives(0);
        box.Run("run", "--parallel", "3", "--wait").Gives(0);
        box.Run("run", id).Gives(1);
        Assert.Empty(box.Journal.Starts);

        box.Run("release", id).Gives(0);
        box.Run("run", "--wait").Gives(0);

        Assert.Equal([id], box.Journal.Starts);
    }

    [Fact]
    public void A_running_task_cannot_be_held()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("sleep 300");

        Assert.Contains("running", box.Run("hold", id).Gives(1).Err, StringComparison.Ordinal);
    }

    [Fact]
    public void An_agents_own_limit_holds_beside_the_general_one()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "single": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "{userPrompt}", "maxParallel": 1 }
            """
        );
        for (var i = 0; i < 4; i++)
        {
            box.Run("start", "single", box.Journal.Around("sleep 0.1"), "--quiet").Gives(0);
        }

        box.Run("run", "--drain", "--parallel", "4", "--wait").Gives(0);

        Assert.Equal(4, box.Journal.Starts.Count());
        Assert.Equal(1, box.Journal.MostAtOnce);
    }

    [Fact]
    public void A_dry_run_starts_nothing_and_shows_the_exact_command()
    {
        using var box = new Sandbox();
        box.Enqueue("echo 'it''s' > made");
        var before = box.Picture();

        var dry = box.Run("run", "--dry-run").Gives(0);

        Assert.Contains("/bin/sh -c", dry.Out, StringComparison.Ordinal);
        Assert.Equal(before, box.Picture());
    }
}
