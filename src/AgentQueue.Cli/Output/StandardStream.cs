namespace AgentQueue.Cli.Output;

/// <summary>
/// The process's stdout or stderr, without <see cref="Console"/>: its first use costs milliseconds, it
/// hides that a reader went away, and a <see cref="FileStream"/> on a redirected file would overwrite what
/// other processes append there.
/// </summary>
internal abstract class StandardStream
{
    public abstract bool IsTerminal { get; }

    /// <summary>True if the terminal obeys escape sequences.</summary>
    public abstract bool TakesEscapes { get; }

    /// <summary>Columns and rows as they are now; null if this is no terminal or it does not say.</summary>
    public abstract (int Columns, int Rows)? Size { get; }

    /// <summary>For waiting together with others; −1 where that cannot be done.</summary>
    public virtual int Descriptor => -1;

    /// <summary>True if nobody will read what is written; false also where only a write would tell.</summary>
    public virtual bool IsAbandoned => false;

    /// <summary>Writes everything, or throws.</summary>
    /// <exception cref="ReaderGoneException">Nobody reads any more.</exception>
    /// <exception cref="IOException">It cannot be written: a full disk, a closed descriptor.</exception>
    public abstract void Write(ReadOnlySpan<byte> bytes);

    public static StandardStream OpenOutput() =>
        OperatingSystem.IsWindows()
            ? new WindowsStandardStream(isError: false)
            : new UnixStandardStream(descriptor: 1);

    public static StandardStream OpenError() =>
        OperatingSystem.IsWindows()
            ? new WindowsStandardStream(isError: true)
            : new UnixStandardStream(descriptor: 2);
}

/// <summary>The other end of a pipe is closed, or the terminal hung up.</summary>
internal sealed class ReaderGoneException() : IOException("Nobody reads the output any more");
