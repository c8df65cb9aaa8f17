namespace AgentQueue.EndToEnd;

/// <summary>A fact that needs something of the machine; without it, it is skipped and says what it missed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsAttribute : FactAttribute
{
    public NeedsAttribute(params string[] needs)
    {
        var missing = needs.Where(static n => !Machine.Has(n)).ToList();
        if (missing.Count > 0)
        {
            Skip = "this machine has no " + string.Join(" and no ", missing);
        }
    }
}

/// <summary>As <see cref="NeedsAttribute"/>, for a theory.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsTheoryAttribute : TheoryAttribute
{
    public NeedsTheoryAttribute(params string[] needs)
    {
        var missing = needs.Where(static n => !Machine.Has(n)).ToList();
        if (missing.Count > 0)
        {
            Skip = "this machine has no " + string.Join(" and no ", missing);
        }
    }
}

/// <summary>What this machine can do.</summary>
internal static class Machine
{
    public const string Linux = "Linux";
    public const string Strace = "strace that may trace";
    public const string PidNamespace = "right to make a pid namespace (root and unshare)";
    public const string Script = "script(1)";
    public const string Bash = "bash 5";
    public const string Mounts = "right to mount (root and unshare)";
    public const string ProcessorTimes = "/proc/PID/schedstat";
    public const string SignalMasks = "env that blocks signals (coreutils 8.31)";
    public const string LoopMounts = "right to mount an image (root, unshare, mkfs.ext4)";
    public const string TimeNamespace = "right to make a time namespace (root and unshare)";
    public const string Faketime = "faketime(1)";
    public const string Root = "root and setpriv";
    public const string WatchLimits = "right to limit watches (unshare with user namespaces)";
    public const string Git = "git";
    public const string Ar = "ar(1), or no glibc, which a .deb is for";
    public const string Dpkg = "dpkg and a libc6 that it knows";

    public static bool Has(string need) =>
        need switch
        {
            Linux => OperatingSystem.IsLinux(),
            Strace => OperatingSystem.IsLinux()
                && Succeeds("strace", "-qq", "-o", "/dev/null", "true"),
            PidNamespace => OperatingSystem.IsLinux()
                && Succeeds(
                    "unshare",
                    "--pid",
                    "--fork",
                    "--mount-proc",
                    "sh",
                    "-c",
                    "echo 100 > /proc/sys/kernel/ns_last_pid"
                ),
            Bash => Succeeds("bash", "-c", "test -n \"$EPOCHREALTIME\""),
            Mounts => OperatingSystem.IsLinux()
                && Succeeds(
                    "unshare",
                    "--mount",
                    "sh",
                    "-c",
                    "mount -t tmpfs -o size=64k tmpfs /tmp"
                ),
            ProcessorTimes => File.Exists("/proc/self/schedstat"),
            SignalMasks => OperatingSystem.IsLinux()
                && Succeeds("env", "--block-signal", "--ignore-signal=CHLD", "true"),
            LoopMounts => OperatingSystem.IsLinux()
                && Succeeds(
                    "unshare",
                    "--mount",
                    "sh",
                    "-c",
                    "f=$(mktemp) && truncate -s 8M $f && mkfs.ext4 -q -F $f && mount -o loop $f /mnt; code=$?; rm -f $f; exit $code"
                ),
            TimeNamespace => OperatingSystem.IsLinux()
                && Succeeds("unshare", "--time", "--fork", "--monotonic", "60", "true"),
            Faketime => OperatingSystem.IsLinux()
                && Succeeds(
                    "sh",
                    "-c",
                    "for i in 1 2 3 4 5 6 7 8; do faketime -f +1h true && exit; done; exit 1"
                ),
            Root => OperatingSystem.IsLinux()
                && Succeeds("setpriv", "--reuid", "65534", "--clear-groups", "true"),
            WatchLimits => OperatingSystem.IsLinux()
                && Succeeds(
                    "unshare",
                    "-Ur",
                    "sh",
                    "-c",
                    "echo 100 > /proc/sys/user/max_inotify_watches"
                ),
            Git => Succeeds("git", "--version"),
            Ar => OperatingSystem.IsLinux()
                && !Directory.EnumerateFiles("/lib", "ld-musl-*").Any()
                && Succeeds("ar", "--version"),
            Dpkg => OperatingSystem.IsLinux() && Succeeds("dpkg", "-s", "libc6"),
            Script => OperatingSystem.IsLinux() && Succeeds("script", "-qec", "true", "/dev/null"),
            _ => throw new ArgumentOutOfRangeException(nameof(need), need, null),
        };

    /// <summary>The program's place on the PATH of the tests, or null.</summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Join(folder, program))
            .FirstOrDefault(File.Exists);

    private static bool Succeeds(string program, params string[] args)
    {
        try
        {
            using var trial = new Running(new(program, args), null);
            return trial.End(10).Code == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // It is not installed.
            return false;
        }
    }
}
