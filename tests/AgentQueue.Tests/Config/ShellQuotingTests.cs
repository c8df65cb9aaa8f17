using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

/// <summary>Which arguments are scripts, and how a value is written in one. That shells agree is shown end to end.</summary>
public sealed class ShellQuotingTests
{
    private const string Hole = "@";

    // Puts the value in the place of each hole of the script.
    private static string Write(string template, string value = "it's")
    {
        var script = new PosixScript();
        var written = "";
        var parts = template.Split(Hole);
        for (var i = 0; i < parts.Length; i++)
        {
            script.Literal(parts[i]);
            written += parts[i];
            if (i < parts.Length - 1)
            {
                written += script.Quote(value, out var problem) ?? $"<{problem}>";
            }
        }

        return written;
    }

    [Theory]
    [InlineData("echo @", "echo 'it'\\''s'")]
    [InlineData("@", "'it'\\''s'")]
    [InlineData("tool --file=@/x", "tool --file='it'\\''s'/x")]
    [InlineData("echo 'a @ b'", "echo 'a it'\\''s b'")]
    [InlineData("echo \"a @ b\"", "echo \"a \"'it'\\''s'\" b\"")]
    [InlineData("x=@ y=\"@\"", "x='it'\\''s' y=\"\"'it'\\''s'\"\"")]
    [InlineData("echo $(cat @) \"$(cat @)\"", "echo $(cat 'it'\\''s') \"$(cat 'it'\\''s')\"")]
    [InlineData(
        "echo \"$(cat \"@\" '@')\" @",
        "echo \"$(cat \"\"'it'\\''s'\"\" 'it'\\''s')\" 'it'\\''s'"
    )]
    [InlineData(
        "echo a#@ # but not here\necho @",
        "echo a#'it'\\''s' # but not here\necho 'it'\\''s'"
    )]
    [InlineData(
        "echo $((1 + 2)) ${HOME} \"$HOME\" @",
        "echo $((1 + 2)) ${HOME} \"$HOME\" 'it'\\''s'"
    )]
    [InlineData(
        "((i++)); for x in 1; do echo @; done",
        "((i++)); for x in 1; do echo 'it'\\''s'; done"
    )]
    [InlineData("cat <<< @", "cat <<< 'it'\\''s'")]
    [InlineData("cat <@ >@", "cat <'it'\\''s' >'it'\\''s'")]
    [InlineData("echo `date` @", "echo `date` 'it'\\''s'")]
    [InlineData(
        "case a in @) echo @;; esac; echo @",
        "case a in 'it'\\''s') echo 'it'\\''s';; esac; echo 'it'\\''s'"
    )]
    [InlineData("[ @ = @ ] && [[ @ ]]", "[ 'it'\\''s' = 'it'\\''s' ] && [[ 'it'\\''s' ]]")]
    [InlineData("a \\\n @ \\' @", "a \\\n 'it'\\''s' \\' 'it'\\''s'")]
    [InlineData("echo \"$$\" \"\\\"@\"", "echo \"$$\" \"\\\"\"'it'\\''s'\"\"")]
    public void A_value_is_one_word_wherever_it_stands(string template, string written) =>
        Assert.Equal(written, Write(template));

    [Theory]
    [InlineData("echo \"a @ b\"", "plain text-1.x", "echo \"a plain text-1.x b\"")]
    [InlineData("echo \"$x@\"", "plain", "echo \"$x\"'plain'\"\"")]
    [InlineData("echo \"a @\"", "$HOME", "echo \"a \"'$HOME'\"\"")]
    [InlineData("echo @", "", "echo ''")]
    [InlineData("echo '@'", "", "echo ''")]
    [InlineData("echo @", "plain", "echo 'plain'")]
    [InlineData("echo @", "a\nb\r\n", "echo 'a\nb\r\n'")]
    public void Plain_words_stay_readable_where_that_is_safe(
        string template,
        string value,
        string written
    ) => Assert.Equal(written, Write(template, value));

    [Theory]
    [InlineData("echo `cat @`", "backquotes")]
    [InlineData("echo \"`cat @`\"", "backquotes")]
    [InlineData("echo ${x:-@}", "in ${…}")]
    [InlineData("echo \"${x:-@}\"", "in ${…}")]
    [InlineData("echo $((1 + @))", "arithmetic")]
    [InlineData("echo \"$((@))\"", "arithmetic")]
    [InlineData("((x = @))", "arithmetic")]
    [InlineData("echo $(( (1) + @ ))", "arithmetic")]
    [InlineData("cat <<EOF\n@\nEOF\n", "here-document")]
    [InlineData("cat <<@", "right behind <<")]
    [InlineData("cat <<-'EOF'\nx\nEOF\necho @", "here-document")]
    [InlineData("cat <<\\EOF\n@\nEOF", "here-document")]
    [InlineData("echo $'a @'", "$'…'")]
    [InlineData("echo $'\\'' @", "a $'…' with a backslash")]
    [InlineData("echo x # about @", "comment")]
    [InlineData("# about @", "comment")]
    [InlineData("echo $@", "right behind a $")]
    [InlineData("echo \"$@\"", "right behind a $")]
    [InlineData("echo $$@", "right behind a $")]
    [InlineData("echo \"$=@\"", "right behind a $")]
    [InlineData("echo \\@", "backslash")]
    [InlineData("echo \"\\@\"", "backslash")]
    [InlineData("a[@]=1", "subscript")]
    [InlineData("echo \"$x[@]\"", "subscript")]
    [InlineData("echo $[1 + @]", "$[")]
    [InlineData("echo \"${x:-'}\" @", "behind a ${…}")]
    [InlineData("echo `echo \\`x\\`` @", "behind backquotes")]
    [InlineData("echo \"$(case x in x) echo @;; esac)\"", "behind a case within $(…)")]
    [InlineData("echo $(date # it's\n) @", "behind a comment within $(…)")]
    [InlineData("echo $\\\n(x @)", "in the middle of an operator")]
    public void Where_that_cannot_be_promised_the_place_is_refused(string template, string why) =>
        Assert.Contains(why, Write(template), StringComparison.Ordinal);

    [Fact]
    public void What_is_put_in_raw_counts_as_part_of_the_script()
    {
        var script = new PosixScript();
        script.Literal("echo \"");
        script.Literal("$(cat '");

        Assert.Equal("a\"b", script.Quote("a\"b", out _));
    }

    [Theory]
    [InlineData("sh", "-c|X", 1)]
    [InlineData("/bin/sh", "-c|--|X", 2)]
    [InlineData("bash", "-ec|X|name|arg", 1)]
    [InlineData("bash", "-lc|X", 1)]
    [InlineData("bash", "-euo|pipefail|-c|X", 3)]
    [InlineData("bash", "-o|pipefail|-O|extglob|-c|X", 5)]
    [InlineData("bash", "-ceuo|pipefail|X", 2)]
    [InlineData("bash", "--rcfile|f|--norc|-c|X", 4)]
    [InlineData("zsh", "-c|+x|X", 2)]
    [InlineData("dash", "-e|-c|X|-c|Y", 2)]
    [InlineData("busybox", "sh|-c|X", 2)]
    [InlineData("env", "-i|A=b|/usr/bin/bash|-c|X", 4)]
    [InlineData("timeout", "5|sh|-c|X", 3)]
    [InlineData("docker", "run|--rm|img|sh|-c|X", 5)]
    [InlineData("cmd", "/c|X", 1)]
    [InlineData("C:\\Windows\\CMD.EXE", "/d|/s|/C|X|Y", 3)]
    [InlineData("cmd", "/cX", 0)]
    [InlineData("pwsh", "-NoProfile|-Command|X", 2)]
    [InlineData("fish", "-c|X", 1)]
    [InlineData("sh", "script|-c|X", -1)]
    [InlineData("sh", "--|-c|X", -1)]
    [InlineData("sh", "-c", -1)]
    [InlineData("sh", "", -1)]
    [InlineData("python3", "-c|X", -1)]
    [InlineData("grep", "sh|-c|X", -1)]
    [InlineData("ssh", "host|sh|-c|X", -1)]
    public void The_script_is_found_among_the_arguments(string command, string args, int script) =>
        Assert.Equal(
            script,
            ShellQuoting
                .LayoutOf(command, args.Split('|', StringSplitOptions.RemoveEmptyEntries))
                .Script
        );

    [Theory]
    [InlineData("plain text-1.x ä'`$;{}", true)]
    [InlineData("%PATH%", false)]
    [InlineData("a\"b", false)]
    [InlineData("a!b", false)]
    [InlineData("a^b", false)]
    [InlineData("a&b", false)]
    [InlineData("a|b", false)]
    [InlineData("a<b", false)]
    [InlineData("a>b", false)]
    [InlineData("(a", false)]
    [InlineData("a)", false)]
    [InlineData("a\rb", false)]
    [InlineData("a\nb", false)]
    public void Cmd_gets_only_values_that_it_leaves_alone(string value, bool fine)
    {
        var written = new CmdScript().Quote(value, out var problem);

        Assert.Equal(fine ? value : null, written);
        Assert.Equal(fine, problem is null);
    }
}
