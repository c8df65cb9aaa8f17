using System.Globalization;

namespace AgentQueue.Tasks;

/// <summary>
/// The name of one execution of a plan: <c>run_</c> and the token of <see cref="TaskId.New"/>. The ids of its
/// tasks begin with the same token and say which node of the plan they are, so that the run of a task is known
/// without reading a file: <c>task_TOKEN-p12-SLUG</c>, and <c>task_TOKEN-p12r2-SLUG</c> for its second retry.
/// </summary>
internal readonly record struct RunId : IComparable<RunId>
{
    public const string Prefix = "run_";

    private RunId(string token) => Token = token;

    /// <summary>14 digits of Crockford's base 32.</summary>
    public string Token { get; }

    /// <summary>The whole id, with its prefix.</summary>
    public string Value => Prefix + Token;

    public static RunId New(DateTimeOffset now) =>
        new(TaskId.New(now).Value[TaskId.Prefix.Length..]);

    /// <summary>Reads a complete id.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out RunId id)
    {
        id = default;
        if (
            !text.StartsWith(Prefix, StringComparison.Ordinal)
            || !TaskId.IsToken(text[Prefix.Length..])
        )
        {
            return false;
        }

        id = new RunId(text[Prefix.Length..].ToString());
        return true;
    }

    /// <summary>The run that a task belongs to, by its id; null for a task of no plan.</summary>
    public static RunId? Of(TaskId task) =>
        NodeOf(task) is null
            ? null
            : new RunId(task.Value.Substring(TaskId.Prefix.Length, TaskId.TokenLength));

    /// <summary>The place of a task's node in its plan, from 1; null for a task of no plan.</summary>
    public static int? NodeOf(TaskId task)
    {
        var token = task.Value.AsSpan(TaskId.Prefix.Length);
        if (
            token.Length < TaskId.TokenLength + 5
            || !token[TaskId.TokenLength..].StartsWith("-p", StringComparison.Ordinal)
        )
        {
            return null;
        }

        var rest = token[(TaskId.TokenLength + 2)..];
        var digits = rest.IndexOfAnyExceptInRange('0', '9');
        return
            digits > 0
            && rest[digits] is '-' or 'r'
            && rest[digits..].Contains('-')
            && TaskId.IsToken(token[..TaskId.TokenLength])
            && int.TryParse(
                rest[..digits],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var node
            )
            && node > 0
            ? node
            : null;
    }

    /// <summary>What an id of <see cref="TaskOf"/> has behind the token: <c>p12r2-SLUG</c>.</summary>
    public static string PartOf(TaskId task) =>
        task.Value[(TaskId.Prefix.Length + TaskId.TokenLength + 1)..];

    /// <summary>The id of a node's task.</summary>
    /// <param name="node">From 1.</param>
    /// <param name="of">How many nodes the plan has: ids sort in its order.</param>
    /// <param name="name">Of the node; what an id may hold of it stands at the end, for people.</param>
    /// <param name="retry">0 for the first attempt.</param>
    public TaskId TaskOf(int node, int of, string name, int retry = 0)
    {
        var width = of.ToString(CultureInfo.InvariantCulture).Length;
        var place = node.ToString("D" + width, CultureInfo.InvariantCulture);
        var again = retry == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"r{retry}");
        return TaskId.Parse(WithSlug($"{TaskId.Prefix}{Token}-p{place}{again}-", name));
    }

    /// <summary>The id of a later attempt at the same node.</summary>
    /// <exception cref="ArgumentException">The task belongs to no run.</exception>
    public static TaskId RetryOf(TaskId task, int retry)
    {
        if (NodeOf(task) is null)
        {
            throw new ArgumentException($"{task} belongs to no run", nameof(task));
        }

        var head = TaskId.Prefix.Length + TaskId.TokenLength + 2;
        var dash = task.Value.IndexOf('-', head);
        var place = task.Value[head..dash].Split('r')[0];
        return TaskId.Parse(
            WithSlug(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{task.Value[..head]}{place}r{retry}-"
                ),
                task.Value[(dash + 1)..]
            )
        );
    }

    private static string WithSlug(string head, string name)
    {
        var slug = string.Concat(
            name.Select(static c => char.IsAsciiLetterOrDigit(c) ? c : '-')
                .Take(TaskId.Longest - head.Length)
        );
        return head + slug;
    }

    public int CompareTo(RunId other) => string.CompareOrdinal(Token, other.Token);

    public override string ToString() => Value;
}
