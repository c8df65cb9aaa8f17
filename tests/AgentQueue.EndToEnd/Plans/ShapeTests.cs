using System.Globalization;
using System.Text;

namespace AgentQueue.EndToEnd.Plans;

/// <summary>Graphs of all shapes, and how many of their tasks run at once.</summary>
public sealed class ShapeTests
{
    [Fact]
    public void The_end_of_a_diamond_waits_for_both_of_its_sides()
    {
        using var box = new Sandbox();
        box.Detach(
            $$"""
            tasks:
              - {id: top, cmd: {{box.Noting("top")}}}
              - {id: left, cmd: {{box.Noting("left")}}, depends_on: [top]}
              - {id: right, cmd: {{box.Noting("right", box.Gate())}}, depends_on: [top]}
              - {id: end, cmd: {{box.Noting("end")}}, depends_on: [left, right]}
            """
        );
        box.NodeReaches("left", "complete");
        box.Starts("right");
        Assert.Equal("pending", box.Plan()["end"].State);

        box.Open();

        box.Reaches("complete");
        Assert.EndsWith("stop right, start end, stop end", box.Told(), StringComparison.Ordinal);
        box.Journal.ShowsNoSecondStart();
    }

    [Fact]
    public void One_task_waits_for_a_hundred()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        var numbers = string.Join(", ", Enumerable.Range(1, 100));

        box.RunPlan(
                $$"""
                max_parallel: 8
                tasks:
                  - {id: wide, cmd: {{box.Noting("wide")}}, matrix: {n: [{{numbers}}]} }
                  - {id: end, cmd: {{box.Noting("end")}}, depends_on: [wide]}
                """
            )
            .Gives(0);

        Assert.Equal(100, box.Journal.StartsOf("wide"));
        Assert.EndsWith("stop wide, start end, stop end", box.Told(), StringComparison.Ordinal);
        Assert.Equal(101, box.Plan().Nodes.Count);
    }

    [Fact]
    public void A_hundred_tasks_wait_for_one_and_none_runs_if_it_fails()
    {
        using var box = new Sandbox();
        var numbers = string.Join(", ", Enumerable.Range(1, 100));

        box.RunPlan(
                $$"""
                tasks:
                  - {id: one, cmd: "false"}
                  - {id: wide, cmd: {{box.Noting(
                    "wide"
                )}}, matrix: {n: [{{numbers}}]}, depends_on: [one]}
                """
            )
            .Gives(3);

        Assert.Empty(box.Journal.Lines);
        Assert.Equal(100, box.Plan().Nodes.Count(static n => n.State == "skipped"));
    }

    [Fact]
    public void A_chain_of_a_thousand_runs_to_its_end_in_order()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        box.RunPlan(Chain(box, 1000)).Gives(0);

        Assert.Equal(Enumerable.Range(0, 1000).Select(static i => $"t{i}"), box.Journal.Starts);
        Assert.Equal(1, box.Journal.MostAtOnce);
    }

    [Fact]
    public void A_chain_of_a_thousand_that_breaks_at_once_is_skipped_to_its_end()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        var plan = Chain(box, 1000).Replace(box.Noting("t0"), "'false'", StringComparison.Ordinal);

        box.RunPlan(plan).Gives(3);

        Assert.Equal(999, box.Plan().Nodes.Count(static n => n.State == "skipped"));
        Assert.Empty(box.Journal.Lines);
    }

    [Fact]
    public void Of_a_matrix_no_more_run_at_once_than_it_allows()
    {
        using var box = new Sandbox();
        var noted = box.Noting("m-${matrix.a}${matrix.b}", box.UntilStarted(2));

        box.RunPlan(
                $$"""
                max_parallel: 6
                tasks:
                  - id: m
                    cmd: {{noted}}
                    matrix: {a: [x, y, z], b: [p, q, r]}
                    max_parallel: 2
                """
            )
            .Gives(0);

        Assert.Equal(9, box.Journal.Starts.Distinct().Count());
        Assert.Equal(2, box.Journal.MostAtOnce);
        box.Journal.ShowsNoSecondStart();
    }

    [Fact]
    public void What_a_matrix_may_not_start_yet_keeps_no_slot_from_others()
    {
        using var box = new Sandbox();
        box.Detach(
            $$"""
            max_parallel: 2
            tasks:
              - id: m
                cmd: {{box.Noting("m", box.Gate())}}
                matrix: {a: [x, y, z]}
                max_parallel: 1
              - {id: other, cmd: {{box.Noting("other")}} }
            """
        );

        box.Starts("m");
        box.NodeReaches("other", "complete");
        Assert.Equal(1, box.Journal.StartsOf("m"));
        box.Open();
        box.Reaches("complete");
    }

    [Fact]
    public void A_run_has_no_more_tasks_at_once_than_it_was_told()
    {
        using var box = new Sandbox();
        var numbers = string.Join(", ", Enumerable.Range(1, 12));

        box.RunPlan(
                $$"""
                max_parallel: 12
                tasks:
                  - {id: m, cmd: {{box.Noting(
                    "m",
                    box.UntilStarted(3)
                )}}, matrix: {n: [{{numbers}}]} }
                """,
                "--max-parallel",
                "3"
            )
            .Gives(0);

        Assert.Equal(3, box.Journal.MostAtOnce);
        Assert.Equal(12, box.Journal.StartsOf("m"));
    }

    [Fact]
    public void One_at_a_time_is_in_the_order_of_the_plan()
    {
        using var box = new Sandbox();

        box.RunPlan(
                $$"""
                max_parallel: 1
                tasks:
                  - {id: z, cmd: {{box.Noting("z")}} }
                  - {id: b, cmd: {{box.Noting("b")}}, depends_on: [m] }
                  - {id: m, cmd: {{box.Noting("m")}} }
                  - {id: k, cmd: {{box.Noting("k")}}, matrix: {n: [2, 1]} }
                  - {id: a, cmd: {{box.Noting("a")}} }
                """
            )
            .Gives(0);

        // What has become ready goes to its place in the plan.
        Assert.Equal("z m b k k a".Split(' '), box.Journal.Starts);
        Assert.Equal(1, box.Journal.MostAtOnce);
    }

    [Fact]
    public void Two_runs_at_once_have_their_own_slots()
    {
        using var box = new Sandbox();
        var plan = $$"""
            max_parallel: 1
            tasks:
              - {id: a, cmd: {{box.Noting("a", box.Gate())}} }
              - {id: b, cmd: {{box.Noting("b")}} }
            """;
        var first = box.Detach(plan);
        var second = box.Detach(plan);
        box.Starts("a", 2);

        box.Open();

        Eventually.Holds(() => box.Plan(first).IsOver && box.Plan(second).IsOver, "both are over");
        Assert.Equal("complete complete", box.Plan(first).States);
        Assert.Equal("complete complete", box.Plan(second).States);
        Assert.Equal(4, box.Journal.Starts.Count());
    }

    private static string Chain(Sandbox box, int length)
    {
        var plan = new StringBuilder("tasks:\n");
        for (var i = 0; i < length; i++)
        {
            var waits = i == 0 ? "" : $", depends_on: [t{i - 1}]";
            plan.Append(
                CultureInfo.InvariantCulture,
                $"  - {{id: t{i}, cmd: {box.Noting($"t{i}")}{waits}}}\n"
            );
        }

        return plan.ToString();
    }
}
