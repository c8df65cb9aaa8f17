using System.Runtime.InteropServices;
using AgentQueue.Config;
using AgentQueue.Native;

namespace AgentQueue.Server.Demo;

/// <summary><c>agentq demo</c>: the tour of docs/demo.sh, which is part of this program.</summary>
internal static class Tour
{
    private const string Name = "demo.sh";

    /// <summary>Becomes the shell that plays it: its end, and what ends it, are the shell's own.</summary>
    /// <exception cref="QueueException">There is no bash.</exception>
    public static int Become(Arguments.Demo arguments)
    {
        var bash = OperatingSystem.IsWindows()
            ? null
            : ExecutableLookup.Find("bash", Environment.GetEnvironmentVariable("PATH"), "/");
        if (bash is null)
        {
            throw new QueueException(
                "The tour is a shell script, and there is no bash here",
                OperatingSystem.IsWindows()
                    ? "Git for Windows has one: bash docs/demo.sh agentq.exe"
                    : "Install bash, or see agentq --help"
            );
        }

        var script = (arguments.NoColor ? "export NO_COLOR=1\n" : "") + Script();
        var error = Spawn.Become(bash, [bash, "-c", script, Name, .. arguments.Program]);
        throw new QueueException(
            $"{bash} cannot be started: {Marshal.GetPInvokeErrorMessage(error)}"
        );
    }

    private static string Script()
    {
        using var stream = typeof(Tour).Assembly.GetManifestResourceStream(Name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
