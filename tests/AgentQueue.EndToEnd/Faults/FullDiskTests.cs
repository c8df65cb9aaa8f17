using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// The disk is full, or its inodes are used up, with room for so many more pages or files: nothing that
/// was accepted is lost, no file is half, everything is said, and looking and cancelling still work.
/// </summary>
/// <remarks>
/// The disk is a small file system in a mount namespace, so each round is a script inside it; the files are
/// copied out and looked at here.
/// </remarks>
public sealed class FullDiskTests(ITestOutputHelper output)
{
    private const string Tmpfs = "mount -t tmpfs -o size=256k,nr_inodes=80 tmpfs ../disk";
    private const string Ext4 =
        "truncate -s 8M ../outside/image && mkfs.ext4 -q -F -O ^has_journal -N 96 ../outside/image && mount -o loop ../outside/image ../disk";

    private const string Noted =
        "echo start $AGENTQ_TASK_ID >> $NOTES; true; echo stop $AGENTQ_TASK_ID >> $NOTES";

    // The verb, and what it is given while there is room. QUICK ends at once, $id is the newest task.
    private static readonly Dictionary<string, string> s_before = new(StringComparer.Ordinal)
    {
        ["start shell QUICK --quiet"] = ":",
        ["start --batch ../../outside/batch.jsonl"] = ":",
        ["run --parallel 2"] = "agentq start shell QUICK --quiet; agentq start shell QUICK --quiet",
        ["run --drain --parallel 1"] =
            "agentq start shell QUICK --quiet; agentq start shell QUICK --quiet",
        ["retry $id --run"] = "id=$(agentq start shell 'exit 3' --quiet --wait)",
        ["cancel $id"] = "id=$(agentq start shell QUICK --quiet)",
        ["cancel --all"] =
            "id=$(agentq start shell 'exec sleep 300' --quiet --run); agentq start shell QUICK --quiet",
        ["timeout $id"] = "id=$(agentq start shell 'exec sleep 300' --quiet --run)",
        ["timeout extend $id 60"] =
            "id=$(agentq start shell 'exec sleep 300' --quiet --run --timeout 1000)",
        ["hold $id"] = "id=$(agentq start shell QUICK --quiet)",
        ["clean all -y"] = "agentq start shell true --quiet --wait",
        ["config set parallel 5"] = "id=$(agentq start shell QUICK --quiet)",
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var verb in s_before.Keys)
            {
                data.Add(verb, "pages");
                data.Add(verb, "inodes");
            }

            return data;
        }
    }

    [NeedsTheory(Machine.Mounts)]
    [Trait("Fault", "F12")]
    [MemberData(nameof(Cases))]
    public void With_room_for_so_little_more_it_loses_nothing(string verb, string what) =>
        Fault.Inject("F12", fault => FillUp(verb, what, Tmpfs, fault));

    [NeedsTheory(Machine.LoopMounts)]
    [Trait("Fault", "F12")]
    [InlineData("start shell QUICK --quiet", "pages")]
    [InlineData("run --parallel 2", "pages")]
    [InlineData("cancel --all", "pages")]
    [InlineData("cancel --all", "inodes")]
    public void A_real_file_system_that_is_full_loses_nothing_either(string verb, string what) =>
        Fault.Inject("F12", fault => FillUp(verb, what, Ext4, fault));

    private void FillUp(string verb, string what, string mount, Fault fault)
    {
        using var box = new Sandbox();
        var most = Fault.Count(8, 40);
        var notes = Path.Join(box.Outside, "journal");
        box.Environment["NOTES"] = notes;
        box.Environment["QUICK"] = Noted;
        var line = JsonSerializer.Serialize(new { agent = "shell", prompt = Noted });
        File.WriteAllText(Path.Join(box.Outside, "batch.jsonl"), $"{line}\n{line}\n{line}\n");
        box.Write(
            "round.sh",
            $$"""
            {{mount}} || exit 1
            fill() {
              if [ {{what}} = pages ]; then
                dd if=/dev/zero of=../fill bs=4k 2>/dev/null
                truncate -s $(($(stat -c %s ../fill) - $1 * 4096)) ../fill
              else
                mkdir ../many
                n=0
                while touch ../many/$n 2>/dev/null; do n=$((n + 1)); done
                m=0
                while [ $m -lt $1 ] && [ $n -gt 0 ]; do n=$((n - 1)); m=$((m + 1)); rm ../many/$n; done
              fi
            }
            k=0
            while [ $k -lt {{most}} ]; do
              to=$PWD/../outside/$k
              mkdir $to
              mkdir ../disk/$k
              cd ../disk/$k
              agentq init >/dev/null
              { {{s_before[verb].Replace(
                "QUICK",
                "\"$QUICK\"",
                StringComparison.Ordinal
            )}}; } >/dev/null
              ls .agents/tasks/*.json 2>/dev/null >$to/before
              fill $k
              agentq {{verb.Replace(
                "QUICK",
                "\"$QUICK\"",
                StringComparison.Ordinal
            )}} >$to/out 2>$to/err
              echo $? >$to/code
              agentq status --all --format ids >$to/status 2>$to/status.err
              echo $? >$to/status.code
              agentq cancel --all >$to/cancel 2>$to/cancel.err
              pgrep -f 'sleep 300' -a >$to/left
              rm -rf ../fill ../many
              agentq release $(cd .agents/tasks && ls *.json 2>/dev/null | sed 's/.json$//') >/dev/null 2>&1
              agentq run --drain --wait >$to/drain 2>&1
              echo $? >$to/drain.code
              agentq status --all --format ids >$to/final 2>$to/final.err
              cp -a .agents $to/agents
              cd ../../project
              rm -rf ../disk/$k
              k=$((k + 1))
            done
            """
        );

        Directory.CreateDirectory(Path.Join(box.Folder, "..", "disk"));
        box.Sh("exec unshare --mount --pid --fork --mount-proc sh round.sh", 60 + (most * 10))
            .Gives(0);

        var refused = 0;
        for (var k = 0; k < most; k++)
        {
            var folder = Path.Join(box.Outside, k.ToString(CultureInfo.InvariantCulture));
            try
            {
                refused += Check(verb, folder) ? 1 : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException(
                    $"with room for {k} {what}: {e.Message}\n"
                        + string.Join(
                            '\n',
                            Directory
                                .EnumerateFiles(folder)
                                .Order(StringComparer.Ordinal)
                                .Select(static f =>
                                    $"--- {Path.GetFileName(f)}\n{File.ReadAllText(f)}"
                                )
                        ),
                    e
                );
            }

            fault.Injected();
        }

        box.Journal.ShowsNoSecondStart();
        output.WriteLine($"{refused} of {most} were refused");
    }

    /// <summary>True if the verb was refused.</summary>
    private static bool Check(string verb, string folder)
    {
        var code = int.Parse(Text("code"), CultureInfo.InvariantCulture);
        Assert.Contains(code, new[] { 0, 1, 3 });
        if (code != 0)
        {
            Assert.Matches("(?m)^agentq: .", Text("err"));
        }

        Assert.Equal("0", Text("status.code").Trim());
        Assert.Contains(Text("drain.code").Trim(), new[] { "0", "3", "4" });
        Assert.Empty(Text("final.err"));
        // Ended with the disk still full.
        Assert.Empty(Text("left"));

        var accepted = Lines("before")
            .Select(static l => Path.GetFileNameWithoutExtension(l))
            .Concat(
                Lines("out")
                    .Where(static l =>
                        l.StartsWith("task_", StringComparison.Ordinal) && !l.Contains(' ')
                    )
            );
        if (!verb.StartsWith("clean", StringComparison.Ordinal))
        {
            Assert.Empty(accepted.Except(Lines("final")));
            Assert.Empty(accepted.Except(Lines("status")));
        }

        var tasks = Directory
            .EnumerateFiles(Path.Join(folder, "agents", "tasks"), "task_*.json")
            .ToList();
        Assert.Equal(Lines("final").Length, tasks.Count);
        foreach (var path in tasks)
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var task = new TaskFile(document.RootElement.Clone());
            Assert.True(task.IsFinished, task.ToString());
            if (task.Status == "complete")
            {
                Assert.Equal(0, task.ExitCode);
            }
        }

        if (verb.Contains("--batch", StringComparison.Ordinal))
        {
            Assert.Contains(tasks.Count, new[] { 0, 3 });
        }

        return code != 0;

        string Text(string name) => File.ReadAllText(Path.Join(folder, name));
        string[] Lines(string name) =>
            Text(name).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [NeedsTheory(Machine.Mounts)]
    [Trait("Fault", "F12")]
    [InlineData("pages")]
    [InlineData("inodes")]
    public void An_agent_that_ends_on_a_full_disk_keeps_its_exit_code(string what) =>
        Fault.Inject(
            "F12",
            fault =>
            {
                using var box = new Sandbox();
                InFullDisk(
                        box,
                        what,
                        "id=$(agentq start shell 'until [ -e ../outside/go ]; do sleep 0.05; done; exit 7' --quiet --run); sleep 0.2",
                        """
                        touch ../outside/go
                        until agentq status 2>&1 | grep -q 'no room to record'; do sleep 0.05; done
                        agentq status | grep -q "$id.*failed" || exit 3
                        """
                    )
                    .Gives(0);
                fault.Injected();

                var task = Assert.Single(box.Tasks);
                Assert.Equal(("failed", "exit", 7), (task.Status, task.Reason, task.ExitCode));
            }
        );

    [NeedsTheory(Machine.Mounts)]
    [Trait("Fault", "F12")]
    [InlineData("pages")]
    [InlineData("inodes")]
    public void A_deadline_is_kept_on_a_full_disk(string what) =>
        Fault.Inject(
            "F12",
            fault =>
            {
                using var box = new Sandbox();
                InFullDisk(
                        box,
                        what,
                        "id=$(agentq start shell 'exec sleep 300' --quiet --run --timeout 1)",
                        "while pgrep -f 'sleep 300' >/dev/null; do sleep 0.05; done"
                    )
                    .Gives(0);
                fault.Injected();

                var task = Assert.Single(box.Tasks);
                Assert.Equal(("failed", "timeout"), (task.Status, task.Reason));
            }
        );

    [NeedsTheory(Machine.Mounts)]
    [Trait("Fault", "F12")]
    [InlineData("pages")]
    [InlineData("inodes")]
    public void A_cancel_on_a_full_disk_ends_the_agent_and_is_recorded_later(string what) =>
        Fault.Inject(
            "F12",
            fault =>
            {
                using var box = new Sandbox();
                InFullDisk(
                        box,
                        what,
                        "id=$(agentq start shell 'exec sleep 300' --quiet --run)",
                        """
                        agentq cancel $id || exit 3
                        ! pgrep -f 'sleep 300' || exit 4
                        agentq status | grep -q "$id.*cancelled" || exit 5
                        """
                    )
                    .Gives(0);
                fault.Injected();

                Assert.Equal("cancelled", Assert.Single(box.Tasks).Status);
            }
        );

    [NeedsTheory(Machine.Mounts)]
    [Trait("Fault", "F12")]
    [InlineData("pages")]
    [InlineData("inodes")]
    public void A_task_that_was_lost_is_shown_as_lost_though_that_cannot_be_recorded(string what) =>
        Fault.Inject(
            "F12",
            fault =>
            {
                using var box = new Sandbox();
                InFullDisk(
                        box,
                        what,
                        "id=$(agentq start shell 'exec sleep 300' --quiet --run); until [ -s .agents/run/$id.run ]; do sleep 0.01; done",
                        """
                        kill -9 $(sed -n '1s/ .*//p' .agents/run/$id.run)
                        until flock -n .agents/run/$id.lock true; do sleep 0.01; done
                        agentq status > ../outside/seen 2> ../outside/warned || exit 3
                        grep -q "$id.*failed" ../outside/seen || exit 4
                        grep -q 'warning: .*No space left' ../outside/warned || exit 5
                        ! pgrep -f 'sleep 300' || exit 6
                        agentq show $id | grep -q failed || exit 7
                        """
                    )
                    .Gives(0);
                fault.Injected();

                Assert.Equal("lost", Assert.Single(box.Tasks).Reason);
            }
        );

    [Fact]
    [Trait("Fault", "F12")]
    public void With_a_limit_for_files_that_leaves_no_room_it_says_so_and_stores_nothing() =>
        Fault.Inject(
            "F12",
            fault =>
            {
                using var box = new Sandbox();
                var waiting = box.Enqueue("true");
                foreach (var verb in new[] { "start shell hi", $"hold {waiting}" })
                {
                    var outcome = box.Sh($"ulimit -f 0; agentq {verb}").Gives(1);
                    fault.Injected();

                    Assert.Contains("File too large", outcome.Err, StringComparison.Ordinal);
                    Assert.Contains("ulimit -f", outcome.Err, StringComparison.Ordinal);
                    Assert.DoesNotContain("Exception", outcome.Err, StringComparison.Ordinal);
                }

                Assert.Equal("pending", Assert.Single(box.Tasks).Status);
            }
        );

    [Fact]
    [Trait("Fault", "F12")]
    public void An_agent_that_writes_more_than_its_limit_for_files_dies_of_it_as_in_a_shell() =>
        Fault.Inject(
            "F12",
            fault =>
            {
                using var box = new Sandbox();
                box.Sh(
                        "ulimit -f 1000; agentq start shell 'exec head -c 9000000 /dev/zero > big' --wait"
                    )
                    .Gives(3);
                fault.Injected();

                Assert.Equal(153, Assert.Single(box.Tasks).ExitCode);
            }
        );

    /// <summary>
    /// Does the first in a small disk, the second when it is full; then there is room, and the queue is
    /// copied out once it has been looked at again.
    /// </summary>
    private static Outcome InFullDisk(Sandbox box, string what, string before, string meanwhile)
    {
        Directory.CreateDirectory(Path.Join(box.Folder, "..", "disk"));
        box.Write(
            "once.sh",
            $$"""
            {{Tmpfs}} || exit 1
            cd ../disk
            agentq init >/dev/null
            {{before}}
            if [ {{what}} = pages ]; then
              dd if=/dev/zero of=fill bs=4k 2>/dev/null
            else
              mkdir many
              n=0
              while touch many/$n 2>/dev/null; do n=$((n + 1)); done
            fi
            {{meanwhile}}
            rm -rf fill many
            agentq status >/dev/null
            agentq wait $id --timeout 20 >/dev/null
            cp -a .agents ../project/
            """
        );
        return box.Sh(
            "exec unshare --mount --pid --fork --mount-proc sh -c 'sh once.sh & wait $!; code=$?; exit $code'",
            60
        );
    }
}
