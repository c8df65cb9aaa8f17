namespace AgentQueue.EndToEnd.Assistants;

/// <summary>A user has several working trees, or stands somewhere below the top of one.</summary>
public sealed class SetupTreeTests
{
    private const string Skill = ".claude/skills/agentq/SKILL.md";

    [Fact]
    public void In_a_git_worktree_it_works_on_the_files_of_that_tree()
    {
        using var box = new Sandbox();
        box.Run("setup", "claude").Gives(0);
        box.Git("init -q -b main");
        box.Git("add -A");
        box.Git("-c user.name=u -c user.email=u@localhost commit -q -m first");
        var side = Path.Join(box.Outside, "side");
        box.Git($"worktree add -q {side}");
        var before = Tree.Of(box.Folder);
        box.Sh($"cd {side} && agentq setup --check").Gives(0);
        box.Sh($"cd {side} && agentq setup --remove").Gives(0);
        Assert.False(File.Exists(Path.Join(side, Skill)));
        Assert.Equal(before, Tree.Of(box.Folder));
        box.Sh($"cd {side} && agentq setup claude --check").Gives(1);
    }

    [Fact]
    public void In_a_folder_of_a_repository_without_a_project_it_goes_to_the_top()
    {
        using var box = new Sandbox();
        box.Git("init -q -b main");
        var below = Directory.CreateDirectory(Path.Join(box.Folder, "src/deep")).FullName;
        box.Sh($"cd {below} && agentq setup claude").Gives(0);
        Assert.True(File.Exists(Path.Join(box.Folder, Skill)));
        Assert.Empty(Directory.GetFileSystemEntries(below));
    }
}
