using System.CommandLine;

namespace AgentQueue.Cli;

/// <summary>The options of every verb.</summary>
internal static class CommonOptions
{
    public static readonly Option<string?> Root = new("--root")
    {
        Description = "The project folder (default: AGENTQ_ROOT, else found from here upwards)",
        HelpName = "DIR",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON document instead of text",
        Recursive = true,
    };

    public static readonly Option<bool> Debug = new("--debug")
    {
        Description = "Say on stderr what is done and why (also AGENTQ_DEBUG=1)",
        Recursive = true,
    };

    public static readonly Option<bool> NoColor = new("--no-color")
    {
        Description = "No colours (also NO_COLOR=1)",
        Recursive = true,
    };

    public static IReadOnlyList<Option> All => [Root, Json, Debug, NoColor];

    public static void AddTo(RootCommand root)
    {
        foreach (var option in All)
        {
            root.Options.Add(option);
        }
    }
}
