using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Plans;

/// <summary>A plan to begin with. <c>{{name}}</c> in it stands for the name of the new plan.</summary>
/// <param name="IsOwn">It is the project's.</param>
internal sealed record PlanTemplate(string Name, string Text, bool IsOwn)
{
    /// <summary>Its first line, if that is a comment.</summary>
    public string Description =>
        Text.Split('\n', 2)[0] is ['#', .. var comment] ? comment.Trim() : "";
}

/// <summary>The plans to begin with: those of the project, <c>.agents/templates/*.yaml</c>, and those that agentq brings.</summary>
internal sealed class PlanTemplates(QueueFolder queue)
{
    public const string Default = "build-test";
    private const string EmbeddedFolder = "templates/";
    private const string Extension = ".yaml";
    private const string NameMark = "{{name}}";
    private const int LongestFile = 1 << 20;

    /// <summary>By name; one of the project's hides one of ours.</summary>
    /// <param name="problem">Is told of a file that cannot be read.</param>
    public IReadOnlyList<PlanTemplate> All(Action<QueueException> problem)
    {
        var found = new SortedDictionary<string, PlanTemplate>(StringComparer.Ordinal);
        foreach (var name in EmbeddedText.Names(EmbeddedFolder))
        {
            var template = OfOurs(name[EmbeddedFolder.Length..^Extension.Length]);
            found[template.Name] = template;
        }

        foreach (var name in OwnNames())
        {
            try
            {
                found[name] = ReadOwn(name);
            }
            catch (QueueException e)
            {
                problem(e);
            }
        }

        return [.. found.Values];
    }

    /// <exception cref="QueueException">There is none, or it cannot be read.</exception>
    public PlanTemplate Find(string name)
    {
        if (OwnNames().Contains(name, StringComparer.Ordinal))
        {
            return ReadOwn(name);
        }

        var ours = EmbeddedText
            .Names(EmbeddedFolder)
            .Select(static n => n[EmbeddedFolder.Length..^Extension.Length])
            .ToList();
        return ours.Contains(name, StringComparer.Ordinal)
            ? OfOurs(name)
            : throw QueueException.Usage(
                $"There is no template '{name}'{Nearest.Suggestion(name, [.. ours, .. OwnNames()])}",
                "See what there is: agentq plan list --templates"
            );
    }

    private static PlanTemplate OfOurs(string name) =>
        new(
            name,
            Encoding.UTF8.GetString(EmbeddedText.Read(EmbeddedFolder + name + Extension)),
            IsOwn: false
        );

    private IEnumerable<string> OwnNames() =>
        queue
            .Disk.List(queue.Templates)
            .Where(static n => n.EndsWith(Extension, StringComparison.Ordinal))
            .Select(static n => n[..^Extension.Length])
            .Where(PlanName.IsSafe);

    private PlanTemplate ReadOwn(string name)
    {
        var path = Path.Join(queue.Templates, name + Extension);
        var read = queue.Disk.Read(path, LongestFile);
        return read.Status == ReadStatus.Ok
            ? new PlanTemplate(
                name,
                Encoding.UTF8.GetString(SourceValue.WithoutMark(read.Content)),
                IsOwn: true
            )
            : throw new QueueException(
                $"Cannot read the template {path}: {read.Problem ?? "it is no file, or larger than 1 MiB"}"
            );
    }

    /// <summary>A new plan: the template with the name in it, and other defaults for some of its parameters.</summary>
    /// <exception cref="QueueException">It has no such parameter, or would be no good plan.</exception>
    public static string Fill(
        PlanTemplate template,
        string name,
        IReadOnlyDictionary<string, string> given
    )
    {
        var text = template.Text.Replace(NameMark, name, StringComparison.Ordinal);
        foreach (var (parameter, value) in given)
        {
            text = WithDefault(text, parameter, value, template);
        }

        // Whoever runs it gives a value to what has none.
        var open = Parameters(text)
            .Where(static p => p.Value.Kind == JsonValueKind.Null)
            .ToImmutableDictionary(static p => p.Name, static _ => "x");
        var (plan, problems) = PlanReader.Read(template.Name, Encoding.UTF8.GetBytes(text), open);
        if (plan is null)
        {
            throw QueueException.Usage(
                $"The template makes no good plan: {problems.First(static p => p.IsError)}",
                template.IsOwn ? $"Correct .agents/templates/{template.Name}{Extension}" : null
            );
        }

        return text;
    }

    private static ImmutableArray<SourceMember> Parameters(string text) =>
        YamlSource.Parse(Encoding.UTF8.GetBytes(text), out _) is { } root
        && root.Members.FirstOrDefault(static m => m.Name == "params") is { } parameters
            ? parameters.Value.Members
            : [];

    // In its place, so that comments and all the rest stay as they were.
    private static string WithDefault(
        string text,
        string parameter,
        string value,
        PlanTemplate template
    )
    {
        var known = Parameters(text);
        if (known.FirstOrDefault(m => m.Name == parameter) is not { } member)
        {
            throw QueueException.Usage(
                $"The template '{template.Name}' has no parameter '{parameter}'{Nearest.Suggestion(parameter, known.Select(static m => m.Name))}",
                known.IsEmpty
                    ? "It has none at all"
                    : $"It has {string.Join(", ", known.Select(static m => m.Name))}"
            );
        }

        var (start, end) = (member.Value.Start, member.Value.End);
        if (
            member.Value.Kind is JsonValueKind.Array or JsonValueKind.Object
            || start < 0
            || end < start
            || end > text.Length
        )
        {
            throw CannotSet(parameter, template);
        }

        var space = start > 0 && text[start - 1] == ':' ? " " : "";
        var changed = text[..start] + space + ConfigText.Quote(value) + text[end..];
        // What an alias brings, say, stands elsewhere and is somebody else's too.
        var now = Parameters(changed);
        return
            now.Length == known.Length
            && now.Zip(known)
                .All(p =>
                    p.First.Name == p.Second.Name
                    && p.First.Value.Text
                        == (p.First.Name == parameter ? value : p.Second.Value.Text)
                )
            ? changed
            : throw CannotSet(parameter, template);
    }

    private static QueueException CannotSet(string parameter, PlanTemplate template) =>
        QueueException.Usage(
            $"'{parameter}' of the template '{template.Name}' is written in a way that --set cannot change",
            "Make the plan without it, and edit its file"
        );
}
