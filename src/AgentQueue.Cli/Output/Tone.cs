namespace AgentQueue.Cli.Output;

/// <summary>What a piece of text means to the reader; a colour where colour is allowed.</summary>
internal enum Tone
{
    Plain,
    Dim,
    Good,
    Bad,
    Warn,
    Info,
}
