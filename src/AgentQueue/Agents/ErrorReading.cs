using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Agents;

/// <summary>How sure an error's class is.</summary>
internal enum Confidence
{
    /// <summary>Nothing but a general sign tells.</summary>
    Guess,

    /// <summary>A text that the tool uses for it.</summary>
    Likely,

    /// <summary>A status, an exit code, or what was seen by agentq itself.</summary>
    Certain,
}

/// <summary>What kind of error it was.</summary>
/// <param name="Class">A word of <see cref="ErrorClass"/>.</param>
internal sealed record ReadError(string Class, Confidence Confidence, string? Message);

/// <summary>Finds the class of an error in what an agent has told of it.</summary>
internal static partial class ErrorReading
{
    // Texts are short; one that is made to take long is as good as none.
    private const int MatchMilliseconds = 500;

    /// <param name="noise">The last lines beside the stream.</param>
    /// <param name="exit">Null if it is not known.</param>
    public static ReadError Of(
        Adapter adapter,
        ImmutableArray<ErrorPattern> shared,
        StreamFacts facts,
        string noise,
        ExitStatus? exit
    )
    {
        ImmutableArray<ErrorPattern> patterns = [.. adapter.Errors, .. shared];
        var error = facts.Error ?? facts.Retried;
        var message = error?.Message ?? error?.Type;
        var status =
            error?.Status ?? (message is null ? null : StatusIn(message)) ?? facts.Retried?.Status;

        // A text of the tool's own says more than a status: a used-up subscription answers 429 too.
        var text = string.Join('\n', new[] { error?.Type, message }.OfType<string>());
        if (ByText(adapter.Errors, text) is { } own)
        {
            return new ReadError(own, Confidence.Likely, message);
        }

        if (status is { } code && ByStatus(patterns, code) is { } byStatus)
        {
            return new ReadError(
                byStatus == ErrorClass.RateLimit && ByText(patterns, text) is ErrorClass.Quota
                    ? ErrorClass.Quota
                    : byStatus,
                error?.Status is null ? Confidence.Likely : Confidence.Certain,
                message
            );
        }

        if (ByText(shared, text) is { } byText)
        {
            return new ReadError(byText, Confidence.Likely, message);
        }

        if (
            exit is { IsSuccess: false } bad
            && adapter.ExitCodes.TryGetValue(bad.Code, out var byExit)
        )
        {
            return new ReadError(byExit, Confidence.Certain, message);
        }

        return ByText(patterns, noise) is { } byNoise
            ? new ReadError(byNoise, Confidence.Guess, message)
            : new ReadError(ErrorClass.Unknown, Confidence.Guess, message);
    }

    private static string? ByText(ImmutableArray<ErrorPattern> patterns, string text)
    {
        text = text.Replace('’', '\'');
        foreach (var pattern in patterns)
        {
            foreach (var part in pattern.Texts)
            {
                if (text.Contains(part, StringComparison.OrdinalIgnoreCase))
                {
                    return pattern.Class;
                }
            }
        }

        return null;
    }

    private static string? ByStatus(ImmutableArray<ErrorPattern> patterns, int status)
    {
        foreach (var pattern in patterns)
        {
            if (pattern.Status.Contains(status))
            {
                return pattern.Class;
            }
        }

        return null;
    }

    private static int? StatusIn(string text)
    {
        try
        {
            return StatusWord().Match(text) is { Success: true } found
                ? int.Parse(
                    found.Groups["code"].Success ? found.Groups["code"].Value : "",
                    CultureInfo.InvariantCulture
                )
                : null;
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    [GeneratedRegex(
        @"(HTTP|status( code)?|error( code)?)[:= ]+(?<code>[1-5]\d\d)\b|^\W*(?<code>[45]\d\d)\s|\((?<code>[45]\d\d)\)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds
    )]
    private static partial Regex StatusWord();
}
