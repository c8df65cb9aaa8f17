using System.Text.RegularExpressions;

namespace AgentQueue.EndToEnd;

/// <summary>What people see before they install anything, and that nothing of it stays.</summary>
public sealed partial class DemoTests
{
    [Fact]
    public void The_session_is_told_in_its_order_with_the_ids_of_tasks_that_there_were()
    {
        using var box = Box();
        var outcome = box.Run("demo", "--agents").Gives(0);

        InOrder(
            outcome,
            "you: ",
            "agentq.list()",
            "agents: ",
            "agentq.start(agent: ",
            "agentq.wait(",
            "agentq.result(",
            "assistant: All of it is done:",
            "at the second try",
            "What was real: ",
            "What was not: the model",
            "agentq setup"
        );
        InOrder(
            outcome,
            "failed with code 1",
            "  ⎿ failed after ",
            "try again",
            "agentq.retry(",
            ", a retry of ",
            "  ⎿ complete after ",
            "All 2 tests passed"
        );
        var text = outcome.Out.ReplaceLineEndings(" ");
        var started = Values(text, StartedTask());
        Assert.Equal(4, started.Distinct().Count());
        Assert.Equal(started.Order(), Values(text, ReadTask()).Order());
        Assert.Equal(Values(text, RetryCall()), Values(text, RetriedTask()));
        Assert.All(Values(text, AnyTask()), id => Assert.Contains(id, started));
        Assert.DoesNotContain('\e', outcome.Out);
        Assert.Empty(outcome.Err);
        NothingIsLeft(box);
    }

    [Needs(Machine.Bash)]
    public void The_tour_is_told_in_its_order()
    {
        using var box = Box();
        var outcome = box.Run("demo").Gives(0);

        InOrder(
            outcome,
            "# A queue is a folder.",
            "$ agentq init",
            "# Three at once",
            "# A failure keeps its reason",
            "# A time limit",
            "# A task that fails once",
            "# And this is what became of them all."
        );
        Assert.DoesNotContain('\e', outcome.Out);
        Assert.Empty(outcome.Err);
        NothingIsLeft(box);
    }

    [Fact]
    public void Two_sessions_side_by_side_in_a_project_leave_it_and_each_other_alone()
    {
        using var box = Box();
        var id = box.Enqueue("true");
        // Temporary folders may lie in a project, and the caller may be in a queue.
        box.Environment["TMPDIR"] = Directory
            .CreateDirectory(Path.Join(box.Folder, "tmp"))
            .FullName;
        box.Environment["AGENTQ_ROOT"] = box.Folder;
        using var first = box.Begin("demo", "--agents");
        using var second = box.Begin("demo", "--agents");

        var one = Values(first.End().Gives(0).Out, StartedTask());
        var other = Values(second.End().Gives(0).Out, StartedTask());
        Assert.Equal((4, 4), (one.Count, other.Count));
        Assert.Empty(one.Intersect(other));
        Assert.Equal([id], box.Ids);
        Assert.Equal("pending", box.Task(id).Status);
        NothingIsLeft(box);
    }

    [NeedsTheory(Machine.Bash)]
    [InlineData("you: ", Processes.Interrupt, "demo", "--agents")]
    [InlineData(" is running", Processes.Interrupt, "demo", "--agents")]
    [InlineData("agentq.wait(", Processes.Term, "demo", "--agents")]
    [InlineData("agentq.wait(", Processes.Interrupt, "demo", "--agents")]
    [InlineData("agentq.retry(", Processes.Hangup, "demo", "--agents")]
    [InlineData("--name plums", Processes.Interrupt, "demo")]
    [InlineData("run --parallel 3", Processes.Term, "demo")]
    public void Ended_in_the_middle_it_leaves_nothing(
        string after,
        int signal,
        params string[] line
    )
    {
        using var box = Box();
        using var demo = box.Begin(line);
        Eventually.Holds(
            () => demo.HasEnded || demo.Out.Contains(after, StringComparison.Ordinal),
            $"it tells of '{after}'"
        );
        Processes.Signal(demo.Pid, signal);

        var outcome = demo.End().Gives(128 + signal);
        Assert.Empty(outcome.Err);
        NothingIsLeft(box);
    }

    [NeedsTheory(Machine.Script)]
    [InlineData("", "\e[1myou:\e[0m")]
    [InlineData("1", "you: The")]
    public void On_a_terminal_it_is_styled_unless_NO_COLOR_is_set_and_a_closed_one_ends_it(
        string noColor,
        string shown
    )
    {
        using var box = Box();
        box.Environment["TERM"] = "xterm";
        box.Environment["NO_COLOR"] = noColor;
        using (
            var terminal = box.Program(
                "/usr/bin/script",
                null,
                "-qec",
                "agentq demo --agents",
                "/dev/null"
            )
        )
        {
            Eventually.Holds(
                () => terminal.Out.Contains(shown, StringComparison.Ordinal),
                $"the terminal shows {shown}"
            );
            Assert.Equal(
                noColor.Length > 0,
                !terminal.Out.Contains('\e', StringComparison.Ordinal)
            );
        }

        NothingIsLeft(box);
    }

    [Fact]
    public void Where_there_is_no_bash_the_tour_says_so()
    {
        using var box = Box();
        box.Environment["PATH"] = box.Bin;
        if (Machine.Find("dotnet") is { } runtime)
        {
            // For a build that is not native.
            File.CreateSymbolicLink(Path.Join(box.Bin, "dotnet"), runtime);
        }

        Assert.Contains(
            "there is no bash here",
            box.Run("demo").Gives(1).Err,
            StringComparison.Ordinal
        );
    }

    private static Sandbox Box()
    {
        var box = new Sandbox();
        box.Environment["TMPDIR"] = Directory
            .CreateDirectory(Path.Join(box.Outside, "tmp"))
            .FullName;
        return box;
    }

    // What the runtime of a build that is not native keeps in TMPDIR is not ours.
    private static void NothingIsLeft(Sandbox box)
    {
        Eventually.Holds(() => box.Mine.Count == 0, "the last process has gone");
        var left = Directory
            .EnumerateFileSystemEntries(box.Environment["TMPDIR"])
            .Select(static p => Path.GetFileName(p))
            .ToList();
        left.RemoveAll(static n =>
            n.StartsWith("clr-debug-", StringComparison.Ordinal)
            || n.StartsWith("dotnet-diagnostic-", StringComparison.Ordinal)
        );
        Assert.Empty(left);
    }

    private static void InOrder(Outcome outcome, params string[] parts)
    {
        var at = 0;
        foreach (var part in parts)
        {
            var found = outcome.Out.IndexOf(part, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"'{part}' is not told in its place: {outcome}");
            at = found + part.Length;
        }
    }

    private static List<string> Values(string text, Regex pattern) =>
        [.. pattern.Matches(text).Select(static m => m.Groups[1].Value)];

    [GeneratedRegex(@"⎿ (task_\w+) is (?:running|pending)")]
    private static partial Regex StartedTask();

    [GeneratedRegex(@"agentq\.result\(task: (task_\w+)\)")]
    private static partial Regex ReadTask();

    [GeneratedRegex(@"agentq\.retry\(task: (task_\w+)\)")]
    private static partial Regex RetryCall();

    [GeneratedRegex(@"a retry of (task_\w+)")]
    private static partial Regex RetriedTask();

    [GeneratedRegex(@"\b(task_\w+)")]
    private static partial Regex AnyTask();
}
