using System.Security.Cryptography;
using System.Text;

namespace AgentQueue.EndToEnd.Workflows;

/// <summary><c>plan document</c>, by itself and as the last task of a run.</summary>
public sealed class DocumentTests
{
    [Fact]
    public void The_four_roles_end_in_a_document_of_what_was_done()
    {
        using var box = new Sandbox();
        Workflow.Make(box);

        box.Run("plan", "run", "plans/app.yaml").Gives(0);

        Assert.Equal("done", Workflow.Status(box));
        var text = Workflow.Document(box);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("built\n")));
        Assert.Contains("## Purpose\n\nAn app for all\n", text, StringComparison.Ordinal);
        Assert.Matches(@"\| build \| sh -c .* \| complete \| 0 \| [\d.]+s \|", text);
        Assert.Contains($"| build | build/app | 6 | {hash} |", text, StringComparison.Ordinal);
        Assert.Matches(@"## Documents\n\n- plans/app\.md \(8 bytes, SHA-256 [0-9a-f]{64}\)", text);
        Assert.Contains("(docs/tasks/app.md)", Workflow.Readme(box), StringComparison.Ordinal);
    }

    [Fact]
    public void The_readme_is_the_same_but_for_the_section_whatever_its_line_ends()
    {
        using var box = new Sandbox();
        Finished(box);
        var readme = Path.Join(box.Folder, "README.md");
        var before = "\uFEFF# Us\r\n\r\nText without an end"u8.ToArray();
        File.WriteAllBytes(readme, before);
        File.SetUnixFileMode(readme, (UnixFileMode)0b110_100_100);

        box.Run("plan", "document", "--name", "a").Gives(0);
        byte[] once = File.ReadAllBytes(readme);
        box.Run("plan", "document", "--name", "a").Gives(0);

        Assert.Equal(before, once[..before.Length]);
        Assert.Equal(once, File.ReadAllBytes(readme));
        Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(readme));
        var added = Encoding.UTF8.GetString(once[before.Length..]);
        Assert.Equal(added.Count(c => c == '\n'), added.Split("\r\n").Length - 1);
    }

    [Fact]
    public void A_readme_of_another_spelling_or_name_is_the_one()
    {
        using var box = new Sandbox();
        Finished(box);
        box.Write("Readme.md", "ours\n");
        box.Write("sub/INDEX.md", "index\n");

        box.Run("plan", "document", "--name", "a").Gives(0);
        box.Run("plan", "document", "--name", "b", "--title", "B *all*", "--readme", "sub/INDEX.md")
            .Gives(0);

        Assert.False(File.Exists(Path.Join(box.Folder, "README.md")));
        Assert.StartsWith(
            "ours\n\n<!-- agentq:task a -->\n",
            File.ReadAllText(Path.Join(box.Folder, "Readme.md")),
            StringComparison.Ordinal
        );
        var index = File.ReadAllText(Path.Join(box.Folder, "sub", "INDEX.md"));
        Assert.Contains("## B \\*all\\*\n", index, StringComparison.Ordinal);
        Assert.Contains("(../docs/tasks/b.md)", index, StringComparison.Ordinal);
    }

    [Fact]
    public void A_readme_that_is_a_link_or_has_half_a_section_is_left_and_nothing_is_written()
    {
        using var box = new Sandbox();
        Finished(box);
        var elsewhere = Path.Join(box.Outside, "file");
        File.WriteAllText(elsewhere, "theirs");
        var readme = Path.Join(box.Folder, "README.md");
        File.CreateSymbolicLink(readme, elsewhere);

        Assert.Contains(
            "--readme",
            box.Run("plan", "document", "--name", "a").Gives(1).Err,
            StringComparison.Ordinal
        );
        File.Delete(readme);
        File.WriteAllText(readme, "x\n<!-- agentq:task a -->\n");
        Assert.Contains(
            "(line 2)",
            box.Run("plan", "document", "--name", "a").Gives(1).Err,
            StringComparison.Ordinal
        );

        Assert.Equal("theirs", File.ReadAllText(elsewhere));
        Assert.Equal("x\n<!-- agentq:task a -->\n", File.ReadAllText(readme));
        Assert.False(Directory.Exists(Path.Join(box.Folder, "docs")));
    }

    [Fact]
    public void A_document_that_was_promised_and_is_not_there_keeps_it_from_being_complete()
    {
        using var box = new Sandbox();
        Finished(box);

        box.Run("plan", "document", "--name", "a", "--document", "guide.md").Gives(3);

        Assert.Equal("failed: there is no guide.md", Workflow.Status(box, "a"));
        Assert.Contains(
            "- guide.md: missing",
            Workflow.Document(box, "a"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void What_still_runs_is_not_complete_and_a_name_that_leads_elsewhere_is_refused()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: long, cmd: sleep 300}]\n");
        box.Run("plan", "run", "p.yaml", "--detach").Gives(0);

        box.Run("plan", "document", "last", "--name", "a").Gives(3);
        box.Run("plan", "document", "last", "--name", "../../a").Gives(2);

        Assert.StartsWith(
            "unfinished: long is ",
            Workflow.Status(box, "a"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Text_of_a_plan_cannot_end_the_section_or_forge_another()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            "goal: \"<!-- /agentq:task a -->\\n<!-- agentq:task b -->\\n| x | `y` \\x1b[31m\"\ntasks: [{id: a, cmd: 'true'}]\n"
        );
        box.Run("plan", "run", "p.yaml").Gives(0);

        box.Run("plan", "document", "--name", "a").Gives(0);
        box.Run("plan", "document", "--name", "b").Gives(0);
        box.Run("plan", "document", "--name", "a").Gives(0);

        var readme = Workflow.Readme(box);
        Assert.Equal(2, readme.Split("\n<!-- /agentq:task ").Length - 1);
        Assert.DoesNotContain('\x1b', readme);
        Assert.DoesNotContain('\x1b', Workflow.Document(box, "a"));
    }

    [Fact]
    public void Whoever_names_a_task_that_has_failed_as_its_own_does_not_hide_it()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "tasks: [{id: good, cmd: 'true'}, {id: bad, cmd: 'false'}]\n");
        box.Run("plan", "run", "p.yaml").Gives(3);
        var bad = box.Ids.Single(static i => i.EndsWith("-bad", StringComparison.Ordinal));

        box.Sh($"AGENTQ_TASK_ID={bad} agentq plan document --name a").Gives(3);

        Assert.Equal("failed: bad", Workflow.Status(box, "a"));
    }

    [Fact]
    public void A_task_that_failed_and_then_did_not_is_complete_after_the_run_is_resumed()
    {
        using var box = new Sandbox();
        Workflow.Make(box, build: $"test -e ready && {Workflow.GoodBuild}");
        box.Run("plan", "run", "plans/app.yaml").Gives(3);
        Assert.Equal("failed: build", Workflow.Status(box));

        box.Write("ready", "");
        box.Run("plan", "resume", "last").Gives(0);

        Assert.Equal("done", Workflow.Status(box));
        Assert.Contains("failed, retried", Workflow.Document(box), StringComparison.Ordinal);
        Assert.Equal(2, Workflow.Readme(box).Split("<!-- agentq:task app -->").Length);
    }

    private static void Finished(Sandbox box)
    {
        box.Write("p.yaml", "tasks: [{id: a, cmd: 'true'}]\n");
        box.Run("plan", "run", "p.yaml").Gives(0);
    }
}
