using System.IO.Enumeration;

namespace AgentQueue.Storage;

/// <summary>The names in a folder, in no order, as every system's own enumeration gives them.</summary>
internal static class FolderNames
{
    private static readonly EnumerationOptions s_everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        ReturnSpecialDirectories = false,
    };

    /// <summary>None if the folder does not exist.</summary>
    /// <exception cref="QueueException">It cannot be read.</exception>
    public static List<string> In(string folder)
    {
        var names = new List<string>();
        try
        {
            var entries = new FileSystemEnumerable<bool>(
                folder,
                static (ref _) => true,
                s_everything
            )
            {
                ShouldIncludePredicate = (ref entry) =>
                {
                    names.Add(entry.FileName.ToString());
                    return false;
                },
            };
            foreach (var _ in entries) { }
        }
        catch (DirectoryNotFoundException)
        {
            // A queue that was never used has no such folder yet: it holds nothing.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException(
                $"Cannot read the folder {folder}: {e.Message}",
                $"Check who owns it and what is wrong with it: ls -ld {folder}",
                cause: e
            );
        }

        return names;
    }
}
