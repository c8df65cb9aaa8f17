using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>Plans before they run: checked and drawn.</summary>
public sealed class PlanFileTests
{
    [Fact]
    public void A_good_plan_is_said_to_be_good_and_a_bad_one_says_where()
    {
        using var box = new Sandbox();
        box.Write("good.yaml", "tasks: [{id: a, cmd: x}, {id: b, cmd: x, depends_on: [a]}]\n");
        box.Write("bad.yaml", "tasks:\n  - id: a\n    cmd: x\n    retires: 2\n");

        Assert.Equal(
            "good.yaml: 2 tasks, 1 dependency, nothing wrong\n",
            box.Run("plan", "validate", "good.yaml").Gives(0).Out
        );
        Assert.Equal(
            "error: bad.yaml:4:5: tasks[0].retires is not a known key; did you mean 'retries'?\n",
            box.Run("plan", "validate", "bad.yaml").Gives(2).Out
        );
        Assert.Contains(
            "agentq plan validate bad.yaml",
            box.Run("plan", "graph", "bad.yaml").Gives(2).Err,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no plan none.yaml",
            box.Run("plan", "validate", "none.yaml").Gives(2).Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void For_programs_each_problem_has_its_line_and_column()
    {
        using var box = new Sandbox();
        box.Write("bad.yaml", "tasks:\n  - id: a\n    cmd: ''\n");

        var reply = JsonDocument.Parse(
            box.Run("plan", "validate", "bad.yaml", "--json").Gives(2).Out
        );

        Assert.False(reply.RootElement.GetProperty("valid").GetBoolean());
        var problem = Assert.Single(reply.RootElement.GetProperty("problems").EnumerateArray());
        Assert.Equal(
            (3, 10, "tasks.a.cmd"),
            (
                problem.GetProperty("line").GetInt32(),
                problem.GetProperty("column").GetInt32(),
                problem.GetProperty("key").GetString()
            )
        );
    }

    [Fact]
    public void A_plan_is_drawn_in_each_format_and_an_unknown_one_is_refused()
    {
        using var box = new Sandbox();
        box.Write(
            "p.yaml",
            "tasks: [{id: a, cmd: [echo, a b]}, {id: b, cmd: x, depends_on: [a]}]\n"
        );

        Assert.Equal("a  echo 'a b'\n└─ b  x\n", box.Run("plan", "graph", "p.yaml").Gives(0).Out);
        foreach (
            var (format, begins) in new[]
            {
                ("mermaid", "graph TD\n"),
                ("dot", "digraph {\n"),
                ("svg", "<svg "),
            }
        )
        {
            Assert.StartsWith(
                begins,
                box.Run("plan", "graph", "p.yaml", "--format", format).Gives(0).Out,
                StringComparison.Ordinal
            );
        }

        Assert.Contains(
            "did you mean 'svg'?",
            box.Run("plan", "graph", "p.yaml", "--format", "svgg").Gives(2).Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Parameters_are_given_with_set()
    {
        using var box = new Sandbox();
        box.Write("p.yaml", "params: {who: }\ntasks: [{id: a, cmd: [echo, '${params.who}']}]\n");

        Assert.Contains(
            "--set who=VALUE",
            box.Run("plan", "validate", "p.yaml").Gives(2).Out,
            StringComparison.Ordinal
        );
        Assert.Equal(
            "a  echo 'you & me'\n",
            box.Run("plan", "graph", "p.yaml", "--set", "who=you & me").Gives(0).Out
        );
        box.Run("plan", "validate", "p.yaml", "--set", "who").Gives(2);
        box.Run("plan", "validate", "p.yaml", "--set", "who=a", "--set", "who=b").Gives(2);
    }

    [Fact]
    public void Every_plan_in_the_examples_is_good()
    {
        using var box = new Sandbox();
        var examples = Directory.GetFiles(Path.Join(Binaries.Repository, "examples"), "*.yaml");
        Assert.NotEmpty(examples);
        Assert.All(examples, e => box.Run("plan", "validate", e).Gives(0));
    }

    [Fact]
    public void A_file_that_is_no_plan_is_refused_in_sentences_and_costs_little()
    {
        using var box = new Sandbox();
        box.Write("deep.yaml", new string('[', 100_000));
        box.Write("bomb.yaml", Bomb());
        box.Write("empty.yaml", "");
        Directory.CreateDirectory(Path.Join(box.Folder, "folder.yaml"));
        foreach (var name in new[] { "deep.yaml", "bomb.yaml", "empty.yaml", "folder.yaml" })
        {
            var run = box.Run("plan", "validate", name).Gives(2);
            var lines = (run.Out + run.Err).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.InRange(lines.Length, 1, 100);
            Assert.All(lines, l => Assert.Matches("^(error: |agentq: |  hint: )", l));
        }
    }

    // Each alias stands for ten of the one before: a billion values, if they were counted out.
    private static string Bomb()
    {
        var text = new StringBuilder("a0: &a0 [x]\n");
        for (var i = 1; i < 10; i++)
        {
            var aliases = string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10));
            text.Append(CultureInfo.InvariantCulture, $"a{i}: &a{i} [{aliases}]\n");
        }

        return text.Append("tasks: *a9\n").ToString();
    }
}
