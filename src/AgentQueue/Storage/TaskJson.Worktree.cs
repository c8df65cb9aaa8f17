using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <content>The member <c>worktree</c>.</content>
internal static partial class TaskJson
{
    private static void WriteWorktree(Utf8JsonWriter w, Worktree? worktree)
    {
        if (worktree is null)
        {
            return;
        }

        w.WriteStartObject("worktree"u8);
        WriteOptional(w, "branch"u8, worktree.Branch);
        WriteOptional(w, "base"u8, worktree.Base);
        WriteOptional(w, "commit"u8, worktree.Commit);
        WriteOptional(w, "path"u8, worktree.Path);
        WriteOptional(w, "tip"u8, worktree.Tip);
        WriteOptional(w, "outcome"u8, worktree.Outcome);
        w.WriteEndObject();
    }

    private sealed partial class Fields
    {
        private static Worktree? ReadWorktree(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartObject)
            {
                r.Skip();
                return null;
            }

            var worktree = new Worktree();
            while (r.Read() && r.TokenType == JsonTokenType.PropertyName)
            {
                var name = Plain(ref r);
                r.Read();
                switch (name)
                {
                    case "branch":
                        worktree = worktree with { Branch = Text(ref r) };
                        break;
                    case "base":
                        worktree = worktree with { Base = Text(ref r) };
                        break;
                    case "commit":
                        worktree = worktree with { Commit = Text(ref r) };
                        break;
                    case "path":
                        worktree = worktree with { Path = Text(ref r) };
                        break;
                    case "tip":
                        worktree = worktree with { Tip = Text(ref r) };
                        break;
                    case "outcome":
                        worktree = worktree with { Outcome = Text(ref r) };
                        break;
                    default:
                        r.Skip();
                        break;
                }
            }

            return worktree;
        }
    }
}
