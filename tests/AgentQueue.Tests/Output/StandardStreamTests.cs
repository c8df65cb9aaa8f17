using System.IO.Pipes;
using AgentQueue.Cli.Output;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Tests.Output;

public sealed class StandardStreamTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Two_writers_of_one_file_do_not_overwrite_each_other()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var handle = File.OpenHandle(_file, FileMode.Create, FileAccess.Write);
        new UnixStandardStream(Descriptor(handle)).Write("one\n"u8);
        new UnixStandardStream(Descriptor(handle)).Write("two\n"u8);
        Assert.Equal("one\ntwo\n", File.ReadAllText(_file));
    }

    [Fact]
    public void A_full_disk_is_told()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var handle = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        var stream = new UnixStandardStream(Descriptor(handle));
        var problem = Assert.Throws<IOException>(() => stream.Write("x"u8));
        Assert.Equal("No space left on device", problem.Message);
        Assert.False(stream.IsTerminal);
        Assert.Null(stream.Size);
    }

    [Fact]
    public void A_reader_who_went_away_is_noticed()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        pipe.ClientSafePipeHandle.Dispose();
        var descriptor = (int)pipe.SafePipeHandle.DangerousGetHandle();
        Assert.Throws<ReaderGoneException>(() => new UnixStandardStream(descriptor).Write("x"u8));
    }

    private static int Descriptor(SafeFileHandle handle) => (int)handle.DangerousGetHandle();
}
