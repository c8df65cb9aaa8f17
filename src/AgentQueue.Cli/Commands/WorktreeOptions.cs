using System.CommandLine;
using AgentQueue.Git;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>What <c>start</c> says about the worktree of a task.</summary>
internal static class WorktreeOptions
{
    public static readonly Option<string?> Branch = new("--worktree")
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

    /// <summary>As asked; null for none.</summary>
    public static Worktree? Read(ParseResult parsed)
    {
        var from = parsed.GetValue(Base);
        return parsed.GetResult(Branch) is { Implicit: false }
                ? new Worktree { Branch = parsed.GetValue(Branch), Base = from }
            : from is null ? null
            : throw QueueException.Usage(
                "--base says what the branch of a worktree begins from",
                "Say --worktree too"
            );
    }

    /// <summary>
    /// With the commit that its worktree begins from as it is now. What agents do by themselves counts when
    /// nothing was asked.
    /// </summary>
    /// <exception cref="QueueException">There is no repository, no such commit, or that is no name for a branch.</exception>
    public static NewTask Resolve(Session session, NewTask request)
    {
        var agent = session.Project.Config.Find(request.Agent);
        var asked =
            request.Worktree ?? (agent.Worktree is { IsDefault: true } ? new Worktree() : null);
        if (asked is null)
        {
            return request;
        }

        var clock = session.Project.Clock;
        var branch = asked.Branch;
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

        return request with
        {
            Worktree = asked with
            {
                Commit = WorktreeMaker.CommitOf(repository, branch, asked.Base),
            },
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
