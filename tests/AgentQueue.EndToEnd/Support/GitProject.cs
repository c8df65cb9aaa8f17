namespace AgentQueue.EndToEnd;

/// <summary>A sandbox whose project is a git repository with a commit, and an agent <c>w</c> that is a shell.</summary>
internal static class GitProject
{
    public const string Agent =
        """ "w": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "{userPrompt}" } """;

    /// <param name="worktrees">The members of <c>worktrees</c> in the configuration.</param>
    public static Sandbox Open(string worktrees = "")
    {
        var box = new Sandbox();
        foreach (var who in new[] { "AUTHOR", "COMMITTER" })
        {
            box.Environment[$"GIT_{who}_NAME"] = "Tester";
            box.Environment[$"GIT_{who}_EMAIL"] = "tester@example.org";
        }

        box.Environment["OUTSIDE"] = box.Outside;
        box.Write(
            "agent-config.json",
            $$"""{ "worktrees": { {{worktrees}} }, "agents": { {{Agent}} } }"""
        );
        box.Write(".gitignore", ".agents/\n.env\nagent-config.json\n");
        box.Write("shared.txt", "first\nline\nlast\n");
        box.Write("part/inner.txt", "inner\n");
        box.Git("init -q -b main");
        box.Git("add -A");
        box.Git("commit -q -m first");
        return box;
    }

    public static string Git(this Sandbox box, string arguments) =>
        box.Sh("git " + arguments).Gives(0).Text;

    /// <summary>Queues a command with a worktree and waits for its end.</summary>
    public static string Work(this Sandbox box, string command, params string[] options)
    {
        var id = box.Run(["start", "w", command, "--quiet", .. options, "--worktree"])
            .Gives(0)
            .Text;
        box.Run("run", id).Gives(0, 3);
        box.Run("wait", id).Gives(0, 3);
        return id;
    }

    /// <summary>A member of what the task's file says of its worktree.</summary>
    public static string? Worktree(this Sandbox box, string id, string member)
    {
        using var document = System.Text.Json.JsonDocument.Parse(
            File.ReadAllBytes(box.TaskPath(id))
        );
        return
            document.RootElement.TryGetProperty("worktree", out var worktree)
            && worktree.TryGetProperty(member, out var value)
            ? value.GetString()
            : null;
    }

    /// <summary>The worktrees beside the project's own, by path.</summary>
    public static string[] Trees(this Sandbox box) =>
        [
            .. box.Sh("git worktree list --porcelain | sed -n 's/^worktree //p'")
                .Gives(0)
                .Lines.Skip(1),
        ];
}
