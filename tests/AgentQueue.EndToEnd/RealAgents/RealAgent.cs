namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>
/// An agent that people use, as it is set up here: in a home of its own, its model on loopback, and whatever else
/// it would ask the internet for switched off.
/// </summary>
/// <param name="Name">Of its adapter and its command, too, and of its folder in <c>tests/RealAgents</c>.</param>
/// <param name="Args">What it needs here beside what its adapter says.</param>
/// <param name="Environment">Of a home folder and the model server's address.</param>
/// <param name="Files">The files that it wants in the home, by relative path, of the server's address.</param>
internal sealed record RealAgent(
    string Name,
    string[] Args,
    Func<string, string, Dictionary<string, string>> Environment,
    Func<string, Dictionary<string, string>> Files
)
{
    private const string Key = "no-secret";
    private const string Model = "test-model";
    private static readonly string s_agents = Path.Join(Binaries.Repository, "artifacts", "agents");

    public static IReadOnlyList<RealAgent> All { get; } =
    [
        new(
            "claude",
            [],
            static (home, address) =>
                new()
                {
                    ["ANTHROPIC_BASE_URL"] = address,
                    ["ANTHROPIC_API_KEY"] = Key,
                    ["CLAUDE_CONFIG_DIR"] = Path.Join(home, ".claude"),
                    ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1",
                    ["CLAUDE_CODE_MAX_RETRIES"] = "1",
                    // Root may not go without permissions elsewhere.
                    ["IS_SANDBOX"] = "1",
                },
            static _ => []
        ),
        new(
            "codex",
            [],
            static (home, _) =>
                new() { ["CODEX_HOME"] = Path.Join(home, ".codex"), ["TEST_API_KEY"] = Key },
            static address =>
                new()
                {
                    [".codex/config.toml"] = $"""
                        model = "{Model}"
                        model_provider = "test"

                        [model_providers.test]
                        name = "test"
                        base_url = "{address}/v1"
                        wire_api = "responses"
                        env_key = "TEST_API_KEY"
                        request_max_retries = 1
                        stream_max_retries = 1

                        [features]
                        plugins = false

                        [analytics]
                        enabled = false
                        """,
                }
        ),
        new(
            "opencode",
            ["--agent", "coder"],
            static (home, _) =>
                new()
                {
                    ["XDG_CONFIG_HOME"] = Path.Join(home, ".config"),
                    ["XDG_DATA_HOME"] = Path.Join(home, ".local", "share"),
                    ["XDG_STATE_HOME"] = Path.Join(home, ".local", "state"),
                    ["XDG_CACHE_HOME"] = Path.Join(home, ".cache"),
                    ["OPENCODE_DISABLE_MODELS_FETCH"] = "1",
                    ["OPENCODE_DISABLE_LSP_DOWNLOAD"] = "1",
                    // Else it installs a plugin into its folder.
                    ["npm_config_offline"] = "true",
                },
            static address =>
                new()
                {
                    [".config/opencode/opencode.json"] = $$"""
                        {
                          "model": "test/{{Model}}",
                          "small_model": "test/{{Model}}",
                          "agent": { "coder": { "mode": "primary" } },
                          "provider": {
                            "test": {
                              "npm": "@ai-sdk/openai-compatible",
                              "name": "test",
                              "options": { "baseURL": "{{address}}/v1", "apiKey": "{{Key}}" },
                              "models": {
                                "{{Model}}": {
                                  "name": "test",
                                  "cost": { "input": 3, "output": 15, "cache_read": 0.3 },
                                  "limit": { "context": 1000000, "output": 8192 }
                                }
                              }
                            }
                          }
                        }
                        """,
                }
        ),
        new(
            "qwen",
            [],
            static (_, address) =>
                new()
                {
                    ["OPENAI_BASE_URL"] = address + "/v1",
                    ["OPENAI_API_KEY"] = Key,
                    ["OPENAI_MODEL"] = Model,
                },
            static _ =>
                new()
                {
                    [".qwen/settings.json"] = """
                        {
                          "security": { "auth": { "selectedType": "openai" } },
                          "privacy": { "usageStatisticsEnabled": false },
                          "general": { "disableAutoUpdate": true, "enableAutoUpdate": false },
                          "memory": { "enableManagedAutoMemory": false },
                          "model": { "generationConfig": { "maxRetries": 0 } }
                        }
                        """,
                }
        ),
        new(
            "gemini",
            ["-m", "gemini-2.5-flash"],
            static (_, address) =>
                new() { ["GOOGLE_GEMINI_BASE_URL"] = address, ["GEMINI_API_KEY"] = Key },
            static _ =>
                new()
                {
                    [".gemini/settings.json"] = """
                        {
                          "security": { "auth": { "selectedType": "gemini-api-key" } },
                          "privacy": { "usageStatisticsEnabled": false },
                          "general": { "enableAutoUpdate": false, "maxAttempts": 2 }
                        }
                        """,
                }
        ),
        new(
            "copilot",
            [],
            static (home, address) =>
                new()
                {
                    ["COPILOT_PROVIDER_BASE_URL"] = address + "/v1",
                    ["COPILOT_PROVIDER_API_KEY"] = Key,
                    ["COPILOT_MODEL"] = Model,
                    ["COPILOT_OFFLINE"] = "true",
                    ["COPILOT_HOME"] = Path.Join(home, ".copilot"),
                },
            static _ => []
        ),
    ];

    public static RealAgent Named(string name) => All.Single(a => a.Name == name);

    /// <summary>Where <c>./build.sh agents</c> puts its command.</summary>
    public string Installed => Path.Join(s_agents, Name, "node_modules", ".bin", Name);

    /// <summary>Where <c>./build.sh agents</c> says in a sentence why it could not.</summary>
    public string Missing => Path.Join(s_agents, Name + ".missing");

    public override string ToString() => Name;
}
