using System.Diagnostics;

namespace AgentQueue.Config;

/// <summary>Data files that are part of the program.</summary>
internal static class EmbeddedText
{
    /// <summary>Those whose names begin so.</summary>
    public static IEnumerable<string> Names(string begin) =>
        typeof(EmbeddedText)
            .Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(begin, StringComparison.Ordinal));

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
