using AgentQueue.Tasks;

namespace AgentQueue.Cli.Output;

/// <summary>How a dependency is named: <c>afterok</c> goes without saying.</summary>
internal static class DependencyText
{
    public static string Of(TaskId id, DependencyKind kind) =>
        Word(kind) is { Length: > 0 } word ? $"{word}:{id}" : id.Value;

    public static string Word(DependencyKind kind) =>
        kind == DependencyKind.AfterOk ? "" : kind.Word();
}
