using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>
/// Waiting for something to change in folders. It is a hint: whoever waits looks again afterwards, and at
/// the latest after the limit. Watch first, look, then wait: so nothing falls between.
/// </summary>
internal sealed class FolderWatch : IDisposable
{
    // Without a way to be told, this is how soon a change is seen.
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(200);

    private readonly int _fd = -1;
    private readonly Lock _ending = new();
    private int _wakeReader = -1;
    private int _wakeWriter = -1;

    /// <summary>A descriptor that is written to: its reader's going away ends a wait, too.</summary>
    public int OutputDescriptor { get; init; } = -1;

    public FolderWatch(params ReadOnlySpan<string> folders)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        const uint Changes =
            Linux.IN_CREATE | Linux.IN_MOVED_TO | Linux.IN_DELETE | Linux.IN_CLOSE_WRITE;
        foreach (var folder in folders)
        {
            if (_fd < 0)
            {
                _fd = Linux.Watch(folder, Changes);
            }
            else
            {
                Linux.AlsoWatch(_fd, folder, Changes);
            }
        }
    }

    /// <summary>Also wakes when the file grows; nothing if it cannot be watched.</summary>
    public void AlsoGrowth(string file)
    {
        if (OperatingSystem.IsLinux())
        {
            Linux.AlsoWatch(_fd, file, Linux.IN_MODIFY);
        }
    }

    /// <summary>Returns at the next change, or after the limit.</summary>
    public void Wait(TimeSpan limit) => WaitForChange(limit);

    /// <summary>
    /// As <see cref="Wait(TimeSpan)"/>; false if nothing has changed for certain: a signal,
    /// <see cref="Wake"/>, a reader that went away, or the limit ended the wait.
    /// </summary>
    public bool WaitForChange(TimeSpan limit)
    {
        if (!OperatingSystem.IsLinux() || _fd < 0)
        {
            Pause.For(limit < s_poll ? limit : s_poll);
            return true;
        }

        Span<Posix.PollFd> polls =
        [
            new() { Fd = _fd, Events = Posix.POLLIN },
            new() { Fd = _wakeReader, Events = Posix.POLLIN },
            new() { Fd = OutputDescriptor },
        ];
        Posix.Poll(polls, (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, int.MaxValue));
        if (polls[0].Returned == 0)
        {
            return false;
        }

        Linux.Drain(_fd);
        return true;
    }

    /// <summary>Makes <see cref="Wake"/> possible; call it before another thread may wake this one.</summary>
    public unsafe void PrepareWake()
    {
        var ends = stackalloc int[2];
        if (OperatingSystem.IsLinux() && _wakeReader < 0 && Pipes.Make(ends) == 0)
        {
            (_wakeReader, _wakeWriter) = (ends[0], ends[1]);
        }
    }

    /// <summary>Ends this wait and every later one; from any thread, also from a signal's.</summary>
    public unsafe void Wake()
    {
        lock (_ending)
        {
            byte any = 1;
            if (_wakeWriter >= 0)
            {
                _ = Libc.Write(_wakeWriter, &any, 1);
            }
        }
    }

    /// <summary>A single wait, for one who has looked just before and is in no hurry.</summary>
    public static void Wait(string folder, TimeSpan limit)
    {
        using var watch = new FolderWatch(folder);
        watch.Wait(limit);
    }

    public void Dispose()
    {
        lock (_ending)
        {
            foreach (var fd in (ReadOnlySpan<int>)[_fd, _wakeReader, _wakeWriter])
            {
                if (fd >= 0)
                {
                    _ = Libc.Close(fd);
                }
            }

            _wakeWriter = -1;
        }
    }
}
