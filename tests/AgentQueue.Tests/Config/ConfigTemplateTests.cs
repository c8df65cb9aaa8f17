using System.Runtime.CompilerServices;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Config;

public sealed class ConfigTemplateTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    private static string ProjectRoot([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Join(Path.GetDirectoryName(file), "../../.."));

    [Fact]
    public void A_fresh_file_with_every_known_agent_loads_and_is_without_doubts()
    {
        var adapters = new Adapters(_project.Root, null);
        var names = adapters.Names.Select(n => n.Name).Where(n => n != "shell").ToList();
        foreach (var name in names)
        {
            _project.Program($"bin/{adapters.Find(name).Command}");
        }

        var path = Path.Join(_project.Root, "bin");
        var found = Adapters.Installed(path, _project.Root);
        Assert.Equal(names, found.Select(a => a.Name));
        _project.Write(AgentConfig.FileName, ConfigTemplate.Write(found));

        Assert.Empty(AgentConfig.Validate(_project.Root, path));
        Assert.Equal([.. names, "shell"], AgentConfig.Load(_project.Root).Configured.Keys);
    }

    [Fact]
    public void A_fresh_file_without_any_known_agent_has_the_shell_and_an_example()
    {
        Assert.Empty(Adapters.Installed("/nowhere", _project.Root));
        var text = ConfigTemplate.Write([]);
        _project.Write(AgentConfig.FileName, text);
        Assert.Equal(["shell"], AgentConfig.Load(_project.Root).Configured.Keys);
        Assert.Empty(AgentConfig.Validate(_project.Root, "/bin"));
        Assert.Contains("    // \"claude\": {", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_key_of_an_agent_survives_being_written_and_read()
    {
        var agent = new AgentDefinition
        {
            Name = "a",
            Command = "to\"ol",
            Args = ["--x={prompt}", "ü\n\\"],
            Description = "d",
            PromptTemplate = "<{userPrompt}>",
            PromptTemplateFile = "f",
            PromptVia = PromptVia.File,
            Environment = AgentEnvironment.NoOverrides.Add("A", null).Add("B", "${C}"),
            Cwd = "sub",
            Timeout = TimeSpan.FromSeconds(90),
            IdleTimeout = TimeSpan.FromHours(2),
            Completion = Completion.Exit,
            ExitGrace = TimeSpan.Zero,
            MaxParallel = 2,
            KeepChildren = true,
            Work = new AgentWork
            {
                Adapter = "claude",
                Model = "m",
                Permission = Permission.Full,
                Account = "team",
                ApiKeys = false,
                OnLimit = new LimitPolicy(false, "codex"),
                Fallback = ["codex"],
                RetryOn = [ErrorClass.Overloaded],
                StartTimeout = TimeSpan.FromSeconds(20),
                MaxUsd = 1.5m,
                MaxTokens = 1000,
                MaxTurns = 5,
                Verify = ["make test"],
                RequireChanges = true,
                RequireClean = true,
                FixAttempts = 2,
            },
            Worktree = WorktreeRule.None with
            {
                IsDefault = true,
                Root = "../trees",
                TeardownTimeout = TimeSpan.FromSeconds(5),
            },
            Prompt = "look at {{ event }}",
            Variables = AgentDefinition.NoVariables.Add("x", "{{ y }}\"").Add("z-1", ""),
            Events = new EventRule
            {
                Triggers = ["saved", "task_success:*"],
                AllOf = ["a b", "c"],
                CancelOn = ["stop"],
                MaxConcurrent = null,
                OnRetrigger = OnRetrigger.Queue,
                Debounce = TimeSpan.FromMilliseconds(250),
                DebounceMode = DebounceMode.Trailing,
                KeepHistory = -1,
                OutputExtension = ".txt",
                LoopDetection = false,
            },
        };
        _project.Write(
            AgentConfig.FileName,
            $$"""{"agents": { {{ConfigTemplate.Entry(agent, "  ")}} } }"""
        );

        var read = AgentConfig.Load(_project.Root).Agents["a"];

        Assert.Equal(agent.Args.ToArray(), read.Args.ToArray());
        Assert.Equal(agent.Environment, read.Environment);
        Assert.Equal(agent.Variables, read.Variables);
        Assert.Equal(agent.Work.Fallback.AsEnumerable(), read.Work.Fallback);
        Assert.Equal(agent.Work.RetryOn!.Value.AsEnumerable(), read.Work.RetryOn!.Value);
        Assert.Equal(agent.Work.Verify.AsEnumerable(), read.Work.Verify);
        Assert.Equal(agent.Events.Triggers.AsEnumerable(), read.Events.Triggers);
        Assert.Equal(agent.Events.AllOf.AsEnumerable(), read.Events.AllOf);
        Assert.Equal(agent.Events.CancelOn.AsEnumerable(), read.Events.CancelOn);
        var events = agent.Events with
        {
            Triggers = read.Events.Triggers,
            AllOf = read.Events.AllOf,
            CancelOn = read.Events.CancelOn,
        };
        Assert.Equal(
            agent with
            {
                Args = read.Args,
                Environment = read.Environment,
                Variables = read.Variables,
                Work = agent.Work with
                {
                    Fallback = read.Work.Fallback,
                    RetryOn = read.Work.RetryOn,
                    Verify = read.Work.Verify,
                },
                Events = events,
            },
            read
        );
        foreach (var key in AgentConfigReader.AgentKeys)
        {
            Assert.Contains(
                $"\"{key}\":",
                ConfigTemplate.Entry(agent, ""),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public void The_schema_knows_exactly_the_keys_that_are_read()
    {
        using var schema = JsonDocument.Parse(ConfigSchema.Text);
        var root = schema.RootElement;
        var agent = root.GetProperty("$defs").GetProperty("agent").GetProperty("properties");
        Assert.Equal(AgentConfigReader.RootKeys, Names(root.GetProperty("properties")));
        Assert.Equal(AgentConfigReader.AgentKeys, Names(agent));
        Assert.Equal(
            AgentConfigReader.PromptVias.Select(choice => choice.Word),
            Words(agent.GetProperty("promptVia"))
        );
        Assert.Equal(
            AgentConfigReader.Completions.Select(choice => choice.Word),
            Words(agent.GetProperty("completion"))
        );
        Assert.Equal(
            EventRuleReader.OnRetriggers.Select(choice => choice.Word),
            Words(agent.GetProperty("onRetrigger"))
        );
        Assert.Equal(
            EventRuleReader.DebounceModes.Select(choice => choice.Word),
            Words(agent.GetProperty("debounceMode"))
        );
        Assert.Equal(EventRuleReader.WatchKeys, NamesOf("watch"));
        Assert.Equal(EventRuleReader.ScheduleKeys, NamesOf("schedule"));
        Assert.Equal(EventRuleReader.HookKeys, NamesOf("on"));

        IEnumerable<string> NamesOf(string list) =>
            Names(
                root.GetProperty("properties")
                    .GetProperty(list)
                    .GetProperty("items")
                    .GetProperty("properties")
            );

        static IEnumerable<string> Names(JsonElement properties) =>
            properties.EnumerateObject().Select(p => p.Name);

        static IEnumerable<string?> Words(JsonElement property) =>
            property.GetProperty("enum").EnumerateArray().Select(e => e.GetString());
    }

    [Fact]
    public void The_embedded_schema_is_the_documented_one() =>
        Assert.Equal(
            File.ReadAllText(Path.Join(ProjectRoot(), "docs", ConfigSchema.FileName)),
            ConfigSchema.Text
        );

    [Fact]
    public void The_example_of_this_project_is_valid()
    {
        Assert.Empty(
            AgentConfig.Validate(ProjectRoot(), Environment.GetEnvironmentVariable("PATH"))
        );
        Assert.Equal(["echo", "shell"], AgentConfig.Load(ProjectRoot()).Configured.Keys);
    }
}
