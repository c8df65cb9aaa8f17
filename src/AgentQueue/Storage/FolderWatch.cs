using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>The watch of a real disk: by inotify where there is one, else by looking at a pace.</summary>
internal sealed class FolderWatch : IFolderWatch
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
        _fd = Linux.OpenWatch();
        foreach (var folder in folders)
        {
            if (!Linux.AlsoWatch(_fd, folder, Changes) && _fd >= 0)
            {
                // Half watched is not watched: then all is looked at from time to time.
                _ = Libc.Close(_fd);
                _fd = -1;
                return;
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
