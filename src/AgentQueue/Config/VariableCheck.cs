using System.Collections.Immutable;

namespace AgentQueue.Config;

/// <summary>
/// What can be told of an agent's templates before any event has come: variables that lead in a circle, places in a
/// script where no value can stand, prompts that would store the environment. A name without a value may still come
/// with an event, so it is a doubt, and only where it looks like a slip.
/// </summary>
/// <param name="error">Takes a key of the agent and what is wrong there.</param>
/// <param name="warn">The same for what is doubtful; null if nobody wants to know.</param>
internal sealed class VariableCheck(
    AgentDefinition agent,
    ImmutableSortedDictionary<string, string> ofProject,
    Action<string, string> error,
    Action<string, string>? warn
)
{
    /// <summary>Among how many words the nearest is looked for: beyond it the guess costs more than it is worth.</summary>
    public const int MostGuesses = 100;

    public void Check()
    {
        var layout = ShellQuoting.LayoutOf(agent.Command, agent.Args);
        for (var i = 0; i < agent.Args.Length; i++)
        {
            Check(agent.Args[i], $"args[{i}]");
            CheckScript(agent.Args[i], $"args[{i}]", ShellQuoting.ScriptOf(layout, i));
        }

        foreach (var (name, value) in agent.Environment)
        {
            Check(value ?? "", $"env.{name}");
        }

        Check(agent.Cwd ?? "", "cwd");
        if (agent.Prompt is { } prompt)
        {
            Check(prompt, EventRuleReader.PromptKey, isStored: true);
            // A file's template is not read for this: what surrounds the prompt shows when it is filled in.
            CheckScript(
                prompt,
                EventRuleReader.PromptKey,
                ShellQuoting.ScriptOfPrompt(agent, agent.PromptTemplate ?? "")
            );
        }
    }

    /// <summary>The first circle that some of the variables lead into, as <c>a → b → a</c>; null if there is none.</summary>
    public static string? CircleIn(
        IReadOnlyDictionary<string, string> variables,
        IEnumerable<string> from
    )
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        var path = new List<string>();
        foreach (var name in from)
        {
            if (Follow(name) is { } circle)
            {
                return circle;
            }
        }

        return null;

        string? Follow(string name)
        {
            if (path.Contains(name))
            {
                return string.Join(" → ", path[path.IndexOf(name)..].Append(name));
            }

            // So deep is refused when it is filled in.
            if (
                done.Contains(name)
                || path.Count > Variables.Deepest
                || !variables.TryGetValue(name, out var value)
            )
            {
                return null;
            }

            path.Add(name);
            foreach (var use in VariableText.Uses(value))
            {
                if (!use.IsEnvironment && Follow(use.Name) is { } circle)
                {
                    return circle;
                }
            }

            path.RemoveAt(path.Count - 1);
            done.Add(name);
            return null;
        }
    }

    private void Check(string text, string key, bool isStored = false)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var use in VariableText.Uses(text))
        {
            Check(use, key, isStored, seen, []);
        }
    }

    private void Check(
        VariableUse use,
        string key,
        bool isStored,
        HashSet<string> seen,
        ImmutableArray<string> path
    )
    {
        if (use.IsEnvironment)
        {
            if (isStored)
            {
                error(
                    key,
                    $"needs {use.Shown}{By(path, use.Path)}, but a prompt is stored with its task, and values of the environment are never stored"
                );
            }

            return;
        }

        if (use.Name is Variables.Event or Variables.CausingTask)
        {
            return;
        }

        var value =
            agent.Variables.GetValueOrDefault(use.Name) ?? ofProject.GetValueOrDefault(use.Name);
        if (value is null && warn is null)
        {
            return;
        }

        if (value is null)
        {
            var isPlaceholder = Placeholders.InArgs.Contains(use.Name, StringComparer.Ordinal);
            var guess = isPlaceholder
                ? $"; the placeholder is {{{use.Name}}}"
                : Nearest.Suggestion(
                    use.Name,
                    agent.Variables.Keys.Concat(ofProject.Keys).Take(MostGuesses)
                );
            if (guess.Length > 0)
            {
                warn!(
                    key,
                    $"needs {use.Shown}{By(path, use.Path)}, which only an event could bring{guess}"
                );
            }

            return;
        }

        if (path.Length <= Variables.Deepest && seen.Add(use.Name))
        {
            foreach (var inner in VariableText.Uses(value))
            {
                Check(inner, key, isStored, seen, path.Add(use.Name));
            }
        }
    }

    private void CheckScript(string text, string key, ScriptText? script)
    {
        if (script is null)
        {
            return;
        }

        var from = 0;
        foreach (var use in VariableText.Uses(text))
        {
            script.Literal(text[from..use.Start]);
            from = use.End;
            if (!use.IsRaw && script.Quote("x", out var problem) is null)
            {
                error(
                    key,
                    $"has {use.Shown}, which {problem}; hand the value over in env, or write {{{{ {use.Path} | raw }}}} if it may be any part of the script"
                );
            }
        }
    }

    private static string By(ImmutableArray<string> path, string last) =>
        path.IsEmpty ? "" : $" ({string.Join(" → ", path.Add(last))})";
}
