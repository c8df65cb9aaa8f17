using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace AgentQueue.Assistants;

/// <summary>A coding assistant that agentq can be set up in, as its data file in <c>assistants/</c> describes it.</summary>
/// <param name="Name">As it is named on the command line.</param>
/// <param name="Programs">Its commands, by which it is found on PATH.</param>
/// <param name="Style">How its commands are written; null if it has no commands of files.</param>
internal sealed record Assistant(
    string Name,
    string Title,
    ImmutableArray<string> Programs,
    SlashStyle? Style,
    AssistantFiles Project,
    AssistantFiles User
)
{
    public AssistantFiles FilesOf(bool user) => user ? User : Project;
}

/// <summary>
/// Where an assistant looks, in a project or in the user's home folder. Paths are relative to that; one that
/// begins with <c>${NAME:-folder}</c> is in the folder that this variable names, if it is set.
/// </summary>
/// <param name="Signs">Files and folders that are there if it is in use.</param>
/// <param name="Commands">A path with <c>{verb}</c> in it; null for none.</param>
/// <param name="Note">What the user must know or do besides; null for nothing.</param>
internal sealed record AssistantFiles(
    ImmutableArray<string> Signs,
    string Skill,
    string? Commands,
    ImmutableArray<EntryWish> Entries,
    string? Note
);

/// <summary>An entry in a configuration file that a person keeps.</summary>
/// <param name="Files">The first one that exists is taken, else the last.</param>
/// <param name="Format">A name that <see cref="EntryFormat.Named"/> knows.</param>
/// <param name="Path">The names from the root down, the entry's own last.</param>
internal sealed record EntryWish(
    ImmutableArray<string> Files,
    string Format,
    ImmutableArray<string> Path,
    JsonObject Entry
);

/// <summary>How the commands of an assistant are written.</summary>
/// <param name="Frontmatter">Members beside the description, each with its text.</param>
/// <param name="Arguments">The text in <c>assistants/</c> that says what becomes of that which is typed behind a command.</param>
/// <param name="Typed">What a user types for <c>start</c>.</param>
/// <param name="In">The program that has them; null for all that the assistant is.</param>
internal sealed record SlashStyle(
    SlashFormat Format,
    ImmutableArray<(string Name, string Text)> Frontmatter,
    string Arguments,
    string Typed,
    string? In
);

internal enum SlashFormat
{
    /// <summary>Markdown.</summary>
    Plain,

    /// <summary>Markdown after a block of YAML.</summary>
    Frontmatter,

    /// <summary>TOML with <c>description</c> and <c>prompt</c>.</summary>
    Toml,
}
