namespace AgentQueue.EndToEnd;

/// <summary>Worktrees that agents and people have left in another state than agentq had made them in.</summary>
public sealed class WorktreeDamageTests
{
    [Needs(Machine.Git)]
    public void A_worktree_whose_folder_somebody_removed_still_has_its_branch()
    {
        using var box = GitProject.Open();
        var id = box.Work("echo x > x; git add -A; git commit -q -m x");
        var other = box.Work("echo y > y; git add -A; git commit -q -m y; exit 3");
        Directory.Delete(box.Worktree(id, "path")!, recursive: true);
        Directory.Delete(box.Worktree(other, "path")!, recursive: true);

        Assert.Contains("+x", box.Run("diff", id).Gives(0).Out, StringComparison.Ordinal);
        box.Run("discard", id).Gives(1);
        box.Run("merge", id).Gives(0);
        Assert.True(File.Exists(Path.Join(box.Folder, "x")));

        var retry = box.Run("retry", other, "--quiet").Gives(0).Text;
        box.Run("run", retry).Gives(0, 3);
        Assert.Equal("exit", box.Ended(retry).Reason);
        Assert.True(File.Exists(Path.Join(box.Worktree(retry, "path"), "y")));
    }

    [Needs(Machine.Git)]
    public void An_agent_that_left_its_branch_does_not_lose_what_was_on_it()
    {
        using var box = GitProject.Open();
        var moved = box.Work(
            "echo a > a; git add -A; git commit -q -m a; git switch -q -c mine; echo b > b; git add -A; git commit -q -m b"
        );
        var left = box.Work(
            "echo c > c; git add -A; git commit -q -m c; git switch -q -d main; echo d > d"
        );

        box.Run("discard", left).Gives(1);
        Assert.Contains(
            "does not have all that is on",
            box.Run("merge", left).Gives(1).Err,
            StringComparison.Ordinal
        );
        box.Run("merge", moved).Gives(0);

        Assert.True(File.Exists(Path.Join(box.Folder, "a")));
        Assert.True(File.Exists(Path.Join(box.Folder, "b")));
        Assert.Contains("mine", box.Git("branch"), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Join(box.Worktree(left, "path"), "d")));
    }

    [Needs(Machine.Git)]
    public void A_merge_that_the_agent_has_not_ended_is_not_committed_with_its_marks()
    {
        using var box = GitProject.Open();
        var id = box.Work(
            "git switch -q -c side; sed -i 's/^line$/one/' shared.txt; git commit -qam one; git switch -q -; sed -i 's/^line$/two/' shared.txt; git commit -qam two; git merge side; true"
        );

        Assert.Contains(
            "has not been ended",
            box.Run("merge", id).Gives(1).Err,
            StringComparison.Ordinal
        );

        Assert.Single(box.Trees());
        Assert.Equal("first", box.Git("log --format=%s main"));
    }

    [Needs(Machine.Git)]
    public void Folders_that_are_not_writable_are_removed_all_the_same()
    {
        using var box = GitProject.Open();
        box.Sh("echo cache/ >> .git/info/exclude").Gives(0);
        var id = box.Work("mkdir -p cache/mod; echo x > cache/mod/x; chmod 555 cache/mod cache");
        var path = box.Worktree(id, "path");

        box.Run("discard", id).Gives(0);

        Assert.False(Directory.Exists(path));
    }

    [Needs(Machine.Git)]
    public void Links_in_a_worktree_go_and_what_they_lead_to_stays()
    {
        using var box = GitProject.Open();
        File.WriteAllText(Path.Join(box.Outside, "kept"), "kept");
        box.Sh("echo out >> .git/info/exclude").Gives(0);
        var id = box.Work("ln -s \"$OUTSIDE\" out");

        box.Run("clean", id).Gives(0);

        Assert.Empty(box.Trees());
        Assert.True(File.Exists(Path.Join(box.Outside, "kept")));
    }

    [Needs(Machine.Git)]
    public void A_link_that_was_planted_for_worktrees_is_not_followed()
    {
        using var box = GitProject.Open();
        Directory.CreateDirectory(box.Queue);
        File.CreateSymbolicLink(Path.Join(box.Queue, "worktrees"), box.Outside);

        var id = box.Work("true");

        Assert.Equal("launch", box.Task(id).Reason);
        Assert.Empty(Directory.EnumerateFileSystemEntries(box.Outside));
    }

    [Needs(Machine.Git)]
    public void Something_else_in_its_place_is_left_alone()
    {
        using var box = GitProject.Open(""" "root": "../outside/trees" """);
        var id = box.Run("start", "w", "true", "--quiet", "--worktree").Gives(0).Text;
        var place = Path.Join(box.Outside, "trees", id["task_".Length..]);
        Directory.CreateDirectory(place);
        File.WriteAllText(Path.Join(place, "mine"), "mine");

        box.Run("run", id).Gives(0, 3);

        Assert.Equal("launch", box.Ended(id).Reason);
        Assert.Contains(place, box.Task(id).Error, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Path.Join(place, "mine")));
    }

    [Needs(Machine.Git)]
    public void A_branch_that_is_checked_out_elsewhere_is_refused_with_the_place()
    {
        using var box = GitProject.Open();
        var id = box.Run("start", "w", "true", "--quiet", "--worktree=main").Gives(0).Text;

        box.Run("run", id).Gives(0, 3);

        Assert.Equal("launch", box.Ended(id).Reason);
        Assert.Contains(box.Folder, box.Task(id).Error, StringComparison.Ordinal);
        box.Run("discard", id).Gives(0, 1);
        Assert.Equal("main", box.Git("symbolic-ref --short HEAD"));
    }

    [Needs(Machine.Git)]
    public void A_cancelled_task_whose_supervisor_died_over_the_setup_leaves_nothing()
    {
        using var box = GitProject.Open(
            """ "setup": ["sh", "-c", ": > $OUTSIDE/on; sleep 300"] """
        );
        var id = box.Run("start", "w", "true", "--quiet", "--worktree").Gives(0).Text;
        using (var run = box.Begin("run", id))
        {
            Eventually.Holds(() => File.Exists(Path.Join(box.Outside, "on")), "it is set up");
            foreach (
                var pid in box.Mine.Where(p =>
                    Processes
                        .CommandLine(p)
                        .Contains($"__supervise {id} ", StringComparison.Ordinal)
                )
            )
            {
                box.KillAtOnce(pid);
            }
        }

        box.KillProcessesOf(id);
        box.Run("cancel", id).Gives(0);
        Assert.Single(box.Trees());

        box.Run("clean", id).Gives(0);

        Assert.Empty(box.Trees());
        Assert.Equal("main", box.Git("branch --format='%(refname:short)'"));
    }

    [Needs(Machine.Git)]
    public void What_was_squashed_into_the_branch_counts_as_merged()
    {
        using var box = GitProject.Open();
        var id = box.Work("echo x > x; git add -A; git commit -q -m x");
        box.Run("discard", id).Gives(1);
        box.Git($"merge -q --squash {box.Worktree(id, "branch")}");
        box.Git("commit -q -m squashed");
        box.Write("later.txt", "later\n");
        box.Git("add later.txt");
        box.Git("commit -q -m later");

        box.Run("discard", id).Gives(0);

        Assert.Equal("main", box.Git("branch --format='%(refname:short)'"));
    }

    [Needs(Machine.Git)]
    public void A_hook_that_refuses_the_commit_keeps_everything_as_it_is()
    {
        using var box = GitProject.Open();
        var id = box.Work("echo x > x");
        var hook = box.Write(".git/hooks/pre-commit", "#!/bin/sh\necho no secrets >&2\nexit 1\n");
        box.Sh($"chmod +x '{hook}'").Gives(0);

        Assert.Contains("no secrets", box.Run("merge", id).Gives(1).Err, StringComparison.Ordinal);

        Assert.True(File.Exists(Path.Join(box.Worktree(id, "path"), "x")));
        File.Delete(hook);
        box.Run("merge", id).Gives(0);
        Assert.True(File.Exists(Path.Join(box.Folder, "x")));
    }
}
