using System.Text;
using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Scheduling;

/// <summary>The two files in which a project says how it wants to work.</summary>
internal static class ProjectConfig
{
    public static string AgentsFile(QueueFolder queue) =>
        Path.Join(queue.ProjectRoot, AgentConfig.FileName);

    public static string SettingsFile(QueueFolder queue) =>
        Path.Join(queue.Folder, Settings.FileName);

    /// <summary>The files that there are, in words.</summary>
    public static string Describe(QueueFolder queue)
    {
        var agents = queue.Disk.Facts(AgentsFile(queue)) is not null;
        var settings = queue.Disk.Facts(SettingsFile(queue)) is not null;
        var settingsName = $"{QueueFolder.FolderName}/{Settings.FileName}";
        return (agents, settings) switch
        {
            (true, true) => $"{AgentConfig.FileName} and {settingsName}",
            (true, false) => $"{AgentConfig.FileName} (no {settingsName})",
            (false, true) => $"{settingsName} (no {AgentConfig.FileName})",
            (false, false) => $"neither {AgentConfig.FileName} nor {settingsName} exists",
        };
    }

    /// <summary>
    /// Changes one setting durably and returns it as it counts now. Two at once do not undo one another.
    /// Works on a file with errors in other keys too: this is how they are mended.
    /// </summary>
    /// <exception cref="QueueException">No such key, or not such a value; nothing has changed.</exception>
    public static SettingLine Set(QueueFolder queue, string key, string value)
    {
        // Refused before anything is made.
        Settings.Set(null, key, value);
        queue.Create();
        using var turn = queue.LockQueue();
        var path = SettingsFile(queue);
        var text = Settings.Set(ReadText(path), key, value);
        // Not the queue's own writer: whether that syncs stands in the very file that may be broken.
        new DurableFile(queue.Disk).Replace(path, Encoding.UTF8.GetBytes(text));
        var reader = new ConfigReader(Settings.FileName);
        var root = reader.ReadRoot(Encoding.UTF8.GetBytes(text));
        // Stryker disable once Linq: there is such a key, or it would have been refused
        return Settings.Read(reader, root).Show().First(line => line.Key == key);
    }

    private static string? ReadText(string path)
    {
        const string Name = $"{QueueFolder.FolderName}/{Settings.FileName}";
        if (ConfigReader.ReadBytes(path, Name) is not { } bytes)
        {
            return null;
        }

        return System.Text.Unicode.Utf8.IsValid(bytes)
            ? Encoding.UTF8.GetString(SourceValue.WithoutMark(bytes))
            : throw QueueException.Usage($"{Name} is not UTF-8 text");
    }
}
