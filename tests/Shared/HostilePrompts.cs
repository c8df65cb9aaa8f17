namespace AgentQueue.Faults;

/// <summary>
/// Two hundred prompts that some layer between a keyboard and an agent would take for its own: options,
/// quotes, expansions, files, ends of lines, directions of text.
/// </summary>
internal static class HostilePrompts
{
    private static readonly string[] s_whole =
    [
        "@/etc/hostname",
        "@alice please look",
        "--",
        "-- --",
        "-rf",
        "-o/tmp/pwned",
        "-",
        "--help",
        "--version",
        "-h",
        "-?",
        "/?",
        "--prompt=x",
        "--quiet",
        "--root=/",
        "--dangerously-skip-permissions -o/tmp/x",
        "--dangerously-skip-permissions",
        "-c 'touch pwned'",
        "--config={\"x\":1}",
        "a\nb\r\nc\td",
        "trailing newline\n",
        "\n\nleading",
        "  leading and trailing blanks  ",
        "\t",
        "x\t",
        "{prompt} {taskId} {userPrompt} {{ }} {nosuch} {\"json\": {\"deep\": 1}}",
        "%s %d %n %PATH% %%",
        "\\ \\\\ \\n \\0 \\\"",
        "\\",
        "\"",
        "'",
        "`",
        "$",
        "!",
        "!!",
        "#",
        "~",
        "~root",
        "*",
        "?",
        "[a-z]*",
        "{a,b}",
        ".",
        "..",
        "/",
        "/etc/passwd",
        "../../etc/passwd",
        "file:///etc/passwd",
        "[red]x[/] [link=http://a]b[/]",
        "ünïcödé 日本語 🙂👨‍👩‍👧 \u202Ereversed\u202C \u200B\uFEFF",
        "\u001b[31mred\u001b]0;title\u0007\u009b1m\u007f\b",
        "\uFFFD replacement, honestly typed",
        "e\u0301 and \u00e9",
        "\u0001\u0002\u0003\u001f",
        "=x",
        "A=B",
        "LD_PRELOAD=/x",
        "null",
        "true",
        "0",
        "-1",
        "1e999",
        "NaN",
        "undefined",
        "EOF",
        "<<EOF\ntouch pwned\nEOF",
        "\u2028\u2029\u0085",
        "con",
        "a.cmd",
        "%0a%00",
    ];

    private static readonly string[] s_commands =
    [
        "touch pwned",
        "$(touch pwned)",
        "`touch pwned`",
        "${HOME} $HOME $@ $* $1 $$",
        "it's \"quoted\"",
        "--flag value",
    ];

    // {0} is one of the commands.
    private static readonly string[] s_around =
    [
        "; {0} ;",
        "& {0} &",
        "&& {0}",
        "|| {0}",
        "| {0}",
        "\n{0}\n",
        "\r\n{0}",
        "\"; {0}; \"",
        "'; {0}; '",
        "\\\"; {0}; \\\"",
        "\\'; {0}; \\'",
        "$( {0} )",
        "` {0} `",
        "<( {0} )",
        "> pwned {0}",
        "{{ {0}; }}",
        "-- {0}",
        "--x={0}",
        "-x{0}",
        "# {0}\n{0}",
        "\u202E{0}\u202C",
        "{0}\u0001",
    ];

    public static IReadOnlyList<string> Corpus { get; } =
    [
        .. s_whole.Where(static p => p.Trim().Length > 0 && p != "-"),
        .. from around in s_around
        from command in s_commands
        select around.Replace("{0}", command, StringComparison.Ordinal),
    ];
}
