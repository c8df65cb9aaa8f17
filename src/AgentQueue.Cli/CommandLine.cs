using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using AgentQueue.Cli.Commands;
using AgentQueue.Cli.Output;

namespace AgentQueue.Cli;

/// <summary>Parses a command line, runs its verb, and turns every failure into one sentence and an exit code.</summary>
internal sealed class CommandLine(Screen screen)
{
    private static readonly ParserConfiguration s_parser = new()
    {
        // "@alice please" is a prompt; by default it would be taken for a file of arguments.
        ResponseFileTokenReplacer = null,
        EnablePosixBundling = false,
    };

    public ExitCode Run(string[] args)
    {
        ExitCode code;
        var active = screen;
        try
        {
            InputText.CheckArguments(args);
            args = Verbs.Normalize(args);
            Verbs.RefuseUnknown(args);
            var root = BuildRoot(args);
            var parsed = root.Parse(args, s_parser);
            if (parsed.GetValue(CommonOptions.NoColor))
            {
                active = Screen.Open(noColor: true);
            }

            code = Invoke(parsed, active);
        }
        catch (QueueException e)
        {
            active.Error(e);
            code = e.ExitCode;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            active.Error(
                new QueueException(
                    $"This is a bug in agentq: {e.GetType().Name}: {e.Message}",
                    "Please report it with what stands here:\n" + e.StackTrace
                )
            );
            code = ExitCode.Bug;
        }

        return active.Finish(code);
    }

    /// <summary>The command tree with the one verb that is asked for, or, for help and completion, all of them.</summary>
    public static RootCommand BuildRoot(string[] args)
    {
        var root = new RootCommand(
            "A task queue for coding agents, kept in a folder of files: no daemon, no database."
        );
        CommonOptions.AddTo(root);
        if (Verbs.Find(args) is { } verb)
        {
            root.Subcommands.Add(verb.Create());
        }
        else
        {
            foreach (var each in Verbs.All)
            {
                root.Subcommands.Add(each.Create());
            }
        }

        foreach (var option in root.Options)
        {
            if (option is HelpOption help)
            {
                help.Action = new HelpWithExamples((HelpAction)help.Action!);
            }
            else if (option is VersionOption version)
            {
                VersionAnswer.Replace(version);
            }
        }

        return root;
    }

    private static ExitCode Invoke(ParseResult parsed, Screen screen)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = output,
        };
        var helpOrVersion =
            parsed.Action is HelpWithExamples
            || parsed is { Action: VersionAnswer, Errors.Count: 0, UnmatchedTokens.Count: 0 };
        if (
            !helpOrVersion
            && parsed is { CommandResult.Command: RootCommand, UnmatchedTokens.Count: 0 }
        )
        {
            // Called with nothing to do: what there is to do.
            parsed = parsed.CommandResult.Command.Parse(["--help"], s_parser);
            helpOrVersion = true;
        }

        if (!helpOrVersion && (parsed.Errors.Count > 0 || UsageErrors.Misspelt(parsed) is not null))
        {
            throw UsageErrors.From(parsed);
        }

        Session.Screen = screen;
        var code = parsed.Invoke(configuration);
        screen.Out(output.ToString());
        return (ExitCode)code;
    }

    private sealed class HelpWithExamples(HelpAction inner) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            inner.MaxWidth = 100;
            // What the verb above takes by itself is no part of the one below it.
            var above = parseResult
                .CommandResult.Command.Parents.OfType<Command>()
                .SelectMany(static c => c.Arguments)
                .ToList();
            above.ForEach(static a => a.Hidden = true);
            var code = inner.Invoke(parseResult);
            above.ForEach(static a => a.Hidden = false);
            var output = parseResult.InvocationConfiguration.Output;
            if (parseResult.CommandResult.Command is Verb { Examples: { Count: > 0 } examples })
            {
                output.WriteLine("Examples:");
                foreach (var example in examples)
                {
                    output.WriteLine("  " + example);
                }

                output.WriteLine();
            }

            return code;
        }
    }
}
