using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using AgentQueue.Native;

namespace AgentQueue.Cli.Output;

/// <summary>
/// Single keys from the terminal on stdin, without the line that a person would have to end. The terminal is as it
/// was afterwards. Without a terminal nothing is ever read.
/// </summary>
internal abstract class KeyInput : IDisposable
{
    /// <param name="wake">Called, from another thread, when there may be a key, or another <see cref="Descriptor"/>.</param>
    public static KeyInput Open(Action wake)
    {
        if (OperatingSystem.IsLinux())
        {
            return new LinuxKeyInput(wake);
        }

        return new ThreadKeyInput(wake);
    }

    /// <summary>Keys are read.</summary>
    public abstract bool IsOn { get; }

    /// <summary>Readable when there may be a key; −1 for none.</summary>
    public virtual int Descriptor => -1;

    /// <summary>The keys pressed since the last time; waits for one if there is a descriptor and it is not readable.</summary>
    public abstract string Read();

    public virtual void Dispose() { }
}

[System.Runtime.Versioning.SupportedOSPlatform("linux")]
internal sealed class LinuxKeyInput : KeyInput
{
    private const int Input = 0;

    private readonly PosixSignalRegistration? _continued;
    private readonly Lock _lock = new();
    private byte[]? _before;
    private bool _isOver;

    public LinuxKeyInput(Action wake)
    {
        TakeTerminal();
        // Whoever stopped us with Ctrl-Z has the shell's settings when it is continued.
        _continued = Linux.IsTerminal(Input)
            ? PosixSignalRegistration.Create(
                PosixSignal.SIGCONT,
                _ =>
                {
                    TakeTerminal();
                    wake();
                }
            )
            : null;
    }

    public override bool IsOn => _before is not null && !_isOver;

    public override int Descriptor => IsOn && Linux.IsForeground(Input) ? Input : -1;

    public override unsafe string Read()
    {
        if (Descriptor < 0)
        {
            return "";
        }

        const int Most = 64;
        var keys = stackalloc byte[Most];
        // SAFETY: no more is read than there is room for.
        var count = Libc.Read(Input, keys, Most);
        // The terminal is gone: it would be readable for ever.
        _isOver |= count <= 0 && Marshal.GetLastPInvokeError() != Libc.EINTR;
        return count <= 0
            ? ""
            : System.Text.Encoding.ASCII.GetString(new ReadOnlySpan<byte>(keys, (int)count));
    }

    public override void Dispose()
    {
        _continued?.Dispose();
        lock (_lock)
        {
            if (_before is not null)
            {
                Linux.RestoreTerminal(Input, _before);
            }
        }

        base.Dispose();
    }

    private void TakeTerminal()
    {
        lock (_lock)
        {
            _before = Linux.ReadSingleKeys(Input) ?? _before;
        }
    }
}

/// <summary>Where a terminal cannot be waited for together with other things.</summary>
internal sealed class ThreadKeyInput : KeyInput
{
    private readonly ConcurrentQueue<char> _keys = new();

    public ThreadKeyInput(Action wake)
    {
        IsOn = !Console.IsInputRedirected;
        if (IsOn)
        {
            new Thread(() => Pump(wake)) { IsBackground = true }.Start();
        }
    }

    public override bool IsOn { get; }

    public override string Read()
    {
        var keys = "";
        while (_keys.TryDequeue(out var key))
        {
            keys += key;
        }

        return keys;
    }

    private void Pump(Action wake)
    {
        while (true)
        {
            _keys.Enqueue(Console.ReadKey(intercept: true).KeyChar);
            wake();
        }
    }
}
