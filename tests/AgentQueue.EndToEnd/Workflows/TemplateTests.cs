namespace AgentQueue.EndToEnd.Workflows;

/// <summary>Plans from templates: made, checked, run.</summary>
public sealed class TemplateTests
{
    [Fact]
    public void What_there_is_is_listed_with_what_it_is_for()
    {
        using var box = new Sandbox();
        box.Write(".agents/templates/mine.yaml", "# Only here\ntasks: [{id: a, cmd: 'true'}]\n");

        var lines = box.Run("plan", "list", "--templates").Gives(0).Out;
        var templates = box.Run("plan", "list", "--templates", "--json")
            .Gives(0)
            .Json.GetProperty("templates")
            .EnumerateArray()
            .ToList();

        foreach (
            var name in new[] { "build-test", "fan-out", "mine", "plan-build-review-document" }
        )
        {
            Assert.Contains(name, lines, StringComparison.Ordinal);
            Assert.Contains(templates, t => t.GetProperty("name").GetString() == name);
        }

        var mine = templates.Single(t => t.GetProperty("own").GetBoolean());
        Assert.Equal("Only here", mine.GetProperty("description").GetString());
    }

    [Fact]
    public void Without_a_word_it_is_build_and_test_and_what_to_type_next_is_said()
    {
        using var box = new Sandbox();

        var made = box.Run(
                "plan",
                "new",
                "nightly",
                "--set",
                "build=mkdir -p build; echo 1 > build/a",
                "--set",
                "test=cat build/a"
            )
            .Gives(0);

        Assert.Equal("plans/nightly.yaml\n", made.Out);
        Assert.Contains("agentq plan run plans/nightly.yaml", made.Err, StringComparison.Ordinal);
        box.Run("plan", "validate", "plans/nightly.yaml").Gives(0);
        box.Run("plan", "run", "plans/nightly.yaml").Gives(0);
    }

    [Fact]
    public void The_fan_out_runs_as_it_is_with_the_shell_as_its_agent()
    {
        using var box = new Sandbox();
        box.Run("plan", "new", "--template", "fan-out", "parts", "--set", "agent=shell").Gives(0);

        box.Run("plan", "validate", "plans/parts.yaml").Gives(0);
        box.Run("plan", "run", "plans/parts.yaml").Gives(0);

        Assert.Equal("two\n", File.ReadAllText(Path.Join(box.Folder, "out", "two.txt")));
    }

    [Fact]
    public void A_plan_that_is_there_is_replaced_only_on_purpose()
    {
        using var box = new Sandbox();
        box.Write("plans/a.yaml", "mine");

        var refused = box.Run("plan", "new", "a").Gives(1);

        Assert.Contains("--force", refused.Err, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Path.Join(box.Folder, "plans", "a.yaml")));
        box.Run("plan", "new", "a", "--force").Gives(0);
        box.Run("plan", "validate", "plans/a.yaml").Gives(0);
    }

    [Theory]
    [InlineData("../a")]
    [InlineData("/tmp/a")]
    [InlineData("a/../../b")]
    [InlineData("nul")]
    public void A_name_that_leads_elsewhere_is_refused_and_nothing_is_written(string name)
    {
        using var box = new Sandbox();

        var refused = box.Run("plan", "new", name).Gives(2);

        Assert.Contains("A-Z a-z 0-9", refused.Err, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(box.Folder));
    }

    [Fact]
    public void An_unknown_template_or_parameter_is_told_with_the_nearest_and_nothing_is_written()
    {
        using var box = new Sandbox();

        Assert.Contains(
            "did you mean 'fan-out'?",
            box.Run("plan", "new", "a", "--template", "fanout").Gives(2).Err,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "did you mean 'test'?",
            box.Run("plan", "new", "a", "--set", "tset=x").Gives(2).Err,
            StringComparison.Ordinal
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(box.Folder));
    }

    [Fact]
    public void From_a_folder_below_it_is_made_at_the_root_of_the_project_and_the_next_step_fits()
    {
        using var box = new Sandbox();
        box.Write("agent-config.json", "{}");
        Directory.CreateDirectory(Path.Join(box.Folder, "deep"));

        box.Sh(
                "cd deep && f=$(agentq plan new a 2>/dev/null) && test \"$f\" = ../plans/a.yaml && agentq plan validate \"$f\""
            )
            .Gives(0);
    }
}
