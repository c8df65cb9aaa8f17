using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Server.Demo;

/// <summary>
/// The session on standard output, as a person sees one. On a terminal it is told at a pace that can be read, and in
/// bold and dim; elsewhere at once, and in plain text. Whatever is told is cleaned here.
/// </summary>
internal sealed class Transcript(bool noColor, CancellationToken stop)
{
    private const int Width = 96;
    private static readonly TimeSpan s_afterWords = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan s_afterCall = TimeSpan.FromMilliseconds(250);

    private readonly bool _isTerminal = !Console.IsOutputRedirected;
    private readonly bool _styled =
        !noColor
        && !Console.IsOutputRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>What is no part of the session; lines, each wrapped for itself.</summary>
    public Task TellAsync(params ReadOnlySpan<string> lines)
    {
        foreach (var line in lines)
        {
            Write(Wrapped(line, ""));
        }

        return PauseAsync(s_afterWords);
    }

    /// <summary>Somebody says something.</summary>
    public Task SayAsync(string who, string text)
    {
        var words = Wrapped($"{who}: {text}", "  ");
        Write("");
        Write(Styled("1", words[..(who.Length + 1)]) + words[(who.Length + 1)..]);
        return PauseAsync(s_afterWords);
    }

    /// <summary>A tool is called.</summary>
    public Task CallAsync(string call)
    {
        Write(Wrapped("⏺ " + call, "    "));
        return PauseAsync(s_afterCall);
    }

    /// <summary>What came back.</summary>
    public Task CameBackAsync(string text)
    {
        Write(Styled("2", Wrapped("  ⎿ " + text, "    ")));
        return PauseAsync(s_afterCall);
    }

    private Task PauseAsync(TimeSpan time) =>
        _isTerminal ? Task.Delay(time, stop) : Task.CompletedTask;

    private string Styled(string style, string clean) =>
        _styled ? $"\x1b[{style}m{clean}\x1b[0m" : clean;

    // At blanks, where a line would be too long; a word that is longer than a line stays whole.
    private static string Wrapped(string text, string indent)
    {
        var result = new StringBuilder();
        var column = 0;
        foreach (var line in SafeText.Clean(text, multiline: true).Split('\n'))
        {
            if (result.Length > 0)
            {
                Break();
            }

            var between = "";
            foreach (var word in line.Split(' '))
            {
                if (between.Length > 0 && column + between.Length + word.Length > Width)
                {
                    Break();
                    between = "";
                }

                result.Append(between).Append(word);
                column += between.Length + word.Length;
                between = " ";
            }
        }

        return result.ToString();

        void Break()
        {
            result.Append('\n').Append(indent);
            column = indent.Length;
        }
    }

    private static void Write(string clean) => StandardOutput.WriteLine(clean);
}
