using System.Diagnostics;
using AgentQueue.Git;

namespace AgentQueue.Tests.Git;

/// <summary>A repository of its own for one test, with one commit; nothing of the user's configuration counts.</summary>
internal sealed class GitStage : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentq-git-").FullName;

    public GitStage()
    {
        Root = Path.Join(_folder, "project");
        Directory.CreateDirectory(Root);
        Git("init", "--quiet", "--initial-branch=main");
        // What agentq itself commits in tests of this process needs a name too.
        Git("config", "user.name", "Tester");
        Git("config", "user.email", "tester@example.org");
        Git("config", "core.autocrlf", "false");
        Write("kept.txt", "kept\n");
        Commit("first");
    }

    public string Root { get; }

    public GitRepository Repository =>
        GitRepository.Find(Root) ?? throw new InvalidOperationException("no repository");

    public string Write(string path, string text)
    {
        var full = Path.Join(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return full;
    }

    public void Commit(string message)
    {
        Git("add", "--all");
        Git("commit", "--quiet", "-m", message);
    }

    public string Git(params string[] arguments) => GitIn(Root, arguments);

    public static string GitIn(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("git", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["GIT_CONFIG_NOSYSTEM"] = "1";
        start.Environment["GIT_CONFIG_GLOBAL"] = OperatingSystem.IsWindows() ? "NUL" : "/dev/null";
        using var git = Process.Start(start)!;
        var errors = git.StandardError.ReadToEndAsync();
        var output = git.StandardOutput.ReadToEnd();
        Assert.True(git.WaitForExit(30_000), "git did not end");
        Assert.True(git.ExitCode == 0, $"git {string.Join(' ', arguments)}: {errors.Result}");
        return output.TrimEnd('\n');
    }

    public void Dispose()
    {
        // Objects are read-only files, which Windows does not remove.
        foreach (var file in Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories))
        {
            File.SetAttributes(file, FileAttributes.Normal);
        }

        Directory.Delete(_folder, recursive: true);
    }
}
