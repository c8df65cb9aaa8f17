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

    /// <summary>Returns at the next change, or after the limit.</summary>
    public void Wait(TimeSpan limit)
    {
        if (!OperatingSystem.IsLinux() || _fd < 0)
        {
            Pause.For(limit < s_poll ? limit : s_poll);
            return;
        }

        Span<Posix.PollFd> polls = [new() { Fd = _fd, Events = Posix.POLLIN }];
        Posix.Poll(polls, (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, int.MaxValue));
        if (polls[0].Returned != 0)
        {
            Linux.Drain(_fd);
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
        if (_fd >= 0)
        {
            _ = Libc.Close(_fd);
        }
    }
}
