using System.Globalization;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>Asking before many tasks go; only a person at a terminal can be asked.</summary>
internal static class Confirmation
{
    /// <summary>As many may go without a question.</summary>
    public const int Unasked = 10;

    /// <summary>True if it was agreed to, or needs no asking.</summary>
    /// <param name="what">What happens to them: <c>removed</c>.</param>
    /// <exception cref="QueueException">There is nobody to ask.</exception>
    public static bool Given(IReadOnlyList<TaskId> ids, bool yes, string what)
    {
        if (yes || ids.Count <= Unasked)
        {
            return true;
        }

        var screen = Session.Screen;
        screen.Talk(
            string.Create(CultureInfo.InvariantCulture, $"{ids.Count} tasks would be {what}:")
        );
        foreach (var id in ids.Take(Unasked))
        {
            screen.Talk($"  {id}");
        }

        screen.Talk(
            string.Create(CultureInfo.InvariantCulture, $"  and {ids.Count - Unasked} more")
        );
        if (Console.IsInputRedirected || !screen.ErrorIsTerminal)
        {
            throw new QueueException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{ids.Count} tasks would be {what}, and there is no terminal to ask at"
                ),
                "Say yes with -y, or see what it is about with --dry-run"
            );
        }

        screen.Ask("Proceed? (y/N) ");
        var answer = InputText.LineFromStandardInput()?.Trim() ?? "";
        var agreed =
            answer.Equals("y", StringComparison.OrdinalIgnoreCase)
            || answer.Equals("yes", StringComparison.OrdinalIgnoreCase);
        if (!agreed)
        {
            screen.Talk($"Nothing was {what}");
        }

        return agreed;
    }
}
