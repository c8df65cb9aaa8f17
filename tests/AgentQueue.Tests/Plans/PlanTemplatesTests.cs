using AgentQueue.Plans;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Plans;

public sealed class PlanTemplatesTests
{
    private static readonly Dictionary<string, string> s_nothing = [];

    [Fact]
    public void Each_of_ours_says_what_it_is_for_and_is_a_good_plan()
    {
        using var temp = new TempQueue();
        var templates = new PlanTemplates(temp.Queue).All(e => Assert.Fail(e.Message));

        Assert.Equal(
            ["build-test", "fan-out", "plan-build-review-document"],
            templates.Select(t => t.Name)
        );
        foreach (var template in templates)
        {
            Assert.EndsWith(".", template.Description, StringComparison.Ordinal);
            var text = PlanTemplates.Fill(template, "parser-2", s_nothing);
            Assert.Contains("parser-2", text, StringComparison.Ordinal);
            Assert.DoesNotContain("{{", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void One_of_the_project_hides_one_of_ours_and_what_cannot_be_read_is_told()
    {
        using var temp = new TempQueue();
        Own(temp, "build-test", "# Ours is better\ntasks: [{id: a, cmd: x}]\n");
        Own(temp, "mine", "tasks: [{id: \"{{name}}\", cmd: x}]\n");
        Own(temp, "no name", "");
        Directory.CreateDirectory(Path.Join(temp.Queue.Templates, "folder.yaml"));
        var told = new List<string>();

        var templates = new PlanTemplates(temp.Queue).All(e => told.Add(e.Message));

        Assert.Equal(
            [
                ("build-test", true),
                ("fan-out", false),
                ("mine", true),
                ("plan-build-review-document", false),
            ],
            templates.Select(t => (t.Name, t.IsOwn))
        );
        Assert.Equal("Ours is better", templates[0].Description);
        Assert.Equal("", templates[2].Description);
        Assert.Contains("folder.yaml", Assert.Single(told), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("old   # why", "\"new\"   # why")]
    [InlineData("'it''s'  # why", "\"new\"  # why")]
    [InlineData("\"a # \\\" b\" # why", "\"new\" # why")]
    [InlineData("1.0", "\"new\"")]
    [InlineData("true", "\"new\"")]
    [InlineData("", " \"new\"")]
    [InlineData("~", "\"new\"")]
    public void A_default_is_replaced_and_the_rest_of_the_file_stays(string before, string after)
    {
        var text =
            $"# x\nparams:\n  p: {before}\n  q: 'stays' # so\ntasks: [{{id: a, cmd: [x, '${{params.p}}']}}]\n";
        var expected = text.Replace($"p: {before}\n", $"p: {after}\n", StringComparison.Ordinal);
        if (before.Length == 0)
        {
            expected = text.Replace("p: \n", "p: \"new\" \n", StringComparison.Ordinal);
        }

        Assert.Equal(expected, Fill(text, ("p", "new")));
    }

    [Theory]
    [InlineData("a \"quoted\" \\ 'word' # no comment")]
    [InlineData("two\nlines\tand a tab")]
    [InlineData("{[*&!|>%@`")]
    [InlineData("日本 ü 😀")]
    [InlineData("yes")]
    [InlineData("1.0")]
    public void Any_value_is_kept_as_it_is(string value)
    {
        var text = Fill("params: {p: old, q: r}\ntasks: [{id: a, cmd: x}]\n", ("p", value));

        var (plan, _) = PlanReader.Read("p.yaml", System.Text.Encoding.UTF8.GetBytes(text));
        Assert.Equal(value, plan!.Parameters.Single(p => p.Key == "p").Value);
        Assert.Equal("r", plan.Parameters.Single(p => p.Key == "q").Value);
    }

    [Fact]
    public void An_unknown_parameter_is_refused_with_the_nearest()
    {
        var e = Assert.Throws<QueueException>(() =>
            Fill("params: {goal: x}\ntasks: [{id: a, cmd: x}]\n", ("gaol", "y"))
        );

        Assert.Contains("did you mean 'goal'?", e.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, e.ExitCode);
    }

    [Fact]
    public void A_value_that_an_alias_brings_cannot_be_set()
    {
        var e = Assert.Throws<QueueException>(() =>
            Fill("params:\n  p: &x old\n  q: *x\ntasks: [{id: a, cmd: x}]\n", ("q", "new"))
        );

        Assert.Contains("cannot change", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_makes_no_good_plan_is_refused_with_the_place() =>
        Assert.Contains(
            "t:1:",
            Assert.Throws<QueueException>(() => Fill("tasks: [{id: a}]\n")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_parameter_without_a_default_stays_open() =>
        Assert.Contains(
            "who:",
            Fill("params: {who: }\ntasks: [{id: a, cmd: [x, '${params.who}']}]\n"),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("a")]
    [InlineData("Release-2.1_final")]
    [InlineData("console")]
    public void A_plain_name_is_fine(string name) => Assert.Equal(name, PlanName.Require(name));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../a")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a--b")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("ü")]
    [InlineData("nul")]
    [InlineData("COM1.txt")]
    [InlineData("a.yaml")]
    public void A_name_that_could_lead_elsewhere_is_refused_with_the_rule(string name)
    {
        var e = Assert.Throws<QueueException>(() => PlanName.Require(name));

        Assert.Contains("A-Z a-z 0-9", e.Hint, StringComparison.Ordinal);
    }

    private static string Fill(string text, params (string Name, string Value)[] given) =>
        PlanTemplates.Fill(
            new PlanTemplate("t", text, IsOwn: true),
            "name",
            given.ToDictionary(g => g.Name, g => g.Value)
        );

    private static void Own(TempQueue temp, string name, string text)
    {
        Directory.CreateDirectory(temp.Queue.Templates);
        File.WriteAllText(Path.Join(temp.Queue.Templates, name + ".yaml"), text);
    }
}
