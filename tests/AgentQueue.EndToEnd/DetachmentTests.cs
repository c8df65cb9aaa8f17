namespace AgentQueue.EndToEnd;

/// <summary>Tasks do not hang on whoever started them: a shell, a pipe, a terminal, another task.</summary>
public sealed class DetachmentTests
{
    [Fact]
    public void A_command_substitution_returns_at_once_with_the_id()
    {
        using var box = new Sandbox();

        var shell = box.Sh("id=$(agentq start shell 'sleep 300' --quiet --run); echo \"got $id\"")
            .Gives(0);

        var id = shell.Text.Split(' ')[1];
        // It has not waited for the task, which would take five minutes.
        Assert.Equal("running", box.Task(id).Status);
    }

    [Fact]
    public void A_pipe_behind_run_ends_at_once()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("sleep 300");

        var shell = box.Sh("agentq run 2>&1 | cat").Gives(0);

        Assert.Contains("started", shell.Out, StringComparison.Ordinal);
        Assert.Equal("running", box.Task(id).Status);
    }

    [Needs(Machine.Script)]
    [Trait("Fault", "F18")]
    public void The_terminal_may_close() =>
        Fault.Inject(
            "F18",
            fault =>
            {
                using var box = new Sandbox();
                fault.Injected();
                var gate = Path.Join(box.Outside, "gate");
                using var terminal = box.Program(
                    "/usr/bin/env",
                    null,
                    "script",
                    "-qefc",
                    $"agentq start shell 'until test -e {gate}; do sleep 0.05; done; echo through' --run; sleep 300",
                    "/dev/null"
                );
                Eventually.Holds(
                    () => box.Ids is [var only] && box.Task(only).Status == "running",
                    "the task runs"
                );
                var id = box.Ids[0];
                var sleeper = Eventually
                    .Gives(
                        () =>
                            box
                                .Mine.Where(static p => Processes.CommandLine(p) == "sleep 300")
                                .Select(static p => (int?)p)
                                .FirstOrDefault()
                                is { } p
                                ? new int[] { p }
                                : null,
                        "the shell in the terminal is there"
                    )
                    .Single();

                // The master of the terminal goes with it; the kernel hangs up on what runs there.
                box.KillAtOnce(terminal.Pid);
                Eventually.Holds(
                    () => !Processes.IsAlive(sleeper),
                    "the terminal's own commands are gone"
                );
                File.WriteAllText(gate, "");

                Assert.Equal("complete", box.Ended(id).Status);
                Assert.Contains("through", box.Log(id), StringComparison.Ordinal);
            }
        );

    [Fact]
    public void A_supervisor_ignores_a_hangup_and_holds_nothing_of_its_starter()
    {
        using var box = new Sandbox();
        var gate = Path.Join(box.Outside, "gate");
        var id = box.RunInBackground($"until test -e {gate}; do sleep 0.05; done");
        var supervisor = box.SupervisorOf(id);

        var standard = Enumerable
            .Range(0, 3)
            .Select(fd => new FileInfo($"/proc/{supervisor}/fd/{fd}").LinkTarget);
        Assert.All(standard, static target => Assert.Equal("/dev/null", target));

        Processes.Signal(supervisor, Processes.Hangup);
        File.WriteAllText(gate, "");
        Assert.Equal("complete", box.Ended(id).Status);
    }

    [Fact]
    public void A_nested_task_outlives_its_parent()
    {
        using var box = new Sandbox();
        var gate = Path.Join(box.Outside, "gate");
        var parent = box.RunInBackground(
            $"agentq start shell 'until test -e {gate}; do sleep 0.05; done; echo nested' --quiet --run > {box.Outside}/nested"
        );
        Assert.Equal("complete", box.Ended(parent).Status);
        var nested = File.ReadAllText(Path.Join(box.Outside, "nested")).Trim();

        Assert.Equal("running", box.Task(nested).Status);
        Assert.NotEmpty(box.ProcessesOf(nested));
        File.WriteAllText(gate, "");

        Assert.Equal("complete", box.Ended(nested).Status);
    }

    [Fact]
    public void A_nested_task_outlives_the_cancelling_of_its_parent()
    {
        using var box = new Sandbox();
        var parent = box.RunInBackground(
            $"agentq start shell 'sleep 300' --quiet --run > {box.Outside}/nested; sleep 300"
        );
        var file = Path.Join(box.Outside, "nested");
        Eventually.Holds(
            () => new FileInfo(file) is { Exists: true, Length: > 10 },
            "the nested task is there"
        );
        var nested = File.ReadAllText(file).Trim();
        // It is recorded as running a moment before its agent is started.
        Eventually.Holds(
            () => box.Task(nested).Status == "running" && box.ProcessesOf(nested).Count > 0,
            "the nested task runs"
        );

        box.Run("cancel", parent).Gives(0);

        Assert.Equal("cancelled", box.Task(parent).Status);
        Assert.Empty(box.ProcessesOf(parent));
        Assert.NotEmpty(box.ProcessesOf(nested));
        box.Run("status").Gives(0);
        Assert.Equal("running", box.Task(nested).Status);
    }

    [Fact]
    public void An_interrupted_wait_leaves_the_task_running()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("sleep 300");
        using var run = box.Begin("run", "--wait");
        Eventually.Holds(() => box.ProcessesOf(id).Count > 0, "it runs");

        Processes.Signal(run.Pid, 2);

        run.End().Gives(130);
        Assert.Equal("running", box.Task(id).Status);
        Assert.NotEmpty(box.ProcessesOf(id));
    }
}
