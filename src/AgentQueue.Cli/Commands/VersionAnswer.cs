using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;
using AgentQueue.Cli.Output;

namespace AgentQueue.Cli.Commands;

/// <summary><c>--version</c>: which agentq this is, from which commit, and when it was built.</summary>
/// <remarks>build.sh gives commit and time to the build; in one made without it they are not known.</remarks>
internal sealed class VersionAnswer : SynchronousCommandLineAction
{
    public static void Replace(VersionOption option)
    {
        option.Action = new VersionAnswer();
        option.Description = "Show the version, its commit and when it was built";
        option.Validators.Clear();
        option.Validators.Add(StandsAlone);
    }

    public override int Invoke(ParseResult parseResult)
    {
        // Looked up only here: no other call pays for it.
        var assembly = typeof(VersionAnswer).Assembly;
        var version = assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion;
        var facts = assembly
            .GetCustomAttributes<AssemblyMetadataAttribute>()
            .ToDictionary(static a => a.Key, static a => a.Value);
        var commit = facts.GetValueOrDefault("Commit");
        var built = facts.GetValueOrDefault("Built");
        if (parseResult.GetValue(CommonOptions.Json))
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("agentq"u8, version);
                    w.WriteString("commit"u8, commit);
                    w.WriteString("built"u8, built);
                }
            );
        }
        else
        {
            var time = built is null ? "" : $", built {built}";
            Session.Screen.Out($"agentq {version} (commit {commit ?? "unknown"}{time})\n");
        }

        return 0;
    }

    // With a verb or a text beside it something else was meant; the options of every verb do no harm.
    private static void StandsAlone(OptionResult result)
    {
        if (
            result.Parent is CommandResult parent
            && parent.Children.Any(static c => c is not OptionResult)
        )
        {
            result.AddError("--version takes no verb and no text beside it.");
        }
    }
}
