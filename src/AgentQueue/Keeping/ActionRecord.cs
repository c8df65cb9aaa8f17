using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.InteropServices;

namespace AgentQueue.Keeping;

/// <summary>That somebody did something: what a line of <c>.agents/records/</c> says (docs/format.md).</summary>
internal sealed record ActionRecord
{
    /// <summary>When it began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What was done, in one word with dots: <c>git.branch</c>.</summary>
    public required string Action { get; init; }

    /// <summary>The program that was run and its arguments; never a value of the environment.</summary>
    public ImmutableArray<string> Arguments { get; init; } = [];

    /// <summary>The id of the task or run that it was about, if it was about one.</summary>
    public string? Subject { get; init; }

    public required int ExitCode { get; init; }

    public required TimeSpan Took { get; init; }

    /// <summary>What was printed, or the end of it.</summary>
    public string Output { get; init; } = "";

    public bool IsOutputCut { get; init; }

    /// <summary>Whose process wrote it, and on which machine: <c>me@here</c>.</summary>
    public string Who { get; init; } = s_who.Value;

    public string System { get; init; } = s_system;

    /// <summary>Of agentq.</summary>
    public string Version { get; init; } = s_version.Value;

    private static readonly Lazy<string> s_who = new(static () =>
        $"{(Environment.UserName is { Length: > 0 } name ? name : "?")}@{Environment.MachineName}"
    );

    private static readonly string s_system =
        (
            OperatingSystem.IsWindows() ? "windows"
            : OperatingSystem.IsMacOS() ? "macos"
            : "linux"
        )
        + "-"
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private static readonly Lazy<string> s_version = new(static () =>
        typeof(ActionRecord)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0]
        ?? "?"
    );
}
