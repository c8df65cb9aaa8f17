namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// The folder is shared with another pid namespace and another host name, as with a container: what runs
/// there is told, never judged and never signalled.
/// </summary>
public sealed class OtherMachineTests
{
    public static TheoryData<string> Verbs =>
        [
            "status",
            "status --json",
            "run",
            "run --parallel 4",
            "doctor",
            "doctor --fix",
            "cancel --all",
            "clean all -y",
            "show $ID",
            "timeout extend $ID 60",
        ];

    /// <summary>The supervisor lives: it is asked, by files, and answers from where it is.</summary>
    [NeedsTheory(Machine.PidNamespace)]
    [Trait("Fault", "F11")]
    [MemberData(nameof(Verbs))]
    public void What_is_supervised_elsewhere_is_asked_and_not_signalled(string verb) =>
        Fault.Inject(
            "F11",
            fault =>
            {
                using var box = new Sandbox();
                var id = box.RunInBackground(box.Journal.Around("sleep 300"), "--timeout", "1000");
                Eventually.Holds(() => box.ProcessesOf(id).Count >= 2, "the agent runs");
                var agents = box.ProcessesOf(id);

                Elsewhere(box, verb.Replace("$ID", id, StringComparison.Ordinal)).Gives(0, 1);
                fault.Injected();

                if (verb.StartsWith("cancel", StringComparison.Ordinal))
                {
                    Assert.Equal("cancelled", box.Ended(id).Status);
                }
                else
                {
                    Assert.Equal("running", box.Task(id).Status);
                    Assert.All(agents, static p => Assert.True(Processes.IsAlive(p)));
                }

                box.Journal.ShowsNoSecondStart();
            }
        );

    /// <summary>Its supervisor was killed: whoever cannot see the agent must not judge it.</summary>
    [NeedsTheory(Machine.PidNamespace)]
    [Trait("Fault", "F11")]
    [InlineData("status")]
    [InlineData("run --parallel 4")]
    [InlineData("doctor --fix")]
    [InlineData("status --all --json")]
    public void An_agent_that_lost_its_supervisor_elsewhere_is_left_to_those_who_see_it(
        string verb
    ) =>
        Fault.Inject(
            "F11",
            fault =>
            {
                using var box = new Sandbox();
                var id = box.RunInBackground(box.Journal.Around("sleep 300"));
                Eventually.Holds(() => box.ProcessesOf(id).Count >= 2, "the agent runs");
                Eventually.Holds(
                    () => File.Exists(box.PathOf("run", id, ".run")),
                    "it is recorded"
                );
                box.KillAtOnce(box.SupervisorOf(id));
                var agents = box.ProcessesOf(id);

                Elsewhere(box, verb).Gives(0, 1);
                fault.Injected();

                Assert.Equal("running", box.Task(id).Status);
                Assert.All(agents, static p => Assert.True(Processes.IsAlive(p)));
                box.Run("status").Gives(0);
                Assert.Equal("lost", box.Task(id).Reason);
                Assert.Empty(box.ProcessesOf(id));
            }
        );

    private static Outcome Elsewhere(Sandbox box, string verb) =>
        box.Sh(
            "exec unshare --pid --fork --mount-proc --uts "
                + $"sh -c 'hostname elsewhere; agentq {verb}; code=$?; exit $code'"
        );
}
