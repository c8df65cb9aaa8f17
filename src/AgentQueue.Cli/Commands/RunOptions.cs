using System.CommandLine;

namespace AgentQueue.Cli.Commands;

/// <summary>What is to be done with the tasks that a verb has queued.</summary>
/// <param name="printed">What <c>--quiet</c> still prints.</param>
/// <param name="outcome">What <c>--wait</c> exits by.</param>
internal sealed class RunOptions(string printed = "the id", string outcome = "its outcome")
{
    private readonly Option<bool> _run = Options.Flag(
        "--run",
        "Start it at once if a slot is free"
    );

    private readonly Option<bool> _wait = Options.Flag(
        "--wait",
        $"Start it, stay until it has ended, and exit by {outcome}"
    );

    private readonly Option<bool> _quiet = Options.Flag(
        "--quiet",
        $"Print nothing but {printed}",
        "-q"
    );

    public void AddTo(Command command)
    {
        command.Options.Add(_run);
        command.Options.Add(_wait);
        command.Options.Add(_quiet);
    }

    public StartReport.Wishes Read(ParseResult parsed) =>
        new(parsed.GetValue(_run), parsed.GetValue(_wait), parsed.GetValue(_quiet));
}
