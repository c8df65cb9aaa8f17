namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// What could be written a moment ago cannot be any more: the folder is read-only, belongs to somebody
/// else, or its file system is mounted read-only. A verb says which path, and what to do, and changes nothing.
/// </summary>
public sealed class LostPermissionTests
{
    private const int Nobody = 65534;

    private static readonly string[] s_verbs =
    [
        "start shell true --quiet",
        "run",
        "cancel $ID",
        "hold $ID",
        "retry $FAILED",
        "clean all -y",
        "config set parallel 5",
    ];

    private static readonly Dictionary<string, string> s_losses = new(StringComparer.Ordinal)
    {
        ["folders without the right to write"] =
            "chmod 0500 .agents .agents/tasks .agents/run .agents/plans .agents/logs",
        ["files and folders of root"] = "chown -R root:root .agents && chmod -R go+rX .agents",
        ["folders that cannot be entered"] = "chown -R root:root .agents && chmod 0700 .agents",
        ["a file system that is mounted read-only"] =
            "mount --bind . . && mount -o remount,bind,ro . && cd ../project",
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var loss in s_losses.Keys)
            {
                foreach (var verb in s_verbs)
                {
                    data.Add(loss, verb);
                }
            }

            return data;
        }
    }

    [NeedsTheory(Machine.Mounts, Machine.Root)]
    [Trait("Fault", "F15")]
    [MemberData(nameof(Cases))]
    public void It_says_what_it_may_not_and_changes_nothing(string loss, string verb) =>
        Fault.Inject(
            "F15",
            fault =>
            {
                using var box = new Sandbox();
                box.Run("init").Gives(0);
                var failed = box.Enqueue("exit 1");
                box.Run("run", "--wait").Gives(3);
                box.AllHaveLeft();
                var id = box.Enqueue("true");
                var before = box.Picture();
                var line = verb.Replace("$ID", id, StringComparison.Ordinal)
                    .Replace("$FAILED", failed, StringComparison.Ordinal);
                // Root is refused nothing, so somebody else tries it.
                box.Sh($"chmod 0755 .. && chown -R {Nobody}:{Nobody} .").Gives(0);

                var outcome = box.Sh(
                    $"exec unshare --mount sh -c '{s_losses[loss]} && exec setpriv --reuid {Nobody} --regid {Nobody} --clear-groups agentq {line}'"
                );
                fault.Injected();

                outcome.Gives(1);
                Assert.Matches(
                    "(?m)^agentq: .*(Permission denied|Read-only file system|denied)",
                    outcome.Err
                );
                Assert.Contains(".agents", outcome.Err, StringComparison.Ordinal);
                Assert.Contains("hint: ", outcome.Err, StringComparison.Ordinal);
                Assert.DoesNotContain("   at ", outcome.Err, StringComparison.Ordinal);
                Assert.Equal(before, box.Picture());
            }
        );

    [NeedsTheory(Machine.Mounts, Machine.Root)]
    [Trait("Fault", "F15")]
    [InlineData("folders without the right to write")]
    [InlineData("a file system that is mounted read-only")]
    public void Looking_is_still_possible(string loss) =>
        Fault.Inject(
            "F15",
            fault =>
            {
                using var box = new Sandbox();
                box.Run("init").Gives(0);
                var id = box.Enqueue("true");
                box.Sh($"chmod 0755 .. && chown -R {Nobody}:{Nobody} .").Gives(0);

                foreach (var verb in new[] { "status", "show " + id, "status --json" })
                {
                    box.Sh(
                            $"exec unshare --mount sh -c '{s_losses[loss]} && exec setpriv --reuid {Nobody} --regid {Nobody} --clear-groups agentq {verb}'"
                        )
                        .Gives(0);
                    fault.Injected();
                }
            }
        );
}
