using System.Runtime.InteropServices;
using AgentQueue.Native;
using AgentQueue.Processes;

namespace AgentQueue.Cli;

/// <summary>
/// <c>agentq-server</c>, which stands beside <c>agentq</c> and holds what needs the Model Context Protocol or a web
/// server. A verb that needs it becomes it, so that no second process stands between it and its client.
/// </summary>
internal static class ServerProgram
{
    /// <summary>Names the server where it does not stand beside agentq.</summary>
    public const string Variable = "AGENTQ_SERVER";

    private const string Name = "agentq-server";

    /// <summary>Does not return, except with an error.</summary>
    /// <param name="arguments">What the server is called with; how to call agentq follows them.</param>
    /// <exception cref="QueueException">It is not there, or cannot be started.</exception>
    public static void Become(IReadOnlyList<string> arguments)
    {
        var (program, first) = DetachedLaunch.ProgramByPath();
        var path = Find(AppContext.BaseDirectory);
        if (OperatingSystem.IsWindows())
        {
            throw new QueueException(
                $"On Windows {Name} has to be called itself",
                $"{Name} {string.Join(' ', arguments)}"
            );
        }

        var error = Spawn.Become(path, [path, .. arguments, "--", program, .. first]);
        throw new QueueException(
            $"{path} cannot be started: {Marshal.GetPInvokeErrorMessage(error)}"
        );
    }

    private static string Find(string folder)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return File.Exists(named)
                ? Path.GetFullPath(named)
                : throw new QueueException($"{Variable} names {named}, which is no file");
        }

        var beside = Path.Join(folder, OperatingSystem.IsWindows() ? Name + ".exe" : Name);
        return File.Exists(beside)
            ? beside
            : throw new QueueException(
                $"{Name} is not beside agentq, in {Path.TrimEndingDirectorySeparator(folder)}",
                $"Install agentq as a package or with ./build.sh install, or say where it is: {Variable}=PATH"
            );
    }
}
