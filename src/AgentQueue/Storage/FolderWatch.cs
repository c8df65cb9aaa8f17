using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>The watch of a real disk: by inotify where there is one, else by looking at a pace.</summary>
internal sealed class FolderWatch : IFolderWatch
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

    public void Dispose()
    {
        if (_fd >= 0)
        {
            _ = Libc.Close(_fd);
        }
    }
}
