namespace AgentQueue.EndToEnd;

/// <summary>What a careless parent hands on: works all the same, or is refused clearly.</summary>
public sealed class RubbishTests
{
    [Theory]
    [InlineData("stdin closed", "0<&-")]
    [InlineData("stderr closed", "2>&-")]
    [InlineData("stdin and stderr closed", "0<&- 2>&-")]
    [InlineData("descriptors left open", "3</dev/zero 4</dev/zero 5</dev/zero 9</dev/zero")]
    [InlineData("descriptors 3 and 4 open for writing", "3>>../outside/three 4>>../outside/four")]
    public void Odd_descriptors(string what, string redirections)
    {
        using var box = new Sandbox();

        var outcome = box.Sh(
            $"id=$(agentq start shell 'echo ok' --quiet {redirections}) && agentq run --wait {redirections} && echo $id"
        );

        Assert.True(outcome.Code == 0, $"{what}: {outcome}");
        var id = outcome.Lines[^1];
        Assert.Equal("complete", box.Task(id).Status);
        Assert.Equal("ok\n", box.Log(id));
        foreach (var name in new[] { "three", "four" })
        {
            var file = new FileInfo(Path.Join(box.Outside, name));
            Assert.True(!file.Exists || file.Length == 0, $"something was written into {name}");
        }
    }

    [Fact]
    public void With_stdout_closed_nothing_is_printed_into_a_task()
    {
        using var box = new Sandbox();

        box.Sh(
            "agentq start shell 'echo ok' >&-; agentq start shell 'echo ok' --run >&- 2>&-; agentq status >&-"
        );

        Assert.All(box.Tasks, static t => Assert.Equal("echo ok", t.Text("prompt")));
        box.Run("run", "--drain", "--wait").Gives(0);
        Assert.Equal(2, box.Ids.Count);
        Assert.All(box.Ids, id => Assert.Equal("ok\n", box.Log(id)));
    }

    [Theory]
    [InlineData("unset HOME")]
    [InlineData("HOME=/nonexistent; export HOME")]
    [InlineData("TERM=dumb; export TERM")]
    [InlineData("unset TERM PATH_EXTRA LANG; LC_ALL=xx_YY.nonsense; export LC_ALL")]
    [InlineData("umask 0")]
    [InlineData("umask 0777")]
    [InlineData("trap '' INT HUP PIPE CHLD")]
    [InlineData("TMPDIR=/nonexistent; export TMPDIR")]
    [InlineData("ulimit -n 64")]
    public void An_odd_shell(string setup)
    {
        using var box = new Sandbox();

        var outcome = box.Sh($"{setup}; agentq start shell 'echo ok' --quiet && agentq run --wait")
            .Gives(0);

        var id = outcome.Lines[0];
        Assert.Equal("complete", box.Task(id).Status);
        Assert.Equal("ok\n", box.Log(id));
    }

    [Fact]
    public void A_current_folder_that_is_gone_is_refused_clearly_and_root_helps()
    {
        using var box = new Sandbox();
        var outcome = box.Sh(
            "mkdir gone && cd gone && rmdir ../gone && { agentq start shell x; echo $?; agentq start shell x --root .. ; echo $?; }"
        );

        Assert.StartsWith("1\n", outcome.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", outcome.Err, StringComparison.Ordinal);

        box.Sh(
                $"mkdir gone && cd gone && rmdir ../gone && agentq start shell true --wait --root {box.Folder}"
            )
            .Gives(0, 1);
    }

    [Fact]
    public void No_colour_and_no_terminal_means_no_escape_sequences()
    {
        using var box = new Sandbox();
        box.Enqueue("exit 1");
        box.Run("run", "--wait").Gives(3);

        foreach (var verb in new[] { "status", "--help", "start --help", "frobnicate" })
        {
            var outcome = box.Run(verb.Split(' '));
            Assert.DoesNotContain("\u001b", outcome.Out + outcome.Err, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_reader_that_goes_away_is_no_crash()
    {
        using var box = new Sandbox();
        ParallelRunTests.Batch(box, 300, "true");

        var outcome = box.Sh("agentq status --all | head -n 1; agentq --help | true").Gives(0);

        Assert.DoesNotContain("Exception", outcome.Err, StringComparison.Ordinal);
        Assert.DoesNotContain("bug", outcome.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void The_executable_may_be_replaced_while_tasks_run()
    {
        using var box = new Sandbox();
        var own = Path.Join(box.Bin, "own");
        File.Copy(Binaries.Agentq, own);
        var gate = Path.Join(box.Outside, "gate");
        var next = box.Enqueue("echo next", "--hold");
        var id = box.Sh(
                $"{own} start shell 'until test -e {gate}; do sleep 0.05; done' --quiet && {own} run --drain --parallel 1"
            )
            .Gives(0)
            .Lines[0];
        box.Run("release", next).Gives(0);

        File.Delete(own);
        File.WriteAllText(own, "not a program");
        File.WriteAllText(gate, "");

        Assert.Equal("complete", box.Ended(id).Status);
        Assert.Equal("complete", box.Ended(next).Status);
    }
}
