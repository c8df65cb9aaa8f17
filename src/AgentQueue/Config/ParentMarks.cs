namespace AgentQueue.Config;

/// <summary>
/// What coding assistants put into the environment of the commands they run, to be known by their
/// children. An agent that sees them takes itself for a part of the assistant that called agentq: some
/// refuse to start, some report into the parent's session. What a user configures with variables of the
/// same family is kept.
/// </summary>
internal static class ParentMarks
{
    private static readonly HashSet<string> s_names = new(AgentEnvironment.Names)
    {
        // Any assistant
        "AI_AGENT",
        // Claude Code
        "CLAUDECODE",
        // Codex
        "CODEX_CI",
        "CODEX_SESSION_ID",
        "CODEX_THREAD_ID",
        // Copilot
        "COPILOT_AGENT_SESSION_ID",
        "COPILOT_CLI",
        // Cursor
        "CURSOR_AGENT",
        // Gemini
        "GEMINI_CLI",
        // OpenCode
        "OPENCODE",
        "OPENCODE_PID",
        // Qwen Code
        "QWEN_CODE",
        // agentq itself, when an agent queues or runs tasks
        AgentEnvironment.TaskIdVariable,
    };

    private static readonly string[] s_prefixes = ["CLAUDE_CODE_"];

    /// <summary>Beginnings of names under <see cref="s_prefixes"/> that users set: accounts, providers, switches, limits.</summary>
    private static readonly string[] s_keptPrefixes =
    [
        "CLAUDE_CODE_API_KEY_HELPER_",
        "CLAUDE_CODE_CLIENT_",
        "CLAUDE_CODE_DISABLE_",
        "CLAUDE_CODE_MAX_",
        "CLAUDE_CODE_OTEL_",
        "CLAUDE_CODE_SKIP_",
        "CLAUDE_CODE_USE_",
    ];

    private static readonly HashSet<string> s_kept = new(AgentEnvironment.Names)
    {
        "CLAUDE_CODE_EFFORT_LEVEL",
        "CLAUDE_CODE_ENABLE_TELEMETRY",
        "CLAUDE_CODE_EXTRA_BODY",
        "CLAUDE_CODE_GIT_BASH_PATH",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_SHELL",
        "CLAUDE_CODE_SHELL_PREFIX",
        "CLAUDE_CODE_SUBAGENT_MODEL",
        "CLAUDE_CODE_TMPDIR",
    };

    /// <summary>
    /// Names that may be a user's own: marks only with this value, or where the mark of the assistant
    /// that sets them is there too.
    /// </summary>
    private static readonly (string Name, string? Value, string? BesideMark)[] s_companions =
    [
        ("AGENT", "1", null),
        ("GEMINI_CLI_NO_RELAUNCH", null, "GEMINI_CLI"),
        // Gemini takes git's configuration from its commands; an agent would have no identity to commit with.
        ("GIT_CONFIG_GLOBAL", "/dev/null", "GEMINI_CLI"),
        ("GIT_CONFIG_NOSYSTEM", null, "GEMINI_CLI"),
        ("QWEN_CODE_NO_RELAUNCH", null, "QWEN_CODE"),
    ];

    public static bool Includes(
        string name,
        string value,
        IReadOnlyDictionary<string, string> environment
    ) =>
        s_names.Contains(name)
        || (
            HasPrefix(s_prefixes, name)
            && !HasPrefix(s_keptPrefixes, name)
            && !s_kept.Contains(name)
        )
        || Array.Exists(
            s_companions,
            c =>
                AgentEnvironment.Names.Equals(c.Name, name)
                && (c.Value is null || c.Value == value)
                && (c.BesideMark is null || environment.ContainsKey(c.BesideMark))
        );

    private static bool HasPrefix(string[] prefixes, string name) =>
        Array.Exists(
            prefixes,
            prefix =>
                name.Length >= prefix.Length
                && AgentEnvironment.Names.Equals(name[..prefix.Length], prefix)
        );
}
