namespace AgentQueue.Cli.Output;

/// <summary>How text may be laid out where it goes.</summary>
/// <param name="Width">Columns available.</param>
/// <param name="Ascii">The locale of this terminal shows nothing but ASCII.</param>
internal readonly record struct TextStyle(int Width, bool Color = false, bool Ascii = false)
{
    public string Ellipsis => Ascii ? "..." : Terminal.Ellipsis;

    /// <summary>Adds the colour to text that is clean already.</summary>
    public string Paint(Tone tone, string clean) =>
        !Color || tone == Tone.Plain || clean.Length == 0 ? clean : $"\e[{Code(tone)}m{clean}\e[0m";

    private static string Code(Tone tone) =>
        tone switch
        {
            Tone.Dim => "2",
            Tone.Good => "32",
            Tone.Bad => "31",
            Tone.Warn => "33",
            Tone.Info => "36",
            _ => "0",
        };
}
