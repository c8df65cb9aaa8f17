namespace AgentQueue.EndToEnd;

/// <summary>Tasks that work in git worktrees with submodules in them.</summary>
public sealed class WorktreeSubmoduleTests
{
    [Needs(Machine.Git)]
    public void Submodules_are_there_without_a_network_and_their_commits_are_not_lost()
    {
        using var box = WithSubmodule();

        var id = box.Work(
            "cat lib/lib.txt && cd lib && echo more > more.txt && git add -A && git commit -q -m more && cd .. && git commit -qam 'lib moves on'"
        );

        Assert.Equal("complete", box.Task(id).Status);
        Assert.Contains("submodule", box.Run("discard", id).Gives(1).Err, StringComparison.Ordinal);
        box.Run("merge", id).Gives(0);
        Assert.Empty(box.Trees());
        box.Git("-c protocol.file.allow=never submodule update lib");
        Assert.Equal("more\n", File.ReadAllText(Path.Join(box.Folder, "lib", "more.txt")));
    }

    [Needs(Machine.Git)]
    public void Changes_inside_submodules_are_left_out_with_a_word()
    {
        using var box = WithSubmodule();
        var committed = box.Work(
            "cd lib && echo more > more.txt && git add -A && git commit -q -m more"
        );
        var loose = box.Work("echo x > x; echo loose > lib/loose.txt");

        var first = box.Run("apply", committed).Gives(0);

        Assert.Equal("", first.Out);
        Assert.Equal(
            $"agentq: warning: changes inside the submodule lib were left out; agentq merge {committed} brings those that are committed there\n",
            first.Err
        );
        Assert.Equal("", box.Git("status --porcelain"));

        var second = box.Run("apply", loose, "--json").Gives(0);

        Assert.Equal(
            ["lib"],
            second.Json.GetProperty("leftOut").EnumerateArray().Select(p => p.GetString())
        );
        Assert.Equal(
            ["x"],
            second
                .Json.GetProperty("files")
                .EnumerateArray()
                .Select(f => f.GetProperty("path").GetString())
        );
        Assert.Contains("commit what is here now", second.Err, StringComparison.Ordinal);
        Assert.Equal("?? x", box.Git("status --porcelain"));

        box.Run("merge", committed).Gives(0);
        box.Git("-c protocol.file.allow=never submodule update lib");
        Assert.Equal("more\n", File.ReadAllText(Path.Join(box.Folder, "lib", "more.txt")));
    }

    [Needs(Machine.Git)]
    public void What_is_not_committed_in_a_submodule_goes_only_by_force()
    {
        using var box = WithSubmodule();
        var id = box.Work("echo x > x; echo loose > lib/loose.txt");
        var loose = Path.Join(box.Worktree(id, "path"), "lib", "loose.txt");

        foreach (var verb in new[] { "discard", "clean" })
        {
            Assert.Contains(
                "not committed in its submodule lib",
                box.Run(verb, id).Gives(1).Err,
                StringComparison.Ordinal
            );
        }

        Assert.Contains(
            "worktree was left",
            box.Run("merge", id).Gives(0).Err,
            StringComparison.Ordinal
        );
        Assert.True(File.Exists(Path.Join(box.Folder, "x")));
        Assert.True(File.Exists(loose));

        box.Run("discard", id, "--force").Gives(0);
        Assert.Empty(box.Trees());
    }

    // Where it came from is gone.
    private static Sandbox WithSubmodule()
    {
        var box = GitProject.Open();
        box.Sh(
                """
                set -e
                git init -q -b main "$OUTSIDE/lib"
                cd "$OUTSIDE/lib"; echo lib > lib.txt; git add -A; git commit -q -m lib; cd -
                git -c protocol.file.allow=always submodule add -q "$OUTSIDE/lib" lib
                git commit -q -m "with lib"
                mv "$OUTSIDE/lib" "$OUTSIDE/away"
                """
            )
            .Gives(0);
        return box;
    }
}
