using System.Globalization;

namespace AgentQueue.Native;

/// <summary>
/// Whose files are acted on. What lies in a project is code: its configuration names commands, its tasks
/// are run. So it must belong to the user or to root, and not everybody may write it, unless
/// <c>AGENTQ_TRUST</c> names the project.
/// </summary>
internal static class Ownership
{
    /// <summary>Project folders, separated as in PATH; <c>*</c> is every one.</summary>
    public const string TrustVariable = "AGENTQ_TRUST";

    private const int WritableByAll = 0x2;
    private const int Sticky = 0x200;

    /// <summary>Why not to act on it, or null.</summary>
    /// <param name="mayBeShared">
    /// Everybody may make files there as long as the sticky bit keeps theirs from others: <c>/tmp</c>.
    /// </param>
    public static QueueException? Doubt(
        string path,
        FileStat stat,
        string projectRoot,
        bool mayBeShared = false
    )
    {
        if (!IsOwn(stat.Owner))
        {
            return IsTrusted(projectRoot)
                ? null
                : new QueueException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{path} belongs to user {stat.Owner}, and agentq would run what they put there"
                    ),
                    $"If you trust them with your account: export {TrustVariable}={projectRoot}"
                );
        }

        return
            (stat.Mode & WritableByAll) == 0
            || (mayBeShared && (stat.Mode & Sticky) != 0)
            || FileSystemFacts.Of(path) is { KeepsModes: false }
            || IsTrusted(projectRoot)
            ? null
            : new QueueException(
                $"Everybody on this machine may write {path}, and so have you run what they like",
                $"chmod o-w {path}"
            );
    }

    // Whoever calls sudo is the user all the same.
    private static bool IsOwn(uint owner)
    {
        var user = Libc.EffectiveUser();
        return owner == user
            || owner == 0
            || (
                user == 0
                && uint.TryParse(
                    Environment.GetEnvironmentVariable("SUDO_UID"),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var caller
                )
                && owner == caller
            );
    }

    private static bool IsTrusted(string projectRoot) =>
        (Environment.GetEnvironmentVariable(TrustVariable) ?? "")
            .Split(Path.PathSeparator)
            .Any(entry =>
                entry == "*"
                || (
                    Path.IsPathFullyQualified(entry)
                    && (Libc.RealPath(entry) ?? Path.TrimEndingDirectorySeparator(entry))
                        == projectRoot
                )
            );
}
