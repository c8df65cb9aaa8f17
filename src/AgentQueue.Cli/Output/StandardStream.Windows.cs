using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace AgentQueue.Cli.Output;

[SupportedOSPlatform("windows")]
internal sealed unsafe partial class WindowsStandardStream(bool isError) : StandardStream
{
    private const uint VirtualTerminal = 4;

    private Stream? _stream;
    private bool? _takesEscapes;

    public override bool IsTerminal =>
        isError ? !Console.IsErrorRedirected : !Console.IsOutputRedirected;

    public override bool TakesEscapes => _takesEscapes ??= IsTerminal && SwitchVirtualTerminalOn();

    public override (int Columns, int Rows)? Size =>
        IsTerminal ? (Console.WindowWidth, Console.WindowHeight) : null;

    public override void Write(ReadOnlySpan<byte> bytes) => (_stream ??= Open()).Write(bytes);

    private Stream Open()
    {
        if (IsTerminal)
        {
            Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        }

        return isError ? Console.OpenStandardError() : Console.OpenStandardOutput();
    }

    private bool SwitchVirtualTerminalOn()
    {
        var handle = GetStandardHandle(isError ? -12 : -11);
        uint mode;
        // SAFETY: GetConsoleMode writes one 32-bit number into this stack slot.
        return GetMode(handle, &mode) != 0 && SetMode(handle, mode | VirtualTerminal) != 0;
    }

    [LibraryImport("kernel32", EntryPoint = "GetStdHandle")]
    private static partial nint GetStandardHandle(int which);

    [LibraryImport("kernel32", EntryPoint = "GetConsoleMode")]
    private static partial int GetMode(nint handle, uint* mode);

    [LibraryImport("kernel32", EntryPoint = "SetConsoleMode")]
    private static partial int SetMode(nint handle, uint mode);
}
