namespace AgentQueue.EndToEnd.Faults;

/// <summary>What a careless parent hands on: works all the same, or is refused clearly.</summary>
public sealed class RubbishTests
{
    [Theory]
    [InlineData("stdin closed", "0<&-")]
    [InlineData("stderr closed", "2>&-")]
    [InlineData("stdin and stderr closed", "0<&- 2>&-")]
    [InlineData("descriptors left open", "3</dev/zero 4</dev/zero 5</dev/zero 9</dev/zero")]
    [InlineData(
        "descriptors 3 to 50 left open",
        "3<. 4<. 5<. 6<. 7<. 8<. 9<. 10<. 11<. 12<. 13<. 14<. 15<. 16<. 17<. 18<. 19<. 20<. 21<. 22<. 23<. 24<. 25<. 26<. 27<. 28<. 29<. 30<. 31<. 32<. 33<. 34<. 35<. 36<. 37<. 38<. 39<. 40<. 41<. 42<. 43<. 44<. 45<. 46<. 47<. 48<. 49<. 50<.",
        "bash"
    )]
    [InlineData("descriptors 3 and 4 open for writing", "3>>../outside/three 4>>../outside/four")]
    [Trait("Fault", "F17")]
    public void Odd_descriptors(string what, string redirections, string shell = "sh") =>
        Fault.Inject(
            "F17",
            fault =>
            {
                using var box = new Sandbox();
                fault.Injected();

                box.Environment["SCRIPT"] =
                    $"id=$(agentq start shell 'echo ok; ls /proc/$$/fd' --quiet {redirections}) && agentq run --wait {redirections} && echo $id";
                var outcome = box.Sh($"exec {shell} -c \"$SCRIPT\"");

                Assert.True(outcome.Code == 0, $"{what}: {outcome}");
                var id = outcome.Lines[^1];
                Assert.Equal("complete", box.Task(id).Status);
                Assert.Equal("ok\n0\n1\n2\n3\n", box.Log(id));
                foreach (var name in new[] { "three", "four" })
                {
                    var file = new FileInfo(Path.Join(box.Outside, name));
                    Assert.True(
                        !file.Exists || file.Length == 0,
                        $"something was written into {name}"
                    );
                }
            }
        );

    [Fact]
    [Trait("Fault", "F17")]
    public void With_stdout_closed_nothing_is_printed_into_a_task() =>
        Fault.Inject(
            "F17",
            fault =>
            {
                using var box = new Sandbox();
                fault.Injected();

                box.Sh(
                    "agentq start shell 'echo ok' >&-; agentq start shell 'echo ok' --run >&- 2>&-; agentq status >&-"
                );

                Assert.All(box.Tasks, static t => Assert.Equal("echo ok", t.Text("prompt")));
                box.Run("run", "--drain", "--wait").Gives(0);
                Assert.Equal(2, box.Ids.Count);
                Assert.All(box.Ids, id => Assert.Equal("ok\n", box.Log(id)));
            }
        );

    [Theory]
    [InlineData("unset HOME")]
    [InlineData("HOME=/nonexistent; export HOME")]
    [InlineData("TERM=dumb; export TERM")]
    [InlineData("unset TERM PATH_EXTRA LANG; LC_ALL=xx_YY.nonsense; export LC_ALL")]
    [InlineData("umask 0")]
    [InlineData("umask 0777")]
    [InlineData("trap '' INT HUP PIPE CHLD")]
    [InlineData("TMPDIR=/nonexistent; export TMPDIR")]
    [InlineData("LANG=tr_TR.ISO-8859-9 LC_ALL=; export LANG LC_ALL")]
    [InlineData("ulimit -n 64")]
    [InlineData(
        "DOTNET_SYSTEM_IO_DISABLEFILELOCKING=1; export DOTNET_SYSTEM_IO_DISABLEFILELOCKING"
    )]
    [InlineData(
        "DOTNET_gcServer=1 DOTNET_EnableDiagnostics=1; export DOTNET_gcServer DOTNET_EnableDiagnostics"
    )]
    [Trait("Fault", "F17")]
    public void An_odd_shell(string setup) =>
        Fault.Inject(
            "F17",
            fault =>
            {
                using var box = new Sandbox();
                fault.Injected();

                var outcome = box.Sh(
                        $"{setup}; agentq start shell 'echo ok' --quiet && agentq run --wait"
                    )
                    .Gives(0);

                var id = outcome.Lines[0];
                Assert.Equal("complete", box.Task(id).Status);
                Assert.Equal("ok\n", box.Log(id));
            }
        );

    [Fact]
    [Trait("Fault", "F17")]
    public void A_current_folder_that_is_gone_is_refused_clearly_and_root_helps() =>
        Fault.Inject(
            "F17",
            fault =>
            {
                using var box = new Sandbox();
                fault.Injected();
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
        );

    [Needs(Machine.SignalMasks)]
    [Trait("Fault", "F17")]
    public void All_signals_blocked_or_ignored_do_not_reach_the_agent() =>
        Fault.Inject(
            "F17",
            fault =>
            {
                foreach (
                    var mask in new[]
                    {
                        "--block-signal",
                        "--ignore-signal",
                        "--block-signal --ignore-signal=CHLD",
                    }
                )
                {
                    using var box = new Sandbox();
                    var id = box.Sh(
                            $"env {mask} agentq start shell 'cat /proc/self/status; kill -TERM $$; sleep 300' --quiet"
                        )
                        .Gives(0)
                        .Text;
                    box.Sh($"env {mask} agentq run --wait").Gives(3);
                    fault.Injected();

                    Assert.Equal(143, box.Task(id).ExitCode);
                    foreach (var field in new[] { "SigIgn:", "SigBlk:" })
                    {
                        var line = box.Log(id)
                            .Split('\n')
                            .First(l => l.StartsWith(field, StringComparison.Ordinal));
                        // Signals 32 and 33 are the C library's own.
                        Assert.Equal(0UL, Convert.ToUInt64(line[8..].Trim(), 16) & ~(3UL << 31));
                    }

                    box.LeaveNothingRunning();
                }
            }
        );

    [Needs(Machine.Mounts)]
    [Trait("Fault", "F17")]
    public void Without_proc_it_works_or_says_what_it_misses() =>
        Fault.Inject(
            "F17",
            fault =>
            {
                using var box = new Sandbox();
                var outcome = box.Sh(
                    "exec unshare --mount sh -c 'mount -t tmpfs tmpfs /proc; agentq start shell \"echo ok; exit 5\" --quiet; agentq run --wait; echo code $?; agentq status'"
                );
                fault.Injected();

                Assert.DoesNotContain("bug", outcome.Err, StringComparison.OrdinalIgnoreCase);
                Assert.DoesNotContain("   at ", outcome.Err, StringComparison.Ordinal);
                var id = Assert.Single(box.Ids);
                var task = box.Task(id);
                Assert.True(
                    task.ExitCode == 5 || (outcome.Err.Length > 0 && task.Status != "complete"),
                    outcome.ToString()
                );
                box.Run("status").Gives(0);
                box.LeaveNothingRunning();
            }
        );

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
        // By another process: what this one has open for writing, whoever it forks meanwhile has open too, and then
        // it cannot be executed.
        box.Sh($"cp '{Binaries.Agentq}' '{own}'").Gives(0);
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
