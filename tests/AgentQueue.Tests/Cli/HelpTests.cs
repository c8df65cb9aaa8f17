using System.CommandLine;
using AgentQueue.Cli;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Cli;

public sealed class HelpTests
{
    public static TheoryData<string> Names => [.. Verbs.All.Select(v => v.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_help_of_every_verb_is_as_it_was_accepted(string verb)
    {
        var text = Help(verb);
        foreach (var below in Verbs.All.Single(v => v.Name == verb).Create().Subcommands)
        {
            text += "\n────────\n\n" + Help(verb, below.Name);
        }

        Snapshot.Verify(text, verb);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_verb_has_an_example_that_begins_with_it(string verb)
    {
        var command = Assert.IsType<Verb>(Verbs.All.Single(v => v.Name == verb).Create());

        Assert.NotEmpty(command.Examples);
        Assert.All(command.Examples, e => Assert.Contains($"agentq {verb}", e));
    }

    // Without a name of its own the help lists all that could be completed there: every task, every agent.
    [Theory]
    [MemberData(nameof(Names))]
    public void No_help_depends_on_the_project(string verb)
    {
        var command = Verbs.All.Single(v => v.Name == verb).Create();

        Assert.All(
            command.Subcommands.Prepend(command).SelectMany(c => c.Arguments),
            a => Assert.True(a.CompletionSources.Count == 0 || a.HelpName is not null, a.Name)
        );
    }

    private static string Help(params string[] words)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var code = CommandLine
            .BuildRoot(words)
            .Parse([.. words, "--help"])
            .Invoke(new InvocationConfiguration { Output = output });

        Assert.Equal(0, code);
        return output.ToString().Replace(RootCommand.ExecutableName, "agentq");
    }
}
