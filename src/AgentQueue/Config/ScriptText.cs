using System.Buffers;

namespace AgentQueue.Config;

/// <summary>
/// A script that is being put together from its template and from values. It is told of everything in the
/// order in which it stands in the script, and says how a value must be written to be one word there.
/// </summary>
internal abstract class ScriptText
{
    /// <summary>Text that is part of the script.</summary>
    public abstract void Literal(string text);

    /// <summary>A value as it must stand here; null if it cannot.</summary>
    /// <param name="problem">Why it cannot, as the end of a sentence about the variable.</param>
    public abstract string? Quote(string value, out string? problem);
}

/// <summary>A command line of Windows' cmd, which has no way to quote that holds everywhere.</summary>
internal sealed class CmdScript : ScriptText
{
    private static readonly SearchValues<char> s_special = SearchValues.Create("\"%!^&|<>()\r\n");

    public override void Literal(string text) { }

    public override string? Quote(string value, out string? problem)
    {
        var at = value.AsSpan().IndexOfAny(s_special);
        problem =
            at < 0 ? null
            : value[at] is '\r' or '\n'
                ? "has the end of a line in its value, which cmd cannot be given"
            : $"has {value[at]} in its value, which cmd would take for its own";
        return at < 0 ? value : null;
    }
}

/// <summary>A script into which no value can be put.</summary>
/// <param name="reason">Why, as the end of a sentence about the variable.</param>
internal sealed class ClosedScript(string reason) : ScriptText
{
    public override void Literal(string text) { }

    public override string? Quote(string value, out string? problem)
    {
        problem = reason;
        return null;
    }
}
