using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>What a program that has ended came to.</summary>
internal sealed record Outcome(string Line, int Code, string Out, string Err, TimeSpan Took)
{
    /// <summary>Fails with all that was printed unless the exit code is one of these.</summary>
    public Outcome Gives(params int[] codes)
    {
        if (!codes.Contains(Code))
        {
            Assert.Fail($"It gave {Code}, not {string.Join(" or ", codes)}: {this}");
        }

        return this;
    }

    public string Text => Out.Trim();

    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public JsonElement Json
    {
        get
        {
            try
            {
                using var document = JsonDocument.Parse(Out);
                return document.RootElement.Clone();
            }
            catch (JsonException e)
            {
                Assert.Fail($"{e.Message}: {this}");
                return default;
            }
        }
    }

    public override string ToString() =>
        $"{Line}\nexit code {Code} after {Took.TotalMilliseconds:0} ms\n--- stdout\n{Out}--- stderr\n{Err}";
}
