using System.Text.RegularExpressions;
using AgentQueue.Models;

namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>
/// A project that <c>agentq setup</c> has prepared for an assistant, which is called by itself here, as people do,
/// and not by agentq. Its user trusts the project, and lets it do what it wants.
/// </summary>
internal sealed partial class AssistantBox : IDisposable
{
    private readonly RealAgentBox _box;
    private Outcome? _said;

    /// <param name="setup">What <c>agentq setup</c> is called with, if not with the name alone.</param>
    public AssistantBox(string name, params string[] setup)
    {
        _box = new RealAgentBox(name);
        Box.Run(["setup", .. setup is [] ? [name] : setup]).Gives(0);
        Trust();
        // Codex runs its commands in a login shell, which begins with the system's own PATH.
        File.WriteAllText(
            Path.Join(Box.Home, ".profile"),
            $"PATH='{Box.Bin}':\"$PATH\"; export PATH\n"
        );
        // An update would ask the internet, and so would what OpenCode installs.
        Box.Environment["DISABLE_AUTOUPDATER"] = "1";
        Box.Environment["OPENCODE_DISABLE_AUTOUPDATE"] = "1";
        Box.Environment["OPENCODE_PERMISSION"] = """{"*":"allow"}""";
        Box.Environment["COPILOT_AUTO_UPDATE"] = "false";
    }

    public Sandbox Box => _box.Box;

    public ModelServer Model => _box.Model;

    private string Name => _box.Agent.Name;

    /// <summary>
    /// What the model answers, one step after the other: how far they are is told by how many tools have answered in
    /// the conversation. A step is given all these answers.
    /// </summary>
    public void Follow(params Func<IReadOnlyList<string>, Turn>[] steps)
    {
        var looks = 0;
        Model.Answer(request =>
        {
            var results = ModelServer.Results(request);
            var turn = steps[Math.Min(results.Count - looks, steps.Length - 1)](results);
            if (ModelServer.Offers(request, turn))
            {
                return turn;
            }

            // Some go on without a server that starts slowly, and offer its tools when it is there.
            return ++looks < RealAgentBox.Patience
                ? new Turn.Shell("echo Not yet.; sleep 1")
                : new Turn.Say($"It never offered the tool for {turn}.");
        });
    }

    /// <summary>The id of the first task that was spoken of; it stands in what starting a task answered.</summary>
    public static string IdIn(IReadOnlyList<string> results) =>
        TaskId().Match(string.Join('\n', results)).Value;

    /// <summary>Says it to the assistant, without a terminal, and waits for its end.</summary>
    public Outcome Ask(string prompt) =>
        Run(
            Name switch
            {
                "claude" => ["-p", "--permission-mode", "bypassPermissions", "--", prompt],
                "codex" =>
                [
                    "exec",
                    "--skip-git-repo-check",
                    "--dangerously-bypass-approvals-and-sandbox",
                    "--",
                    prompt,
                ],
                "opencode" => ["run", .. _box.Agent.Args, "--", prompt],
                "gemini" or "qwen" =>
                [
                    "--approval-mode",
                    "yolo",
                    .. _box.Agent.Args,
                    $"--prompt={prompt}",
                ],
                "copilot" => ["--allow-all", $"--prompt={prompt}"],
                _ => throw new ArgumentOutOfRangeException(Name),
            }
        );

    /// <summary>Calls the slash command of a verb, with this behind it.</summary>
    public Outcome Command(string verb, string arguments) =>
        Name == "opencode"
            ? RunCommand($"agentq-{verb}", arguments)
            : Ask($"/agentq:{verb} {arguments}");

    /// <summary>OpenCode calls a command only by this option where it has no terminal.</summary>
    public Outcome RunCommand(string command, string arguments) =>
        Run(["run", .. _box.Agent.Args, "--command", command, "--", arguments]);

    private Outcome Run(string[] args)
    {
        using var running = Box.Program(Path.Join(Box.Bin, Name), null, args);
        return _said = running.End(RealAgentBox.Patience);
    }

    // What a person answers once, when it is asked in a new folder.
    private void Trust()
    {
        switch (Name)
        {
            case "codex":
                File.AppendAllText(
                    Path.Join(Box.Home, ".codex", "config.toml"),
                    $"\n\n[projects.\"{Box.Folder}\"]\ntrust_level = \"trusted\"\n"
                );
                break;
            case "gemini":
                File.WriteAllText(
                    Path.Join(Box.Home, ".gemini", "trustedFolders.json"),
                    $$"""{ "{{Box.Folder}}": "TRUST_FOLDER" }"""
                );
                break;
            case "copilot":
                Directory.CreateDirectory(Path.Join(Box.Home, ".copilot"));
                File.WriteAllText(
                    Path.Join(Box.Home, ".copilot", "config.json"),
                    $$"""{ "trusted_folders": ["{{Box.Folder}}"] }"""
                );
                break;
        }
    }

    /// <summary>For a test that failed.</summary>
    public override string ToString() =>
        string.Join(
            '\n',
            [
                _said?.ToString() ?? "(nothing was said)",
                .. Model.Requests.TakeLast(1).SelectMany(ModelServer.Results),
                _box.ToString(),
            ]
        );

    public void Dispose() => _box.Dispose();

    [GeneratedRegex("task_[0-9a-z]+")]
    private static partial Regex TaskId();
}
