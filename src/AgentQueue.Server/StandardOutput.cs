using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Server;

/// <summary>
/// Standard output for people. .NET's own opens it with sequences for the terminal, also where no colour is wanted.
/// </summary>
internal static class StandardOutput
{
    private const int Descriptor = 1;

    /// <param name="line">Clean, without its end.</param>
    public static void WriteLine(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        if (OperatingSystem.IsWindows())
        {
            using var output = Console.OpenStandardOutput();
            output.Write(bytes);
        }
        else
        {
            Pipes.Write(Descriptor, bytes);
        }
    }
}
