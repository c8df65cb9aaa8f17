using AgentQueue.Processes;

namespace AgentQueue.Tests.Processes;

public sealed class WindowsCommandLineTests
{
    private const string Shell = @"C:\Windows\System32\cmd.exe";
    private const string Program = @"C:\Program Files\agent\agent.exe";

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "\"\"")]
    [InlineData("two words", "\"two words\"")]
    [InlineData("say \"hi\"", "\"say \\\"hi\\\"\"")]
    [InlineData(@"C:\folder\", @"C:\folder\")]
    [InlineData(@"C:\my folder\", @"""C:\my folder\\""")]
    [InlineData("a\\\"b", "\"a\\\\\\\"b\"")]
    [InlineData(@"\\server\share name", @"""\\server\share name""")]
    [InlineData("line\nbreak", "\"line\nbreak\"")]
    [InlineData("%PATH% & del", "\"%PATH% & del\"")]
    public void An_argument_is_quoted_as_far_as_it_needs_to_be(string argument, string quoted) =>
        Assert.Equal($"\"{Program}\" {quoted}", WindowsCommandLine.Join(Program, [argument]));

    [Fact]
    public void A_program_reads_the_arguments_that_were_meant()
    {
        const int Seed = 20_260_101;
        var random = new Random(Seed);
        const string Letters = "ab \t\"\\\\\"\" '%&^|<>é\U0001F600\n";
        for (var round = 0; round < 20_000; round++)
        {
            string[] arguments =
            [
                .. Enumerable
                    .Range(0, random.Next(5))
                    .Select(_ => new string(random.GetItems<char>(Letters, random.Next(9)))),
            ];
            var line = WindowsCommandLine.Join(Program, arguments);
            Assert.Equal([Program, .. arguments], WindowsCommandLine.Split(line));
        }
    }

    [Theory]
    [InlineData("", new string[0])]
    [InlineData("agentq", new[] { "agentq" })]
    [InlineData("agentq  __supervise\tid ", new[] { "agentq", "__supervise", "id" })]
    [InlineData("\"C:\\a b\\agentq.exe\" x", new[] { "C:\\a b\\agentq.exe", "x" })]
    [InlineData("p \"a\"\"b\" c", new[] { "p", "a\"b", "c" })]
    [InlineData("p a\"b c\"d", new[] { "p", "ab cd" })]
    public void A_command_line_is_read_as_programs_read_it(string line, string[] arguments) =>
        Assert.Equal(arguments, WindowsCommandLine.Split(line));

    [Fact]
    public void A_program_is_started_itself() =>
        Assert.Equal(
            (Program, $"\"{Program}\" --print \"a \\\"b\\\" & c\""),
            WindowsCommandLine.Of(Program, ["--print", "a \"b\" & c"], Shell)
        );

    [Fact]
    public void A_batch_file_is_started_through_the_shell_with_quotes_that_it_keeps() =>
        Assert.Equal(
            (
                Shell,
                $"\"{Shell}\" /d /s /v:off /c \"\"C:\\npm\\claude.CMD\" --print \"a & b\" \"\" \"c d\\\\\"\""
            ),
            WindowsCommandLine.Of(@"C:\npm\claude.CMD", ["--print", "a & b", "", "c d\\"], Shell)
        );

    [Theory]
    [InlineData("say \"hi\"")]
    [InlineData("%PATH%")]
    [InlineData("hi!")]
    [InlineData("two\nlines")]
    [InlineData("\" & calc.exe & \"")]
    public void What_a_batch_file_would_read_as_something_else_is_refused(string argument)
    {
        var error = Assert.Throws<LaunchException>(() =>
            WindowsCommandLine.Of(@"C:\npm\claude.cmd", [argument], Shell)
        );
        Assert.Contains("batch file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_file_whose_own_name_would_be_read_as_something_else_is_refused() =>
        Assert.Throws<LaunchException>(() =>
            WindowsCommandLine.Of(@"C:\100%\claude.cmd", [], Shell)
        );

    [Fact]
    public void A_NUL_is_refused_instead_of_cutting_the_argument() =>
        Assert.Throws<LaunchException>(() => WindowsCommandLine.Of(Program, ["a\0b"], Shell));

    [Theory]
    [InlineData("agent.exe", 32_766)]
    [InlineData("agent.cmd", 8_190)]
    public void A_command_line_that_is_too_long_is_refused(string program, int longest)
    {
        var path = @"C:\" + program;
        var most = longest - WindowsCommandLine.Of(path, [""], Shell).CommandLine.Length + 2;
        Assert.Equal(
            longest,
            WindowsCommandLine.Of(path, [new string('x', most)], Shell).CommandLine.Length
        );
        Assert.Throws<LaunchException>(() =>
            WindowsCommandLine.Of(path, [new string('x', most + 1)], Shell)
        );
    }

    [Fact]
    public void The_environment_is_sorted_without_regard_to_case() =>
        Assert.Equal(
            "A=1\0b=2\0Path=C:\\x\0\0",
            WindowsCommandLine.EnvironmentBlock(["Path=C:\\x", "b=2", "A=1"])
        );

    [Fact]
    public void Of_two_variables_with_one_name_the_later_counts() =>
        Assert.Equal("PATH=new\0\0", WindowsCommandLine.EnvironmentBlock(["Path=old", "PATH=new"]));

    [Fact]
    public void A_drive_keeps_its_hidden_current_folder() =>
        Assert.Equal(
            "=C:=C:\\work\0A=\0\0",
            WindowsCommandLine.EnvironmentBlock(["A=", "=C:=C:\\work"])
        );

    [Fact]
    public void What_is_no_variable_is_left_out() =>
        Assert.Equal("A=1\0\0", WindowsCommandLine.EnvironmentBlock(["", "B", "C=x\0D=y", "A=1"]));

    [Fact]
    public void An_empty_environment_is_two_NULs() =>
        Assert.Equal("\0\0", WindowsCommandLine.EnvironmentBlock([]));
}
