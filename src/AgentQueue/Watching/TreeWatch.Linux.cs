using System.Runtime.Versioning;
using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Watching;

/// <summary>By inotify: a watch for each folder, none for files.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxTreeWatch : TreeWatch
{
    private const uint Changes =
        Linux.IN_ATTRIB
        | Linux.IN_CLOSE_WRITE
        | Linux.IN_MOVED_FROM
        | Linux.IN_MOVED_TO
        | Linux.IN_CREATE
        | Linux.IN_DELETE
        | Linux.IN_DELETE_SELF
        | Linux.IN_MOVE_SELF;

    // What is told of the folder around the root. That the root goes, it does not tell itself as long as anybody
    // works in it, and this process does.
    private const uint Departures = Linux.IN_DELETE | Linux.IN_MOVED_FROM;

    private readonly Dictionary<int, WatchedFolder> _folders = [];
    private readonly Dictionary<int, string> _outsideFolders = [];
    private readonly byte[] _buffer = new byte[64 << 10];
    private readonly Linux.ChangeVisitor _take;
    private readonly Lock _ending = new();
    private readonly int _fd;
    private int _wakeReader = -1;
    private int _wakeWriter = -1;
    private long _nowNs;
    private bool _lost;

    public LinuxTreeWatch(string root, WatchRules rules, TimeProvider clock)
        : base(root, rules, clock)
    {
        _take = Take;
        _fd = Linux.OpenWatch();
        if (_fd >= 0 && Path.GetDirectoryName(root) is { } around)
        {
            // First, so that the mask of a file outside, which may stand there, replaces this one.
            _ = Linux.WatchFolder(_fd, around, Departures);
        }

        MakeWake();
    }

    public override int UnwatchedFolders => Folders - _folders.Count;

    public override void Enter(WatchedFolder folder, string path)
    {
        if (_fd < 0)
        {
            return;
        }

        var watch = Linux.WatchFolder(_fd, path, Changes);
        if (watch == folder.Watch)
        {
            return;
        }

        Drop(folder);
        if (watch < 0)
        {
            return;
        }

        if (_folders.TryGetValue(watch, out var same))
        {
            // It was renamed, and the notification is still to come.
            same.Watch = -1;
        }

        folder.Watch = watch;
        _folders[watch] = folder;
    }

    public override void Leave(WatchedFolder folder)
    {
        if (folder.Watch >= 0 && !_outsideFolders.ContainsKey(folder.Watch))
        {
            Linux.EndWatch(_fd, folder.Watch);
        }

        Drop(folder);
    }

    public override unsafe void Wake()
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

    public override void Dispose()
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

        base.Dispose();
    }

    protected override bool WaitFor(TimeSpan? limit)
    {
        Span<Posix.PollFd> polls =
        [
            new() { Fd = _fd, Events = Posix.POLLIN },
            new() { Fd = _wakeReader, Events = Posix.POLLIN },
            new() { Fd = InputDescriptor, Events = Posix.POLLIN },
            new() { Fd = OutputDescriptor },
        ];
        Posix.Poll(
            polls,
            limit is { } time
                ? (int)Math.Clamp(Math.Ceiling(time.TotalMilliseconds), 0, int.MaxValue)
                : -1
        );
        if (polls[1].Returned != 0)
        {
            TakeWake();
        }

        return polls[2].Returned != 0;
    }

    protected override bool ReadNotifications()
    {
        _lost = false;
        _nowNs = ToNs(Clock.GetUtcNow());
        if (_fd >= 0)
        {
            Linux.ReadChanges(_fd, _buffer, _take);
        }

        return _lost;
    }

    protected override bool TryWatch(Outside outside)
    {
        // The same mask as for a folder of the tree, with which it may share the watch.
        var watch = _fd < 0 ? -1 : Linux.WatchFolder(_fd, outside.Folder, Changes);
        if (watch >= 0)
        {
            _outsideFolders[watch] = outside.Folder;
        }

        return watch >= 0;
    }

    private void Take(int watch, uint what, ReadOnlySpan<byte> name)
    {
        if ((what & Linux.IN_Q_OVERFLOW) != 0)
        {
            _lost = true;
            foreach (var outside in OutsideFiles)
            {
                outside.Happened();
            }

            return;
        }

        TakeOutside(watch, what, name);
        if (!_folders.TryGetValue(watch, out var folder))
        {
            return;
        }

        if ((what & Linux.IN_IGNORED) != 0)
        {
            // The kernel has ended the watch, with the folder or its file system.
            Drop(folder);
            if (folder.Parent is { } parent)
            {
                Look(parent, Encoding.UTF8.GetBytes(folder.Name), what: Linux.IN_DELETE);
            }
        }
        else if (!name.IsEmpty)
        {
            Look(folder, name, what);
        }
    }

    private void Look(WatchedFolder folder, ReadOnlySpan<byte> name, uint what) =>
        Tree.Look(
            folder,
            name,
            rewritten: (what & Linux.IN_CLOSE_WRITE) != 0,
            replaced: (what & (Linux.IN_DELETE | Linux.IN_MOVED_FROM)) != 0,
            _nowNs
        );

    private void TakeOutside(int watch, uint what, ReadOnlySpan<byte> name)
    {
        if (!_outsideFolders.TryGetValue(watch, out var path))
        {
            return;
        }

        var isOver = (what & (Linux.IN_IGNORED | Linux.IN_MOVE_SELF)) != 0;
        var text = Encoding.UTF8.GetString(name);
        foreach (var outside in OutsideFiles)
        {
            if (outside.Folder == path && (isOver || outside.Name == text))
            {
                outside.Happened();
                outside.IsWatched &= !isOver;
            }
        }

        if (isOver)
        {
            _outsideFolders.Remove(watch);
        }
    }

    private void Drop(WatchedFolder folder)
    {
        if (folder.Watch >= 0)
        {
            if (_folders.GetValueOrDefault(folder.Watch) == folder)
            {
                _folders.Remove(folder.Watch);
            }

            folder.Watch = -1;
        }
    }

    private unsafe void TakeWake()
    {
        const int Most = 64;
        var any = stackalloc byte[Most];
        _ = Libc.Read(_wakeReader, any, Most);
    }

    private unsafe void MakeWake()
    {
        var ends = stackalloc int[2];
        if (Pipes.Make(ends) == 0)
        {
            (_wakeReader, _wakeWriter) = (ends[0], ends[1]);
        }
    }
}
