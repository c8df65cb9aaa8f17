using System.Globalization;
using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Tasks;

/// <summary>
/// The rows of the verdict table, each with a condition of its own; the first that holds decides. It is
/// written a second time here on purpose: <see cref="Verdict.Judge"/> must agree on every evidence.
/// </summary>
internal static class VerdictTable
{
    public static readonly Row[] Rows =
    [
        new(
            "Cancelling was asked for, or `.cancelled` is there",
            static e => e with { CancelRequested = true },
            static e => e.CancelRequested,
            static _ => "cancelled"
        ),
        new(
            "The time is up, `agentq timeout` was asked for, or `.timeout` is there",
            static e => e with { TimedOut = true },
            static e => e.TimedOut,
            static _ => "failed: timeout"
        ),
        new(
            "No output for the idle limit",
            static e => e with { Stalled = true },
            static e => e.Stalled,
            static _ => "failed: stalled"
        ),
        new(
            "`.error` is there",
            static e => e with { Error = new ErrorReport("it went wrong") },
            static e => e.Error is not null,
            static e => "failed: " + (e.Error!.Reason ?? "error")
        ),
        new(
            "It had done its work, and a check of its work failed",
            static e => e with { CheckFailed = "the check exited with code 1" },
            static e => e.CheckFailed is not null,
            static _ => "failed: verify"
        ),
        new(
            "It had done its work, and its supervisor ended while that was checked",
            static e => e with { CheckLost = "its supervisor was killed" },
            static e => e.CheckLost is not null,
            static _ => "failed: lost"
        ),
        new(
            "`.done` is there",
            static e => e with { Done = true },
            static e => e is { Done: true, Completion: not Completion.Exit },
            static _ => "complete"
        ),
        new(
            "The agent could not be started",
            static e => e with { LaunchError = "no such program" },
            static e => e.LaunchError is not null,
            static _ => "failed: launch"
        ),
        new(
            "Its account has reached a usage limit, and it was not to wait",
            static e => e with { IsAtLimit = true },
            static e => e.IsAtLimit,
            static _ => "failed: limit"
        ),
        new(
            "The agent exited with code 0, and its own account tells of an error, or breaks off",
            static e => e with { AgentProblem = "it went wrong", Exit = ExitStatus.Exited(0) },
            static e => e is { AgentProblem: not null, Exit.IsSuccess: true },
            static _ => "failed: agent"
        ),
        new(
            "The agent exited with code 0",
            static e => e with { Exit = ExitStatus.Exited(0) },
            static e => e.Exit is { IsSuccess: true },
            static e => e.Completion == Completion.Sentinel ? "failed: no-signal" : "complete"
        ),
        new(
            "The agent exited with another code, or by a signal",
            static e => e with { Exit = ExitStatus.Exited(3) },
            static e => e.Exit is not null,
            static _ => "failed: exit"
        ),
        new(
            "Nothing of that: supervisor and agent ended without a record",
            static e => e,
            static _ => true,
            static _ => "failed: lost"
        ),
    ];

    /// <param name="Evidence">In words, for people.</param>
    /// <param name="Add">Adds this evidence to other.</param>
    /// <param name="Holds">True if this row applies.</param>
    /// <param name="Outcome">What it says.</param>
    internal sealed record Row(
        string Evidence,
        Func<Evidence, Evidence> Add,
        Func<Evidence, bool> Holds,
        Func<Evidence, string> Outcome
    );

    public static string Expected(Evidence evidence) =>
        Rows.First(r => r.Holds(evidence)).Outcome(evidence);

    public static string Judged(Evidence evidence) =>
        Verdict.Judge(evidence) switch
        {
            Verdict.Complete => "complete",
            Verdict.Cancelled => "cancelled",
            Verdict.Failed failed => "failed: " + failed.Reason,
            var other => throw new InvalidOperationException(other.ToString()),
        };

    /// <summary>The table as docs/design.md holds it; every cell is what the code says.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder();
        text.Append("| # | the first of these that holds | `auto` | `exit` | `sentinel` |\n");
        text.Append("|--:|---|---|---|---|\n");
        for (var i = 0; i < Rows.Length; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {i + 1} | {Rows[i].Evidence} |");
            foreach (var completion in Enum.GetValues<Completion>())
            {
                var nothing = new Evidence { Completion = completion };
                var all = Rows[i].Add(nothing);
                var judged = Judged(all);
                var counts = Rows[i].Holds(all);
                text.Append(
                    CultureInfo.InvariantCulture,
                    $" {(counts ? judged : "not looked at")} |"
                );
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
