using System.Globalization;
using System.Text;
using AgentQueue.Storage;

namespace AgentQueue.Agents;

/// <summary>An account that is not served until then.</summary>
/// <param name="Message">Why, as its agent said.</param>
internal sealed record AccountLimit(string Account, DateTimeOffset Until, string Message);

/// <summary>
/// The accounts that have reached a usage limit: <c>run/limits/ACCOUNT</c>, a line with the time and one with the
/// reason. Where the folder is not there, there are none. After its time a limit still stands until a task has
/// found that the account is served again, so that not all of them try at once.
/// </summary>
internal sealed class AccountLimits(QueueFolder queue)
{
    private const int LongestFile = 4096;
    private const int LongestMessage = 300;

    private string Folder => Path.Join(queue.Run, "limits");

    /// <summary>False without a look at any of them, where there are none.</summary>
    public bool Any => queue.Disk.Facts(Folder) is not null;

    public IReadOnlyList<AccountLimit> All() =>
        Any
            ?
            [
                .. queue
                    .Disk.List(Folder)
                    .Select(Find)
                    .OfType<AccountLimit>()
                    .OrderBy(static l => l.Account, StringComparer.Ordinal),
            ]
            : [];

    /// <summary>Null if the account is served, as far as is known.</summary>
    public AccountLimit? Find(string account)
    {
        if (account.StartsWith('.'))
        {
            return null;
        }

        var read = queue.Disk.Read(FileOf(account), LongestFile);
        if (read.Status != ReadStatus.Ok)
        {
            return null;
        }

        var lines = Encoding.UTF8.GetString(read.Content).Split('\n');
        return DateTimeOffset.TryParse(
            lines[0],
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var until
        )
            ? new AccountLimit(account, until, lines.Length > 1 ? lines[1] : "")
            : null;
    }

    /// <summary>The later of two times holds.</summary>
    public void Set(AccountLimit limit)
    {
        if (Find(limit.Account) is { } known && known.Until > limit.Until)
        {
            return;
        }

        var message = limit.Message.ReplaceLineEndings(" ");
        queue.Disk.CreateFolder(Folder);
        queue.Unsynced.ReplaceUnsynced(
            FileOf(limit.Account),
            Encoding.UTF8.GetBytes(
                $"{limit.Until.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)}\n{(message.Length > LongestMessage ? message[..LongestMessage] + "…" : message)}\n"
            )
        );
    }

    /// <summary>
    /// A task of the account has gone well. Before the limit's time that tells nothing: the task may have been on its
    /// way when the limit came. False if no limit is lifted.
    /// </summary>
    public bool Lift(string account, DateTimeOffset now)
    {
        if (
            !Any
            || Find(account) is not { } limit
            || limit.Until > now
            || !queue.Disk.Delete(FileOf(account))
        )
        {
            return false;
        }

        if (!queue.Disk.List(Folder).Any())
        {
            queue.Disk.DeleteFolder(Folder);
        }

        return true;
    }

    private string FileOf(string account) => Path.Join(Folder, account);
}
