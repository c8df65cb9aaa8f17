using System.Globalization;
using AgentQueue.Config;

namespace AgentQueue.Keeping;

/// <summary>A file in which the older tool of commands and triggers was configured.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="ShownAs">As it was typed.</param>
internal sealed record EventFile(string Path, string ShownAs)
{
    public const string UsualName = "cmdorc.toml";

    /// <summary>What paths in it are relative to.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>The file that is named, or the usual one in the folder that is.</summary>
    public static EventFile? At(string path, string shownAs)
    {
        var inside = System.IO.Path.Join(path, UsualName);
        return File.Exists(path) ? new EventFile(path, shownAs)
            : File.Exists(inside)
                ? new EventFile(
                    inside,
                    shownAs == "." ? UsualName : System.IO.Path.Join(shownAs, UsualName)
                )
            : null;
    }

    /// <exception cref="QueueException">It is gone, cannot be read, or is not TOML.</exception>
    public SourceValue Read() =>
        TomlSource.Read(
            ShownAs,
            ConfigReader.ReadBytes(Path, ShownAs)
                ?? throw new QueueException($"There is no file {ShownAs}")
        );

    /// <summary><c>cmdorc.toml:12:1</c></summary>
    public string PlaceOf(SourcePlace at) =>
        string.Create(CultureInfo.InvariantCulture, $"{ShownAs}:{at.Line}:{at.Column}");
}
