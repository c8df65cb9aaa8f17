using System.IO.Enumeration;

namespace AgentQueue.Storage;

/// <summary>What stands in a folder of a real disk, hidden names and links included.</summary>
internal static class FolderNames
{
    /// <summary>None if the folder does not exist.</summary>
    public static List<string> In(string folder)
    {
        var names = new List<string>();
        try
        {
            foreach (
                var name in new FileSystemEnumerable<string>(
                    folder,
                    static (ref entry) => entry.FileName.ToString(),
                    s_everything
                )
            )
            {
                names.Add(name);
            }
        }
        catch (DirectoryNotFoundException)
        {
            // A queue that was never used has no such folder yet: it holds nothing.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot read the folder {folder}: {e.Message}", cause: e);
        }

        return names;
    }

    private static readonly EnumerationOptions s_everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        ReturnSpecialDirectories = false,
    };
}
