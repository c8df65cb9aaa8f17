using AgentQueue.Storage;

namespace AgentQueue.Cli.Commands;

/// <summary>A file that the user named, or standard input as <c>-</c>, read as a stream.</summary>
internal static class NamedInput
{
    public const string StandardInput = "-";

    /// <exception cref="QueueException">It cannot be read.</exception>
    public static T Read<T>(Session session, string name, Func<Stream, T> read)
    {
        try
        {
            using var content =
                name == StandardInput
                    ? InputText.OpenStandardInput()
                    : WholeFile.Open(Path.GetFullPath(name, session.CurrentFolder));
            return read(content);
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new QueueException($"Cannot read {name}: {e.Message}", cause: e);
        }
    }
}
