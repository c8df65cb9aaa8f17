using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>A program to be run for a task outside the queue.</summary>
/// <param name="Action">What the record calls it.</param>
/// <param name="Program">Looked up on PATH.</param>
/// <param name="Input">What it reads from standard input.</param>
internal sealed record OutsideCommand(
    string Action,
    string Program,
    ImmutableArray<string> Arguments,
    string WorkingFolder,
    TaskId Subject,
    string Input = ""
)
{
    private const int LongestTitle = 100;

    /// <summary>The program and its arguments.</summary>
    public IEnumerable<string> Line => Arguments.Prepend(Program);

    /// <summary>Makes the task's branch and switches to it.</summary>
    public static OutsideCommand Branch(AgentTask task, string projectRoot)
    {
        var folder = task.WorkingFolder ?? projectRoot;
        return new OutsideCommand(
            "git.branch",
            "git",
            ["-C", folder, "checkout", "-b", BranchName.Of(task)],
            folder,
            task.Id
        );
    }

    /// <summary>Whether the task's branch exists: exit code 0.</summary>
    public static OutsideCommand LookForBranch(AgentTask task, string projectRoot)
    {
        var branch = Branch(task, projectRoot);
        return branch with
        {
            Arguments =
            [
                "-C",
                branch.WorkingFolder,
                "show-ref",
                "--verify",
                "--quiet",
                "refs/heads/" + BranchName.Of(task),
            ],
        };
    }

    /// <summary>Opens an issue on GitHub with the task's prompt in it, which is no argument: it may be long.</summary>
    public static OutsideCommand Issue(AgentTask task, string projectRoot, string? title) =>
        new(
            "git.issue",
            "gh",
            ["issue", "create", "--title", title ?? TitleOf(task), "--body-file", "-"],
            task.WorkingFolder ?? projectRoot,
            task.Id,
            task.Prompt
        );

    private static string TitleOf(AgentTask task)
    {
        var first = (task.Name ?? task.Prompt).Trim().Split('\n')[0].Trim();
        return first.Length == 0 ? task.Id.Value
            : first.Length <= LongestTitle ? first
            : string.Concat(
                first.AsSpan(
                    0,
                    LongestTitle - (char.IsHighSurrogate(first[LongestTitle - 1]) ? 1 : 0)
                ),
                "…"
            );
    }
}
