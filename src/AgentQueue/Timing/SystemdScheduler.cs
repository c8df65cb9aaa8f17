using System.Globalization;
using System.Text;
using AgentQueue.Storage;

namespace AgentQueue.Timing;

/// <summary>
/// The user's systemd: a timer and a service for each rule in <c>~/.config/systemd/user</c>, named by the
/// project, so that what belongs to others is never touched.
/// </summary>
/// <param name="folder">Where the user's units are; null if that cannot be told.</param>
internal sealed class SystemdScheduler(
    IDisk disk,
    DurableFile durable,
    string projectHash,
    string? folder,
    RunProgram run,
    TimeZoneInfo zone
) : IScheduler
{
    private const int LongestUnit = 1 << 20;
    private const string Wanted = "timers.target.wants";

    public string Name => "systemd (timers of the user)";

    public string? Note =>
        "It calls while you are logged in; to have it call always: loginctl enable-linger";

    public bool IsAvailable =>
        folder is not null
        && run("systemctl", ["--user", "show-environment"], default) is { ExitCode: 0 };

    public bool HasAny => Own(folder).Count > 0;

    public IReadOnlyList<bool> Look(IReadOnlyList<ScheduledCall> calls)
    {
        var files = FilesOf(calls);
        return
        [
            .. Enumerable
                .Range(1, calls.Count)
                .Select(n =>
                    files
                        .Where(f => Path.GetFileNameWithoutExtension(f.Key) == UnitOf(n))
                        .All(f => IsThere(f.Key, f.Value))
                ),
        ];
    }

    public bool Install(IReadOnlyList<ScheduledCall> calls)
    {
        var wanted = FilesOf(calls);
        var old = Own(folder).Where(name => !wanted.ContainsKey(name)).ToList();
        var changed = wanted
            .Where(f => !IsThere(f.Key, f.Value))
            .Select(static f => f.Key)
            .ToList();
        List<string> timers = [.. wanted.Keys.Where(IsTimer)];
        if (old.Count == 0 && changed.Count == 0 && (timers.Count == 0 || AreOn(timers)))
        {
            return false;
        }

        TakeOut(old);
        disk.CreateFolder(folder!);
        foreach (var name in changed)
        {
            durable.ReplaceUnsynced(Path.Join(folder, name), Encoding.UTF8.GetBytes(wanted[name]));
        }

        durable.SyncFolderOf(Path.Join(folder, "unit"));
        Call(["daemon-reload"]);
        if (timers.Count > 0)
        {
            Call(["enable", .. timers]);
            // What runs already keeps its old times until then.
            Call(["restart", .. timers]);
        }

        return true;
    }

    public bool Remove()
    {
        var own = Own(folder);
        if (own.Count == 0)
        {
            return false;
        }

        var answers = IsAvailable;
        TakeOut(own, answers);
        if (answers)
        {
            Call(["daemon-reload"]);
        }

        return true;
    }

    // The links that enabling makes go with it; where systemd does not answer, or the file was gone before, they
    // are taken away here.
    private void TakeOut(IReadOnlyList<string> names, bool answers = true)
    {
        var timers = names
            .Where(name => IsTimer(name) && disk.Facts(Path.Join(folder, name)) is not null)
            .ToList();
        if (answers && timers.Count > 0)
        {
            Call(["disable", "--now", .. timers]);
        }

        foreach (var name in names)
        {
            disk.Delete(Path.Join(folder, Wanted, name));
            disk.Delete(Path.Join(folder, name));
        }
    }

    // Each answers with a line for each of them. One that was written and not read again by systemd goes by its
    // old times: the call that wrote it died.
    private bool AreOn(List<string> timers) =>
        All(["is-active"], "active", timers)
        && All(["is-enabled"], "enabled", timers)
        && All(["show", "--property=NeedDaemonReload", "--value"], "no", timers);

    private bool All(string[] question, string answer, List<string> timers)
    {
        var end = run("systemctl", ["--user", .. question, .. timers], default);
        string[] lines = Encoding
            .UTF8.GetString(end?.Output ?? [])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length == timers.Count && Array.TrueForAll(lines, line => line == answer);
    }

    private void Call(IReadOnlyList<string> arguments)
    {
        var end =
            run("systemctl", ["--user", .. arguments], default)
            ?? throw new QueueException("There is no program 'systemctl' on the PATH");
        if (end.ExitCode != 0)
        {
            throw new QueueException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"systemctl --user {string.Join(' ', arguments)} gave exit code {end.ExitCode}: {end.Errors.Trim()}"
                ),
                "Once that is mended, call it again: it goes on where it stopped"
            );
        }
    }

    private SortedDictionary<string, string> FilesOf(IReadOnlyList<ScheduledCall> calls)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < calls.Count; i++)
        {
            var (timer, service) = SystemdUnits.For(calls[i], zone);
            files[UnitOf(i + 1) + ".timer"] = timer;
            files[UnitOf(i + 1) + ".service"] = service;
        }

        return files;
    }

    private string UnitOf(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{UnitPrefix}{number}");

    private string UnitPrefix => $"agentq-{projectHash}-";

    private static bool IsTimer(string name) => name.EndsWith(".timer", StringComparison.Ordinal);

    private bool IsThere(string name, string text) =>
        disk.Read(Path.Join(folder, name), LongestUnit) is { Status: ReadStatus.Ok } read
        && read.Content.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text));

    private List<string> Own(string? where) =>
        where is null
            ? []
            :
            [
                .. disk.List(where)
                    .Concat(disk.List(Path.Join(where, Wanted)))
                    .Where(IsOwn)
                    .Distinct()
                    .Order(StringComparer.Ordinal),
            ];

    private bool IsOwn(string name) =>
        name.StartsWith(UnitPrefix, StringComparison.Ordinal)
        && Path.GetExtension(name) is ".timer" or ".service"
        && Path.GetFileNameWithoutExtension(name)[UnitPrefix.Length..] is { Length: > 0 } number
        && number.All(char.IsAsciiDigit);
}
