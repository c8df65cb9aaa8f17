using System.Buffers.Binary;
using System.Text;
using AgentQueue.Processes;

namespace AgentQueue.Tests.Processes;

/// <summary>What is pure in the parts for macOS and Windows.</summary>
public sealed class OtherSystemsTests
{
    [Fact]
    public void Arguments_and_environment_are_told_apart_in_the_memory_of_a_mac_program()
    {
        var (arguments, environment) = ProcessTable.SplitProgramMemory(
            Memory(3, "/bin/agentq\0\0\0\0\0agentq\0\0--x\0A=1\0B=2\0\0")
        );
        Assert.Equal("agentq\0\0--x\0", Encoding.UTF8.GetString(arguments));
        Assert.Equal("A=1\0B=2\0\0", Encoding.UTF8.GetString(environment));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(5, "")]
    [InlineData(5, "/bin/x")]
    [InlineData(2, "/bin/x\0\0x\0unfinished")]
    [InlineData(-1, "/bin/x\0x\0")]
    [InlineData(int.MaxValue, "/bin/x\0x\0A=1\0")]
    public void A_memory_that_is_cut_short_is_read_as_far_as_it_goes(int count, string text)
    {
        var memory = Memory(count, text);
        for (var length = 0; length <= memory.Length; length++)
        {
            var (arguments, environment) = ProcessTable.SplitProgramMemory(
                memory.AsSpan(0, length)
            );
            Assert.True(arguments.Length + environment.Length <= length);
        }
    }

    [Fact]
    public void A_number_that_passed_to_a_younger_process_is_no_parent()
    {
        var starts = new Dictionary<int, long> { [10] = 500, [20] = 900 };
        Assert.Equal(10, ProcessTable.LivingParent(starts, 10, childStart: 700));
        Assert.Equal(0, ProcessTable.LivingParent(starts, 20, childStart: 700));
        Assert.Equal(0, ProcessTable.LivingParent(starts, 30, childStart: 700));
    }

    [Theory]
    [InlineData(0u, 0, null)]
    [InlineData(3u, 3, null)]
    [InlineData(255u, 255, null)]
    [InlineData(256u, 255, null)]
    [InlineData(0xC000_0005u, 255, null)]
    [InlineData(0xFFFF_FFFFu, 255, null)]
    [InlineData(0xC000_013Au, 130, 2)]
    [InlineData(137u, 137, 9)]
    public void A_windows_exit_code_keeps_to_eight_bits_and_never_becomes_success(
        uint code,
        int expected,
        int? signal
    )
    {
        var exit = WindowsExit.Of(code);
        Assert.Equal(expected, exit.Code);
        Assert.Equal(signal, exit.Signal);
        Assert.Equal(code == 0, exit.IsSuccess);
    }

    [Fact]
    public void The_handles_of_a_supervisor_come_back_from_its_command_line()
    {
        var handles = new InheritedHandles(312, 4096);
        Assert.Equal(handles, InheritedHandles.ParseNumbers(handles.ToArguments()));
    }

    [Theory]
    [InlineData("312")]
    [InlineData("312", "-1")]
    [InlineData("312", "x")]
    [InlineData("312", "4096", "7")]
    public void Anything_else_is_no_handles(params string[] arguments) =>
        Assert.Null(InheritedHandles.ParseNumbers(arguments));

    private static byte[] Memory(int count, string text)
    {
        var memory = new byte[4 + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteInt32LittleEndian(memory, count);
        Encoding.UTF8.GetBytes(text, memory.AsSpan(4));
        return memory;
    }
}
