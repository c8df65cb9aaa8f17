using System.Text.Json;

namespace AgentQueue.EndToEnd.Agents;

/// <summary>Checks of the work of an agent that is only a command.</summary>
public sealed class CheckTests
{
    [Fact]
    public void What_was_left_uncommitted_is_named_and_agentqs_own_folder_is_not()
    {
        using var box = new Sandbox();
        box.Sh(
                "git init -q; git add -A -- ':!.agents'; git -c user.name=n -c user.email=e@x commit -q --allow-empty -m first"
            )
            .Gives(0);

        box.Run("start", "shell", "true", "--wait", "--require-clean").Gives(0);
        box.Run("start", "shell", "touch c b 'a d' e f", "--wait", "--require-clean").Gives(3);

        Assert.Equal(
            "Changes were left uncommitted: a d, b, c and 2 more",
            Last(box).GetProperty("errorMessage").GetString()
        );
        Assert.Equal("failed", Verified(box));
    }

    [Fact]
    public void A_check_that_cannot_be_made_is_unavailable()
    {
        using var box = new Sandbox();

        box.Run("start", "shell", "true", "--wait", "--verify", "nosuchprog").Gives(3);
        Assert.Equal("unavailable", Verified(box));
        Assert.Equal(JsonValueKind.Null, Last(box).GetProperty("adapter").ValueKind);

        box.Run("start", "shell", "true", "--wait", "--require-changes").Gives(3);
        Assert.Equal("unavailable", Verified(box));
        Assert.Contains("no git repository", Last(box).GetProperty("errorMessage").GetString());

        box.Run("start", "shell", "true", "--wait", "--verify", "false").Gives(3);
        Assert.Equal("failed", Verified(box));

        box.Run("start", "shell", "true", "--wait", "--verify", "true").Gives(0);
        Assert.Equal("passed", Verified(box));
        Assert.False(File.Exists(Path.Join(box.Queue, "usage.jsonl")));
    }

    [Fact]
    public void Without_git_it_is_said_that_git_is_missing()
    {
        using var box = new Sandbox();
        box.Sh(
                "git init -q; for p in sh true; do ln -s \"$(command -v $p)\" \"$OUT/$p\"; done".Replace(
                    "$OUT",
                    box.Outside,
                    StringComparison.Ordinal
                )
            )
            .Gives(0);
        box.Environment["PATH"] = box.Outside;

        box.Run("start", "shell", "true", "--wait", "--require-changes").Gives(3);

        Assert.Contains("git was not found", Last(box).GetProperty("errorMessage").GetString());
        Assert.Equal("unavailable", Verified(box));
        Assert.Contains("git is not found on the PATH", box.Run("doctor").Gives(0).Out);
    }

    private static string? Verified(Sandbox box) =>
        Last(box).GetProperty("verification").GetProperty("outcome").GetString();

    private static JsonElement Last(Sandbox box)
    {
        var newest = new DirectoryInfo(Path.Join(box.Queue, "tasks"))
            .GetFiles("*.json")
            .MaxBy(static f =>
                JsonDocument
                    .Parse(File.ReadAllBytes(f.FullName))
                    .RootElement.GetProperty("createdAt")
                    .GetString()
            );
        return box.Run("result", Path.GetFileNameWithoutExtension(newest!.Name), "--json")
            .Gives(0)
            .Json;
    }
}
