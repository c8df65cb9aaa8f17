using System.Diagnostics;

namespace AgentQueue.Config;

/// <summary>Data files that are part of the program.</summary>
internal static class EmbeddedText
{
    public static byte[] Read(string name)
    {
        using var stream =
            typeof(EmbeddedText).Assembly.GetManifestResourceStream(name)
            ?? throw new UnreachableException($"{name} is not embedded");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
