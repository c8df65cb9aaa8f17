using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Config;

namespace AgentQueue.Events;

/// <summary>The program that a hook comes to.</summary>
/// <param name="Name">What it is called when it fails; never what may be secret of an address.</param>
/// <param name="Executable">Absolute path.</param>
/// <param name="Limit">After which it is ended.</param>
internal sealed record HookProgram(
    string Name,
    string Executable,
    ImmutableArray<string> Arguments,
    TimeSpan Limit
)
{
    private const int CurlTimedOut = 28;

    // For its own message about the time to come first.
    private static readonly TimeSpan s_curlGrace = TimeSpan.FromSeconds(2);

    /// <summary>The exit code by which it tells that its time was up; null if it does not.</summary>
    public int? TimeoutCode { get; private init; }

    /// <summary>What a hook is called before it is known whether it can run.</summary>
    public static string NameOf(HookRule rule) =>
        rule switch
        {
            HookRule.Program { Command: [var command, ..] } => HookText.Plain(command),
            // An address may carry a password before its host, or be one behind it.
            HookRule.Web { Url: var url } => Address(url) is { } address
                ? $"{address.Scheme}://{address.Authority}"
                : "url",
            HookRule.Desktop => "notify",
            _ => "hook",
        };

    /// <param name="text">What a desktop is shown.</param>
    /// <param name="find">The absolute path of a program, or null.</param>
    /// <exception cref="QueueException">There is no program for it; the message says what to install.</exception>
    public static HookProgram Of(HookRule rule, string text, Func<string, string?> find) =>
        rule switch
        {
            HookRule.Program { Command: [var command, .. var arguments] } => new(
                NameOf(rule),
                find(command) ?? throw Missing($"There is no program '{command}'"),
                arguments,
                rule.Timeout
            ),
            HookRule.Web web => Curl(web, find),
            HookRule.Desktop => Desktop(rule, text, find),
            _ => throw Missing("It has no program"),
        };

    private static HookProgram Curl(HookRule.Web web, Func<string, string?> find)
    {
        if (Address(web.Url) is null)
        {
            throw Missing("The address is neither http nor https");
        }

        return new(
            NameOf(web),
            find("curl") ?? throw Missing("curl is not installed; install it for hooks with a url"),
            [
                "--fail",
                "--silent",
                "--show-error",
                // Brackets and braces of an address are its own.
                "--globoff",
                "--proto",
                "=http,https",
                "--max-time",
                web.Timeout.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture),
                "-H",
                "Content-Type: application/json",
                "--data-binary",
                "@-",
                "--",
                web.Url,
            ],
            web.Timeout + s_curlGrace
        )
        {
            TimeoutCode = CurlTimedOut,
        };
    }

    private static HookProgram Desktop(HookRule rule, string text, Func<string, string?> find)
    {
        if (OperatingSystem.IsWindows())
        {
            throw Missing(
                "There is no program for notifications on this system; use a hook with run"
            );
        }

        if (OperatingSystem.IsMacOS())
        {
            return new(
                "osascript",
                find("osascript") ?? throw Missing("osascript is not on PATH"),
                [
                    "-e",
                    "on run argv",
                    "-e",
                    "display notification (item 1 of argv) with title \"agentq\"",
                    "-e",
                    "end run",
                    "--",
                    text,
                ],
                rule.Timeout
            );
        }

        return new(
            "notify-send",
            find("notify-send")
                ?? throw Missing(
                    "notify-send is not installed; install libnotify-bin (Debian, Ubuntu) or libnotify (Fedora, Arch)"
                ),
            ["--app-name=agentq", "--", "agentq", HookText.AsMarkup(text)],
            rule.Timeout
        );
    }

    private static Uri? Address(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : null;

    private static QueueException Missing(string why) => new(why);
}
