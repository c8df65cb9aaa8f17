namespace AgentQueue.Config;

/// <content>What only the disk and the PATH tell.</content>
internal sealed partial class AgentConfigReader
{
    /// <summary>Looks for the commands and the template files of the agents that were read.</summary>
    public void CheckSurroundings(Adapters adapters, string projectRoot, string? searchPath)
    {
        foreach (var (agent, source, reader) in _agents)
        {
            _reader = reader;
            if (Fill(agent, source, adapters) is { } filled)
            {
                CheckCommand(filled, source, projectRoot, searchPath);
                CheckDollars(agent, source, adapters);
            }

            CheckTemplateFile(agent, source, projectRoot);
        }

        CheckNames(adapters, projectRoot, searchPath);
    }

    private void CheckDollars(AgentDefinition agent, SourceMember source, Adapters adapters)
    {
        var adapter = agent.Work.Adapter is { } name ? adapters.Find(name) : null;
        if (agent.Work.MaxUsd is not null && adapter is not { TellsDollars: true })
        {
            var (at, key) = PlaceOf(source, "maxUsd");
            _reader.Error(
                at,
                key,
                adapter is null
                    ? "cannot be held: it has no adapter that tells dollars"
                    : $"cannot be held: {adapter.Title} tells no dollars; use maxTokens"
            );
        }
    }

    // With opencode any other name is an agent of it.
    private void CheckNames(Adapters adapters, string projectRoot, string? searchPath)
    {
        if (AgentConfig.HasFallbackOn(searchPath, projectRoot))
        {
            CheckNames(known: null);
        }
        else
        {
            string[] known =
            [
                .. _names.Keys,
                AgentDefinition.Shell,
                .. adapters.Names.Select(static n => n.Name),
            ];
            CheckNames(known);
        }
    }

    private void CheckNames(string[]? known)
    {
        foreach (var (agent, source, reader) in _agents)
        {
            foreach (
                var (key, name) in agent
                    .Work.Fallback.Select(static name => ("fallback", name))
                    .Concat(agent.Work.OnLimit?.Fallback is { } other ? [("onLimit", other)] : [])
            )
            {
                var (at, path) = PlaceOf(source, key);
                CheckName(reader, at, path, name, known, agent.Name);
            }
        }

        foreach (var (budgets, reader) in _ofBudgets)
        {
            foreach (var (name, at, key) in budgets.Agents)
            {
                CheckName(reader, at, key, name, known, itself: null);
            }
        }
    }

    private static void CheckName(
        ConfigReader reader,
        SourcePlace at,
        string key,
        string name,
        string[]? known,
        string? itself
    )
    {
        if (name == itself)
        {
            reader.Error(at, key, "names the agent itself");
        }
        else if (!AgentConfig.IsName(name) || known?.Contains(name) == false)
        {
            reader.Error(
                at,
                key,
                $"names '{name}', and there is no such agent{Nearest.Suggestion(name, known ?? [])}"
            );
        }
    }

    private AgentDefinition? Fill(AgentDefinition agent, SourceMember source, Adapters adapters)
    {
        try
        {
            return agent.Work.Adapter is { } name ? adapters.Find(name).Fill(agent, null) : agent;
        }
        catch (QueueException e)
        {
            var (at, key) = PlaceOf(source, AgentWorkReader.AdapterKey);
            _reader.Error(at, key, $"cannot be used: {e.Message}");
            return null;
        }
    }

    private void CheckCommand(
        AgentDefinition agent,
        SourceMember source,
        string projectRoot,
        string? searchPath
    )
    {
        var (at, key) = PlaceOf(source, CommandKey);
        var path = agent.Environment.GetValueOrDefault("PATH");
        if (path is not null && VariableText.Uses(path).Any())
        {
            path = null;
        }
        else if (path is not null && path.Contains("${", StringComparison.Ordinal))
        {
            path = AgentEnvironment.Expand(
                path,
                name => name == "PATH" ? searchPath : Environment.GetEnvironmentVariable(name),
                out _
            );
        }

        var found = ExecutableLookup.Find(agent.Command, path ?? searchPath, projectRoot);
        if (found is null)
        {
            var reason =
                agent.Command.Contains(' ', StringComparison.Ordinal) ? "; arguments belong in args"
                : agent.Command.Contains('/', StringComparison.Ordinal) ? ""
                : " on PATH";
            _reader.Warn(at, key, $"'{agent.Command}' is not found{reason}");
        }
        else if (
            onWindows
            && agent.PromptVia == PromptVia.Arg
            && !ExecutableLookup.IsBatchFile(agent.Command)
        )
        {
            RefuseBatchFile(found, source);
        }
    }

    private void RefuseBatchFile(string command, SourceMember source)
    {
        if (ExecutableLookup.IsBatchFile(command))
        {
            var (at, key) = PlaceOf(source, CommandKey);
            _reader.Error(
                at,
                key,
                "is a batch file, where cmd.exe would execute what stands in the prompt; set promptVia to stdin or file, or name the program behind it"
            );
        }
    }

    private void CheckTemplateFile(AgentDefinition agent, SourceMember source, string projectRoot)
    {
        if (agent.PromptTemplateFile is null)
        {
            return;
        }

        var (at, key) = PlaceOf(source, PromptTemplateFileKey);
        try
        {
            WarnIfThePromptIsLost(PromptText.TemplateOf(agent, projectRoot), at, key);
        }
        catch (QueueException e)
        {
            _reader.Error(at, key, $"cannot be used: {e.Message}");
        }
    }
}
