using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Native;
using AgentQueue.Scheduling;

namespace AgentQueue.Keeping;

/// <summary>Whether agents can be started here, and keep running.</summary>
internal sealed class SetupChecks(ProjectQueue project, Func<string, string?> environment)
{
    public void Check(List<Finding> findings)
    {
        var path = environment("PATH");
        var config = AgentConfig.Validate(project.Root, path);
        var settings = Settings.Validate(project.Queue.Folder);
        foreach (var problem in config.Concat(settings))
        {
            findings.Add(
                new Finding(
                    "config",
                    problem.IsError ? Health.Problem : Health.Warning,
                    problem.ToString(),
                    problem.IsError ? "See all: agentq config validate" : null
                )
            );
        }

        if (!config.Any(static p => p.IsError))
        {
            CheckAgents(findings, path);
        }

        CheckGit(findings, path);
    }

    private void CheckGit(List<Finding> findings, string? path) =>
        findings.Add(
            ExecutableLookup.Find("git", path, project.Root) is { } git
                ? new Finding("git", Health.Ok, $"Found: {git}")
            // A link to the repository's folder is a file.
            : Path.Exists(Path.Join(project.Root, ".git"))
                ? new Finding(
                    "git",
                    Health.Warning,
                    "git is not found on the PATH, so there are no worktrees, and what agents change is not known",
                    "Install git (https://git-scm.com), or add its folder to the PATH"
                )
            : new Finding("git", Health.Ok, "git is not found, and not needed here")
        );

    private void CheckAgents(List<Finding> findings, string? path)
    {
        var agents = AgentConfig.Load(project.Root).Agents.Values;
        var found = agents
            .Where(a => ExecutableLookup.Find(a.Command, path, project.Root) is not null)
            .Select(static a => a.Name)
            .ToList();
        findings.Add(
            found.Count > 0
                ? new Finding("agents", Health.Ok, $"Found: {string.Join(", ", found)}")
                : new Finding(
                    "agents",
                    Health.Problem,
                    "The command of no agent is found",
                    "See what is looked for: agentq agents"
                )
        );
    }

    /// <summary>What the machine may do to agents and to those who wait.</summary>
    public void CheckSystem(List<Finding> findings)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        CheckWatches(findings);
        if (Directory.Exists("/run/systemd/system") && EndsProcessesAtLogout() && !Lingers())
        {
            findings.Add(
                new Finding(
                    "logout",
                    Health.Warning,
                    "This machine ends all your processes when you log out, agents included",
                    "Keep them: loginctl enable-linger"
                )
            );
        }
    }

    private void CheckWatches(List<Finding> findings)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var fd = Linux.OpenWatch();
        var watches = Linux.AlsoWatch(fd, project.Root, Linux.IN_CREATE);
        if (fd >= 0)
        {
            _ = Libc.Close(fd);
        }

        if (watches)
        {
            findings.Add(
                new Finding("watches", Health.Ok, "Changes are told of at once (inotify)")
            );
            return;
        }

        findings.Add(
            new Finding(
                "watches",
                Health.Warning,
                "No inotify watch is left, so changes are looked for several times a second instead",
                "Allow more: sysctl fs.inotify.max_user_instances=512"
            )
        );
    }

    private static bool EndsProcessesAtLogout()
    {
        string[] folders = ["/usr/lib/systemd/logind.conf.d", "/etc/systemd/logind.conf.d"];
        var files = folders
            .Where(Directory.Exists)
            .SelectMany(static f =>
                Directory.EnumerateFiles(f, "*.conf").Order(StringComparer.Ordinal)
            )
            .Prepend("/etc/systemd/logind.conf");
        var ends = false;
        foreach (var file in files)
        {
            foreach (var line in LinesOf(file))
            {
                var parts = line.Split('=', 2, StringSplitOptions.TrimEntries);
                if (parts is ["KillUserProcesses", var value])
                {
                    ends = value.ToUpperInvariant() is "YES" or "TRUE" or "ON" or "1";
                }
            }
        }

        return ends;
    }

    private static string[] LinesOf(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Only a hint depends on it.
            return [];
        }
    }

    private bool Lingers() =>
        environment("USER") is { Length: > 0 } user
        && !user.Contains('/', StringComparison.Ordinal)
        && File.Exists(
            string.Create(CultureInfo.InvariantCulture, $"/var/lib/systemd/linger/{user}")
        );
}
