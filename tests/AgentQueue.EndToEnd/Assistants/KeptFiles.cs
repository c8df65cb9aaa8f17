namespace AgentQueue.EndToEnd.Assistants;

/// <summary>Configuration that people keep: with comments, odd layout, and servers of their own.</summary>
internal static class KeptFiles
{
    private const string Servers = """
        {
        	// The ones we share.
        	"mcpServers": {
        		/* looks things up */ "docs": { "command": "docs-server", "args": ["--stdio",], },
        	},
        	"other": [1,   2, 3], // odd, and meant
        }
        """;

    private const string OneLine =
        "{\"mcpServers\":{\"docs\":{\"command\":\"docs-server\"}},\"theme\":\"dark\"}";

    /// <summary>Of one assistant, relative to the project or to the home folder.</summary>
    public static IReadOnlyList<(string Path, string Text)> Of(string assistant, bool user) =>
        (assistant, user) switch
        {
            ("claude", false) =>
            [
                (".mcp.json", Servers),
                (".claude/settings.json", "{ \"permissions\": {} }"),
                (".claude/commands/mine.md", "Do it.\n"),
                (".claude/skills/other/SKILL.md", "---\nname: other\n---\n"),
            ],
            ("claude", true) =>
            [
                (
                    ".claude.json",
                    "{\"numStartups\": 7,\r\n  \"projects\": {},\r\n  \"mcpServers\": {}\r\n}\r\n"
                ),
                (".claude/CLAUDE.md", "Be short.\n"),
            ],
            ("codex", _) =>
            [
                (
                    ".codex/config.toml",
                    "# mine\nmodel = \"gpt\"   # the big one\n\n[mcp_servers.docs]\ncommand = 'docs-server'\nargs = [\n  \"--stdio\", # quiet\n]\n\n[projects.\"/x\"]\ntrust_level = \"trusted\""
                ),
            ],
            ("gemini", _) =>
            [
                (".gemini/settings.json", OneLine),
                (".gemini/commands/mine.toml", "prompt = 'x'\n"),
            ],
            ("qwen", _) => [(".qwen/settings.json", "\uFEFF" + Servers + "\n")],
            ("opencode", false) =>
            [
                (
                    "opencode.jsonc",
                    "{\n  \"$schema\": \"https://opencode.ai/config.json\", // checked\n  // \"mcp\": {},\n  \"mcp\": {\n    // none yet\n  }\n}\n"
                ),
                (".opencode/commands/mine.md", "x\n"),
            ],
            ("opencode", true) =>
            [
                (".config/opencode/opencode.json", "{ \"model\": \"a/b\" }"),
                (".config/opencode/commands/mine.md", "x\n"),
            ],
            ("cursor", _) => [(".cursor/mcp.json", Servers), (".cursor/rules/a.mdc", "a\n")],
            ("copilot", false) =>
            [
                (
                    ".vscode/mcp.json",
                    "{\n    // VS Code\n    \"inputs\": [],\n    \"servers\": {\n        \"docs\": { \"type\": \"stdio\", \"command\": \"docs-server\" }\n    }\n}"
                ),
                (".mcp.json", OneLine),
                (".github/copilot-instructions.md", "Be short.\n"),
            ],
            ("copilot", true) => [(".copilot/mcp-config.json", Servers)],
            ("amp", false) => [(".agents/commands/mine.md", "x\n")],
            ("amp", true) =>
            [
                (
                    ".config/amp/settings.json",
                    "{\n  // mine\n  \"amp.notifications.enabled\": true,\n  \"amp.mcpServers\": {\n    \"docs\": { \"command\": \"docs-server\" }\n  },\n  \"amp\": { \"mcpServers\": {} }\n}\n"
                ),
            ],
            ("goose", false) => [(".goosehints", "Be short.\n")],
            ("goose", true) =>
            [
                (
                    ".config/goose/config.yaml",
                    "# mine\nGOOSE_PROVIDER: x   # the cheap one\nextensions:\n    developer:   # built in\n        enabled: true\n        type: builtin\n\n    # more to come\nGOOSE_MODEL: 'y'\n"
                ),
            ],
            ("droid", false) => [(".factory/skills/other/SKILL.md", "---\nname: other\n---\n")],
            ("droid", true) => [(".factory/mcp.json", Servers)],
            _ => throw new ArgumentOutOfRangeException(nameof(assistant), assistant, "unknown"),
        };
}
