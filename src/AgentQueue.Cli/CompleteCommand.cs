using System.Text;
using AgentQueue.Cli.Output;

namespace AgentQueue.Cli;

/// <summary>
/// The hidden verb that the completion scripts call at every TAB:
/// <c>agentq __complete =CURRENT WORD…</c>, the word at the cursor first (marked, because some shells drop empty
/// arguments), then those before it. A line for each offer, <c>word TAB description</c>; or the one line
/// <see cref="Completer.Files"/>. It never fails, says nothing on stderr and makes no files.
/// </summary>
internal static class CompleteCommand
{
    public const string Verb = "__complete";

    public static int Run(string[] args)
    {
        var screen = Screen.Open();
        try
        {
            if (args is [_, ['=', .. var current], .. var words])
            {
                foreach (var offer in Completer.Complete(words, current))
                {
                    screen.Out(LineOf(offer));
                }
            }

            screen.Flush();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A message would land in the middle of the line that somebody is typing; what is wrong is
            // said when the line is run.
        }

        return 0;
    }

    private static string LineOf(Offer offer)
    {
        var line = new StringBuilder(Terminal.OneLine(offer.Word));
        if (offer.Description is { Length: > 0 } description)
        {
            line.Append('\t').Append(Terminal.OneLine(description));
        }

        return line.Append('\n').ToString();
    }
}
