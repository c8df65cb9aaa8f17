namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// A queue or a configuration that somebody else may have filled is not worked with: one sentence, the way
/// through, and nothing run or changed. What belongs to root is as good as one's own.
/// </summary>
public sealed class ForeignFolderTests
{
    // As each is found, with what makes it good again.
    private static readonly (string What, string Foreign)[] s_owners =
    [
        ("the queue is another user's", "chown 12345 .agents"),
        ("the tasks are", "chown 12345 .agents/tasks"),
        ("the private folder is", "chown 12345 .agents/run"),
        ("the configuration is", "chown 12345 agent-config.json"),
        (
            "the queue is a link to another user's",
            "mv .agents ../outside/q; chown 12345 ../outside/q; ln -s ../outside/q .agents"
        ),
        (
            "the link is another user's",
            "mv .agents ../outside/q; ln -s ../outside/q .agents; chown -h 12345 .agents"
        ),
        ("a new queue in another user's folder", "rm -r .agents agent-config.json; chown 12345 ."),
    ];

    private static readonly (string What, string Foreign)[] s_modes =
    [
        ("everybody may write the queue", "chmod o+w .agents"),
        ("everybody may write the queue, sticky", "chmod 1777 .agents"),
        ("everybody may write the tasks", "chmod o+w .agents/tasks"),
        ("everybody may write the private folder", "chmod o+w .agents/run"),
        ("everybody may write the configuration", "chmod o+w agent-config.json"),
        (
            "the queue leads to where everybody may write",
            "mv .agents ../outside/q; chmod o+w ../outside/q; ln -s ../outside/q .agents"
        ),
        (
            "a new queue where everybody may replace it",
            "rm -r .agents agent-config.json; chmod 777 ."
        ),
    ];

    private static readonly string[] s_verbs =
    [
        "start shell evil",
        "run",
        "start shell evil --wait",
        "start shell evil --run",
    ];

    [Needs(Machine.Root)]
    [Trait("Fault", "S2")]
    public void What_belongs_to_another_user_is_not_worked_with() =>
        Fault.Inject("S2", fault => Refuse(s_owners, fault, "12345", "AGENTQ_TRUST="));

    [Fact]
    [Trait("Fault", "S2")]
    public void What_everybody_may_write_is_not_worked_with() =>
        Fault.Inject("S2", fault => Refuse(s_modes, fault, "Everybody", "chmod o-w"));

    private static void Refuse(
        (string What, string Foreign)[] cases,
        Fault fault,
        string reason,
        string way
    )
    {
        foreach (var (what, foreign) in cases)
        {
            using var box = Project();
            box.Sh(foreign).Gives(0);
            var before = box.Picture();
            foreach (var verb in s_verbs)
            {
                fault.Injected();
                var outcome = box.Run(verb.Split(' '));
                Assert.True(outcome.Code == 1, $"{what}: {outcome}");
                BadInputTests.SaysOneSentence(outcome);
                Assert.Contains(reason, outcome.Err, StringComparison.Ordinal);
                Assert.Contains(way, outcome.Err, StringComparison.Ordinal);
            }

            var doctor = box.Run("doctor");
            Assert.True(doctor.Code == 1, $"{what}: {doctor}");
            Assert.Contains(reason, doctor.Out, StringComparison.Ordinal);
            box.Run("doctor", "--fix").Gives(1);
            Assert.Equal(before, box.Picture());
            Assert.False(File.Exists(Path.Join(box.Outside, "ran")), $"{what}: it was run");

            // Whoever decides to trust it may.
            box.Environment["AGENTQ_TRUST"] = "/nowhere:" + box.Folder;
            box.Run("start", "shell", "true", "--quiet").Gives(0);
            box.Run("run", "--drain", "--wait").Gives(0);
            box.Environment["AGENTQ_TRUST"] = "*";
            box.Run("status").Gives(0);
        }
    }

    [Theory]
    [InlineData("umask 0002; mkdir -m 775 .agents")]
    [InlineData("chmod 2775 .; mkdir -m 2775 .agents")]
    [InlineData("chmod 1777 .")]
    [InlineData("mkdir ../outside/q; ln -s ../outside/q .agents")]
    [InlineData(
        "mkdir ../outside/c; echo '{}' > ../outside/c/agent-config.json; ln -s ../outside/c/agent-config.json ."
    )]
    public void What_people_do_works_as_it_did(string setup)
    {
        using var box = new Sandbox();
        box.Sh(setup).Gives(0);

        var id = box.Enqueue("true");
        box.Run("run", "--wait").Gives(0);

        Assert.Equal("complete", box.Task(id).Status);
    }

    [Needs(Machine.Root)]
    public void With_sudo_the_callers_own_project_is_their_own()
    {
        using var box = Project();
        box.Sh("chown -R 12345 .").Gives(0);
        box.Environment["SUDO_UID"] = "12345";

        box.Run("run", "--wait").Gives(0);

        box.Environment["SUDO_UID"] = "12346";
        box.Run("run", "--wait").Gives(1);
    }

    private static Sandbox Project()
    {
        var box = new Sandbox();
        box.Write("agent-config.json", "{}");
        box.Enqueue("echo ran > ../outside/ran");
        return box;
    }
}
