using System.Text;
using AgentQueue.Cli.Output;

namespace AgentQueue.Tests.Output;

/// <summary>Remembers what was written, and each write.</summary>
internal sealed class MemoryStandardStream : StandardStream
{
    private readonly List<byte[]> _writes = [];

    public int Columns { get; set; }

    public int Rows { get; set; } = 24;

    /// <summary>Thrown by every write when set.</summary>
    public IOException? Failure { get; set; }

    public override bool IsTerminal => Columns > 0;

    public override bool TakesEscapes => IsTerminal;

    public override (int Columns, int Rows)? Size => IsTerminal ? (Columns, Rows) : null;

    public int Writes => _writes.Count;

    public byte[] Bytes => [.. _writes.SelectMany(bytes => bytes)];

    public string Text => Encoding.UTF8.GetString(Bytes);

    public override void Write(ReadOnlySpan<byte> bytes)
    {
        if (Failure is not null)
        {
            throw Failure;
        }

        _writes.Add(bytes.ToArray());
    }
}
