using System.CommandLine;
using AgentQueue.Git;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>What <c>start</c> says about the worktree of a task.</summary>
internal static class WorktreeOptions
{
    public static readonly Option<string?> Worktree = new("--worktree")
    {
        Description =
            "Let it work in a git worktree of its own, on BRANCH or a new one (put it last, or --worktree=BRANCH)",
        HelpName = "BRANCH",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static readonly Option<string?> Base = Options.Text(
        "--base",
        "REF",
        "What its branch begins from (default: what is checked out here)"
    );

    /// <summary>
    /// As asked, with the commit that it begins from as it is now; null for none. What agents do by
    /// themselves counts when nothing was asked.
    /// </summary>
    /// <exception cref="QueueException">There is no repository, no such commit, or that is no name for a branch.</exception>
    public static Worktree? Read(Session session, ParseResult parsed, NewTask request)
    {
        var wanted = parsed.GetResult(Worktree) is { Implicit: false };
        var from = parsed.GetValue(Base);
        var agent = session.Project.Config.Find(request.Agent);
        if (!wanted && agent.Worktree is null)
        {
            return from is null
                ? null
                : throw QueueException.Usage(
                    "--base says what the branch of a worktree begins from",
                    "Say --worktree too"
                );
        }

        var clock = session.Project.Clock;
        var branch = parsed.GetValue(Worktree);
        var repository = WorktreeMaker.RepositoryOf(
            request.WorkingFolder ?? FolderOf(session, agent.Cwd),
            clock
        );
        CheckName(repository, branch);
        // What is checked out where somebody types counts, if that is the same repository.
        var here = GitRepository.Find(session.CurrentFolder, clock);
        if (here?.CommonFolder == repository.CommonFolder)
        {
            repository = here;
        }

        return new Worktree
        {
            Branch = branch,
            Base = from,
            Commit = WorktreeMaker.CommitOf(repository, branch, from),
        };
    }

    private static string FolderOf(Session session, string? cwd) =>
        cwd is not null
        && Path.GetFullPath(cwd, session.Project.Root) is var folder
        && Directory.Exists(folder)
            ? folder
            : session.Project.Root;

    private static void CheckName(GitRepository repository, string? branch)
    {
        if (
            branch is not null
            && !repository
                .Git.Run(repository.Top, ["check-ref-format", "--branch", branch])
                .IsSuccess
        )
        {
            throw QueueException.Usage($"'{branch}' is no name for a branch");
        }
    }
}
