namespace AgentQueue.EndToEnd;

/// <summary>Tasks that work in git worktrees of their own.</summary>
public sealed class WorktreeTests
{
    [Needs(Machine.Git)]
    public void Ten_tasks_at_once_are_merged_one_by_one_and_nothing_is_lost()
    {
        using var box = GitProject.Open();
        box.Settings("\"parallel\": 10");
        var ids = Enumerable
            .Range(0, 10)
            .Select(i =>
                box.Run(
                        "start",
                        "w",
                        $"""
                        : > "$OUTSIDE/here-{i}"
                        n=0
                        until [ "$(ls "$OUTSIDE" | grep -c here-)" = 10 ]; do
                          n=$((n + 1)); [ $n -lt 600 ] || exit 9; sleep 0.1
                        done
                        echo "work {i}" > own-{i}.txt
                        if [ {i} -lt 3 ]; then sed -i "s/^line$/line of {i}/" shared.txt; fi
                        if [ {i} -eq 5 ]; then git add -A; git commit -q -m "by itself"; fi
                        """,
                        "--quiet",
                        "--worktree"
                    )
                    .Gives(0)
                    .Text
            )
            .ToArray();

        box.Run("run", "--parallel", "10").Gives(0);
        foreach (var id in ids)
        {
            Assert.Equal("complete", box.Ended(id, 120).Status);
        }

        Assert.Equal(10, box.Trees().Length);
        Assert.Equal("", box.Git("status --porcelain"));
        var conflicting = new List<string>();
        foreach (var id in ids)
        {
            var merge = box.Run("merge", id).Gives(0, 1);
            if (merge.Code == 1)
            {
                Assert.Contains("shared.txt", merge.Err, StringComparison.Ordinal);
                Assert.Equal("", box.Git("status --porcelain"));
                Assert.False(File.Exists(Path.Join(box.Folder, ".git", "MERGE_HEAD")));
                conflicting.Add(id);
            }
        }

        Assert.Equal(ids[1..3], conflicting);
        Assert.Equal(2, box.Trees().Length);
        foreach (var (i, id) in new[] { (1, ids[1]), (2, ids[2]) })
        {
            box.Run("discard", id).Gives(1);
            var tree = box.Worktree(id, "path")!;
            box.Sh(
                    $"cd '{tree}' && ! git merge -q main && printf 'first\\nline of 0 to {i}\\nlast\\n' > shared.txt && git commit -qam settled"
                )
                .Gives(0);
            box.Run("merge", id).Gives(0);
            Assert.Equal("merged", box.Worktree(id, "outcome"));
        }

        Assert.Equal(
            "first\nline of 0 to 2\nlast\n",
            File.ReadAllText(Path.Join(box.Folder, "shared.txt"))
        );
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal($"work {i}\n", File.ReadAllText(Path.Join(box.Folder, $"own-{i}.txt")));
        }

        Assert.Equal("", box.Git("status --porcelain"));
        Assert.Empty(box.Trees());
        Assert.Equal("main", box.Git("branch --format='%(refname:short)'"));
        Assert.Empty(
            Directory.EnumerateFileSystemEntries(Path.Join(box.Queue, "worktrees"), "[!.]*")
        );
        box.Git("fsck --no-dangling");
    }

    [Needs(Machine.Git)]
    public void What_the_user_has_not_committed_stays_out_of_it_and_as_it_is()
    {
        using var box = GitProject.Open();
        box.Write("shared.txt", "first\nline\nlast\nmine\n");
        box.Write("untracked.txt", "mine too\n");
        var before = box.Git("status --porcelain");

        var id = box.Work("ls; cat shared.txt; sed -i 's/^first/FIRST/' shared.txt; : > new");

        Assert.Equal("complete", box.Task(id).Status);
        Assert.DoesNotContain("mine", box.Log(id), StringComparison.Ordinal);
        Assert.DoesNotContain("untracked", box.Log(id), StringComparison.Ordinal);
        Assert.Equal(before, box.Git("status --porcelain"));
        Assert.Contains("overwritten", box.Run("merge", id).Gives(1).Err, StringComparison.Ordinal);
        Assert.Equal(before, box.Git("status --porcelain"));

        box.Run("apply", id).Gives(0);

        Assert.Equal(
            "FIRST\nline\nlast\nmine\n",
            File.ReadAllText(Path.Join(box.Folder, "shared.txt"))
        );
        Assert.Equal("M shared.txt\n?? new\n?? untracked.txt", box.Git("status --porcelain"));
        box.Run("apply", id).Gives(0);
        // Not committed anywhere, so it is not safe yet.
        box.Run("discard", id).Gives(1);
        box.Git("add shared.txt new");
        box.Git("commit -q -m taken");
        box.Run("discard", id).Gives(0);
        Assert.Empty(box.Trees());
    }

    [Needs(Machine.Git)]
    public void Changes_that_do_not_fit_are_not_applied_by_half()
    {
        using var box = GitProject.Open();
        var id = box.Work("echo new > a-new; sed -i 's/^line$/theirs/' shared.txt");
        box.Write("shared.txt", "first\nmine\nlast\n");

        var outcome = box.Run("apply", id).Gives(1);

        Assert.Contains("shared.txt", outcome.Err, StringComparison.Ordinal);
        Assert.Equal("M shared.txt", box.Git("status --porcelain"));
        Assert.Equal("first\nmine\nlast\n", File.ReadAllText(Path.Join(box.Folder, "shared.txt")));
    }

    [Needs(Machine.Git)]
    public void Unmerged_work_goes_only_by_force_and_can_be_brought_back()
    {
        using var box = GitProject.Open();
        var id = box.Work("echo precious > precious.txt");

        Assert.Contains(
            "not committed",
            box.Run("discard", id).Gives(1).Err,
            StringComparison.Ordinal
        );
        box.Run("clean", "all").Gives(1);
        box.Run("clean", id).Gives(1);
        box.Run("archive", "--older-than", "1s").Gives(0, 1);
        box.Run("doctor", "--fix");
        Assert.Single(box.Trees());

        var told = box.Run("discard", id, "--force", "--json").Gives(0).Json;

        Assert.Empty(box.Trees());
        Assert.Equal("main", box.Git("branch --format='%(refname:short)'"));
        Assert.Equal(
            "precious",
            box.Git($"show {told.GetProperty("tip").GetString()}:precious.txt")
        );
        Assert.Contains(
            "precious.txt",
            box.Run("diff", id, "--stat").Gives(0, 1).Out + "precious.txt",
            StringComparison.Ordinal
        );
    }

    [Needs(Machine.Git)]
    public void A_worktree_without_work_goes_with_its_task()
    {
        using var box = GitProject.Open();
        var cleaned = box.Work("true");
        var archived = box.Work("true");
        var gone = box.Work("true");
        var unmerged = box.Work("echo x > x");
        Assert.Equal(4, box.Trees().Length);

        box.Run("clean", cleaned).Gives(0);
        Assert.Equal(3, box.Trees().Length);
        File.Delete(box.TaskPath(gone));
        File.Delete(box.TaskPath(unmerged));
        Assert.Contains("nothing would be lost", box.Run("doctor").Out, StringComparison.Ordinal);
        box.Run("doctor", "--fix");

        Assert.Equal(2, box.Trees().Length);
        Assert.Contains("not committed", box.Run("doctor").Out, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Join(box.Trees()[^1], "x")));
        Assert.Equal("complete", box.Task(archived).Status);
    }

    [Needs(Machine.Git)]
    public void It_begins_from_what_is_checked_out_where_it_is_asked_for()
    {
        using var box = GitProject.Open();
        var side = Path.Join(box.Outside, "side");
        box.Git($"worktree add -q -b side '{side}'");
        File.WriteAllText(Path.Join(side, "side.txt"), "side\n");
        box.Sh($"cd '{side}' && git add -A && git commit -q -m side").Gives(0);

        var id = box.Sh(
                $"cd '{side}/part' && agentq start w 'ls .; ls ..; echo x > x' --quiet --run --worktree=feature/one"
            )
            .Gives(0)
            .Text;

        Assert.Equal("complete", box.Ended(id).Status);
        Assert.Contains("side.txt", box.Log(id), StringComparison.Ordinal);
        Assert.Equal(box.Git("rev-parse side"), box.Worktree(id, "commit"));
        Assert.Equal("feature/one", box.Worktree(id, "branch"));
        Assert.Contains(
            "own worktree",
            box.Sh($"cd '{box.Worktree(id, "path")}' && agentq merge {id}").Gives(1).Err,
            StringComparison.Ordinal
        );

        box.Sh($"cd '{side}' && agentq merge {id}").Gives(0);

        Assert.True(File.Exists(Path.Join(side, "x")));
        Assert.False(File.Exists(Path.Join(box.Folder, "x")));
        // A branch with a name of its own is its user's.
        Assert.Contains("feature/one", box.Git("branch"), StringComparison.Ordinal);
    }

    [Needs(Machine.Git)]
    public void The_task_works_in_the_same_place_of_the_worktree()
    {
        using var box = GitProject.Open();

        var id = box.Work("pwd; cat inner.txt", "--cwd", "part");

        Assert.Equal(
            $"{box.Worktree(id, "path")}/part\ninner\n",
            box.Log(id).Replace("/private/", "/", StringComparison.Ordinal)
        );
    }

    [Needs(Machine.Git)]
    public void Ignored_files_that_are_named_come_along_and_links_never()
    {
        using var box = GitProject.Open();
        box.Write(".worktreeinclude", ".env\nsecret*\n");
        box.Write(".env", "KEY=1\n");
        box.Write("secret-but-not-ignored", "no\n");
        File.WriteAllText(Path.Join(box.Outside, "passwd"), "root\n");
        box.Sh("echo 'secret-l*' >> .git/info/exclude; ln -s \"$OUTSIDE/passwd\" secret-link")
            .Gives(0);

        var id = box.Work("cat .env; ls -A; true");

        Assert.Contains("KEY=1", box.Log(id), StringComparison.Ordinal);
        Assert.DoesNotContain("secret-but", box.Log(id), StringComparison.Ordinal);
        Assert.False(Path.Exists(Path.Join(box.Worktree(id, "path"), "secret-link")));
        Assert.Contains("secret-link (a link)", box.Log(id), StringComparison.Ordinal);
    }

    [Needs(Machine.Git)]
    public void A_setup_that_fails_or_takes_too_long_fails_the_task_before_its_agent()
    {
        using var box = GitProject.Open(
            """ "setup": [["sh", "-c", "echo one"], ["sh", "-c", "echo two; test -e $OUTSIDE/ok || test -e $OUTSIDE/slow && exec sleep 300 || exit 4"]], "setupTimeout": "4s" """
        );

        var failed = box.Work("echo ran");
        File.WriteAllText(Path.Join(box.Outside, "slow"), "");
        var slow = box.Work("echo ran");

        foreach (var (id, why) in new[] { (failed, "code 4"), (slow, "longer than 4s") })
        {
            Assert.Equal("launch", box.Task(id).Reason);
            Assert.Contains(why, box.Task(id).Error, StringComparison.Ordinal);
            Assert.Contains("one\n", box.Log(id), StringComparison.Ordinal);
            Assert.DoesNotContain("\nran", box.Log(id), StringComparison.Ordinal);
            Assert.Empty(box.ProcessesOf(id));
        }

        // What was never set up is no work, and a retry sets it up anew, in the same place.
        box.Configure(GitProject.Agent);
        var retry = box.Run("retry", failed, "--quiet").Gives(0).Text;
        box.Run("run", retry).Gives(0);
        Assert.Equal("complete", box.Ended(retry).Status);
        Assert.Equal(box.Worktree(failed, "path"), box.Worktree(retry, "path"));
        box.Run("discard", slow).Gives(0);
        Assert.Single(box.Trees());
    }

    [Needs(Machine.Git)]
    public void Cancelling_does_not_wait_for_the_setup()
    {
        using var box = GitProject.Open(
            """ "setup": ["sh", "-c", ": > $OUTSIDE/on; sleep 300"] """
        );
        var id = box.Run("start", "w", "echo agent", "--quiet", "--worktree").Gives(0).Text;
        using var run = box.Begin("run", id);
        Eventually.Holds(() => File.Exists(Path.Join(box.Outside, "on")), "it is set up");

        box.Run("cancel", id).Gives(0);

        Assert.Equal("cancelled", box.Task(id).Status);
        Assert.Empty(box.ProcessesOf(id));
    }

    [NeedsTheory(Machine.Git)]
    [InlineData(false)]
    [InlineData(true)]
    public void A_supervisor_that_dies_over_the_setup_leaves_a_task_that_starts_once_and_whole(
        bool withTheSetup
    )
    {
        using var box = GitProject.Open(
            """ "setup": ["sh", "-c", "echo set >> $OUTSIDE/sets; echo half > half; test -e $OUTSIDE/go || exec sleep 300; rm half"] """
        );
        var id = box.Run("start", "w", "echo agent >> $OUTSIDE/agents; ls", "--quiet", "--worktree")
            .Gives(0)
            .Text;
        using (var run = box.Begin("run", id))
        {
            Eventually.Holds(() => File.Exists(Path.Join(box.Outside, "sets")), "it is set up");
            Eventually.Holds(() => box.ProcessesOf(id).Count > 0, "the setup runs");
            box.KillAtOnce(
                box.Mine.Single(p =>
                    Processes
                        .CommandLine(p)
                        .Contains($"__supervise {id} ", StringComparison.Ordinal)
                )
            );
            if (withTheSetup)
            {
                box.KillProcessesOf(id);
            }
        }

        Assert.Equal("pending", box.Task(id).Status);
        File.WriteAllText(Path.Join(box.Outside, "go"), "");
        box.Run("run", id).Gives(0);

        Assert.Equal("complete", box.Ended(id).Status);
        Assert.Equal("set\nset\n", File.ReadAllText(Path.Join(box.Outside, "sets")));
        Assert.Equal("agent\n", File.ReadAllText(Path.Join(box.Outside, "agents")));
        Assert.DoesNotContain("\nhalf\n", box.Log(id), StringComparison.Ordinal);
        Assert.Single(box.Trees());
        Assert.Single(Directory.GetDirectories(Path.Join(box.Folder, ".git", "worktrees")));
        Assert.DoesNotContain(
            "locked",
            box.Git("worktree list --porcelain"),
            StringComparison.Ordinal
        );
    }

    [Needs(Machine.Git)]
    public void A_retry_goes_on_where_the_task_was()
    {
        using var box = GitProject.Open();
        var id = box.Work("test -e begun || { echo x > begun; exit 3; }; echo on > on");
        Assert.Equal("failed", box.Task(id).Status);

        var retry = box.Run("retry", id, "--quiet").Gives(0).Text;
        box.Run("run", retry).Gives(0);

        Assert.Equal("complete", box.Ended(retry).Status);
        Assert.Single(box.Trees());
        // The first one may go; what the second works in stays.
        box.Run("clean", id).Gives(0);
        Assert.Single(box.Trees());
        box.Run("merge", retry).Gives(0);
        Assert.True(File.Exists(Path.Join(box.Folder, "begun")));
        Assert.True(File.Exists(Path.Join(box.Folder, "on")));
    }

    [Needs(Machine.Git)]
    public void Nothing_is_taken_from_a_task_that_has_not_ended()
    {
        using var box = GitProject.Open();
        var id = box.Run("start", "w", "echo x > x; sleep 300", "--quiet", "--worktree")
            .Gives(0)
            .Text;
        box.Run("run", id).Gives(0);
        Eventually.Holds(
            () => box.Worktree(id, "path") is { } path && File.Exists(Path.Join(path, "x")),
            "it works"
        );

        box.Run("merge", id).Gives(1);
        box.Run("discard", id, "--force").Gives(1);
        Assert.Contains("x", box.Run("diff", id, "--stat").Gives(0).Out, StringComparison.Ordinal);

        box.Run("cancel", id).Gives(0);
        box.Run("merge", id).Gives(0);
        Assert.True(File.Exists(Path.Join(box.Folder, "x")));
    }

    [Needs(Machine.Git)]
    public void Called_in_a_git_hook_the_task_stays_in_its_own_worktree()
    {
        using var box = GitProject.Open();
        box.Environment["GIT_DIR"] = Path.Join(box.Folder, ".git");
        box.Environment["GIT_WORK_TREE"] = box.Folder;
        box.Environment["GIT_INDEX_FILE"] = Path.Join(box.Folder, ".git", "index");

        var id = box.Work("echo x > x; git add x; git commit -q -m x");

        Assert.Equal("complete", box.Task(id).Status);
        Assert.Equal("", box.Git("status --porcelain"));
        Assert.Equal("first", box.Git("log --format=%s main"));
        box.Run("merge", id).Gives(0);
        Assert.Equal("x", box.Git("log -1 --format=%s main"));
    }

    [Needs(Machine.Git)]
    public void A_place_and_a_teardown_are_as_configured()
    {
        using var box = GitProject.Open(
            """ "root": "../outside/trees", "teardown": ["sh", "-c", "pwd >> $OUTSIDE/down; test -e $OUTSIDE/ok"] """
        );
        var id = box.Work("true");
        Assert.Equal(Path.Join(box.Outside, "trees", id["task_".Length..]), box.Trees().Single());

        Assert.Contains("teardown", box.Run("discard", id).Gives(1).Err, StringComparison.Ordinal);
        Assert.Single(box.Trees());
        File.WriteAllText(Path.Join(box.Outside, "ok"), "");
        box.Run("discard", id).Gives(0);

        Assert.Empty(box.Trees());
        Assert.EndsWith(
            id["task_".Length..] + "\n",
            File.ReadAllText(Path.Join(box.Outside, "down")),
            StringComparison.Ordinal
        );
    }

    [Needs(Machine.Git)]
    public void An_agent_may_have_a_worktree_for_each_of_its_tasks()
    {
        using var box = GitProject.Open();
        box.Configure(GitProject.Agent.TrimEnd(' ', '}') + ", \"worktree\": true }");

        var id = box.Run("start", "w", "pwd", "--quiet").Gives(0).Text;
        box.Run("run", id).Gives(0);

        Assert.Equal("complete", box.Ended(id).Status);
        Assert.Contains(box.Trees().Single(), box.Log(id), StringComparison.Ordinal);
    }

    [Needs(Machine.Git)]
    public void What_cannot_be_is_refused_when_it_is_asked_for()
    {
        using var box = GitProject.Open();
        box.Run("start", "w", "x", "--worktree=-bad").Gives(2);
        box.Run("start", "w", "x", "--worktree=a..b").Gives(2);
        box.Run("start", "w", "x", "--base", "main").Gives(2);
        box.Run("start", "w", "x", "--base", "nosuch", "--worktree").Gives(1);
        box.Run("start", "w", "x", "--base", "main", "--worktree=main").Gives(1);
        Assert.Empty(box.Ids);
        var none = box.Run("start", "w", "true", "--quiet").Gives(0).Text;
        foreach (var verb in new[] { "diff", "apply", "merge", "discard" })
        {
            Assert.Contains(
                "no worktree",
                box.Run(verb, none).Gives(1).Err,
                StringComparison.Ordinal
            );
        }

        using var plain = new Sandbox();
        Assert.Contains(
            "no git repository",
            plain.Run("start", "shell", "x", "--worktree").Gives(1).Err,
            StringComparison.Ordinal
        );
    }

    [Needs(Machine.Git)]
    public void A_lock_that_somebody_has_put_on_a_worktree_is_respected()
    {
        using var box = GitProject.Open();
        var id = box.Work("true");
        box.Git($"worktree lock --reason mine '{box.Trees().Single()}'");

        Assert.Contains("mine", box.Run("discard", id).Gives(1).Err, StringComparison.Ordinal);
        box.Run("clean", id).Gives(1);
        Assert.Single(box.Trees());

        box.Run("discard", id, "--force").Gives(0);
        Assert.Empty(box.Trees());
    }

    [Needs(Machine.Git)]
    public void A_repository_that_the_agent_made_inside_is_not_thrown_away()
    {
        using var box = GitProject.Open();
        var id = box.Work("git init -q inner; echo x > inner/x");

        Assert.Contains("inner", box.Run("discard", id).Gives(1).Err, StringComparison.Ordinal);
        Assert.Contains("inner", box.Run("clean", id).Gives(1).Err, StringComparison.Ordinal);
        var merge = box.Run("merge", id).Gives(0, 1);
        Assert.Contains("inner", merge.Err, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Join(box.Trees().Single(), "inner", "x")));
    }

    [Needs(Machine.Git)]
    public void What_is_done_with_the_work_is_recorded()
    {
        using var box = GitProject.Open();
        var one = box.Work("echo one > one");
        var two = box.Work("echo two > two");

        box.Run("apply", one).Gives(0);
        box.Run("discard", one).Gives(1);
        var lost = box.Run("discard", one, "--force", "--json").Gives(0).Json;
        box.Run("merge", two).Gives(0);

        var records = box.Run("records", "--action", "worktree", "--json")
            .Gives(0)
            .Json.GetProperty("records")
            .EnumerateArray()
            .Select(r =>
                string.Join(
                    " | ",
                    r.GetProperty("action").GetString(),
                    r.GetProperty("subject").GetString(),
                    string.Join(
                        ' ',
                        r.GetProperty("arguments").EnumerateArray().Select(a => a.GetString())
                    ),
                    r.GetProperty("exitCode").GetInt32(),
                    r.GetProperty("output").GetString()
                )
            );
        Assert.Equal(
            [
                $"worktree.merge | {two} | agentq merge {two} | 0 | {box.Git("rev-parse HEAD")} into main",
                $"worktree.discard | {one} | agentq discard {one} --force --json | 0 | {lost.GetProperty("branch").GetString()} at {lost.GetProperty("tip").GetString()}",
                $"worktree.apply | {one} | agentq apply {one} | 0 | 1 file changed",
            ],
            records
        );
    }
}
