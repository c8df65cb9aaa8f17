using AgentQueue.Cli.Output;
using AgentQueue.Native;
using AgentQueue.Processes;

namespace AgentQueue.Cli;

/// <summary>
/// Every invocation: guard against what a careless caller hands on, then live as a supervisor, run hooks,
/// offer completions, or run one verb.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (!OperatingSystem.IsWindows())
        {
            Posix.SurviveTooLargeFiles();
            KeepStandardDescriptors();
        }

        return args switch
        {
            [DetachedLaunch.Verb, ..] => SuperviseCommand.Run(args),
            [DetachedLaunch.HookVerb, ..] => HookCommand.Run(args),
            [CompleteCommand.Verb, ..] => CompleteCommand.Run(args),
            _ => (int)new CommandLine(Screen.Open()).Run(args),
        };
    }

    // Closed by the caller, 0 to 2 would be given to the next files that are opened, and what is printed
    // would go into a task.
    private static void KeepStandardDescriptors()
    {
        int fd;
        do
        {
            fd = Libc.Open("/dev/null", Libc.O_RDWR);
        } while (fd is >= 0 and <= 2);

        _ = Libc.Close(fd);
    }
}
