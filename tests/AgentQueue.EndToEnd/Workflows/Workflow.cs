using System.Text.Json;

namespace AgentQueue.EndToEnd.Workflows;

/// <summary>A project with a plan from the template of all four roles, and an agent that plans.</summary>
internal static class Workflow
{
    public const string GoodBuild = "mkdir -p build && echo built > build/app && echo building";
    public const string GoodCheck = "grep -q built build/app";

    /// <summary>Makes <c>plans/app.yaml</c>.</summary>
    public static void Make(Sandbox box, string build = GoodBuild, string check = GoodCheck)
    {
        box.Configure(
            """
            "planner": { "command": "/bin/sh", "args": ["-c", "mkdir -p plans && echo '# Steps' > plans/app.md", "{prompt}"] }
            """
        );
        MakeAgain(box, build, check);
    }

    public static void MakeAgain(Sandbox box, string build = GoodBuild, string check = GoodCheck)
    {
        box.Run(
                "plan",
                "new",
                "app",
                "--force",
                "--template",
                "plan-build-review-document",
                "--set",
                "agent=planner",
                "--set",
                "goal=An app for all",
                "--set",
                $"build={build}",
                "--set",
                $"check={check}",
                "--set",
                $"agentq={Path.Join(box.Bin, "agentq")}"
            )
            .Gives(0);
        box.Run("plan", "validate", "plans/app.yaml").Gives(0);
    }

    public static string Document(Sandbox box, string name = "app") =>
        File.ReadAllText(Path.Join(box.Folder, "docs", "tasks", name + ".md"));

    public static string Readme(Sandbox box) =>
        File.ReadAllText(Path.Join(box.Folder, "README.md"));

    /// <summary>The line below the last heading.</summary>
    public static string Status(Sandbox box, string name = "app") =>
        Document(box, name).Split("## Status\n\n")[1].Split('\n')[0];

    public static List<JsonElement> Records(Sandbox box, string action) =>
        [
            .. box.Run("records", "--json", "--action", action)
                .Gives(0)
                .Json.GetProperty("records")
                .EnumerateArray(),
        ];
}
