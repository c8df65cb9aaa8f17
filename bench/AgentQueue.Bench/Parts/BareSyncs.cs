using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AgentQueue.Bench;

/// <summary>
/// What the syncs of a drain cost by themselves on this disk: two threads that replace files durably, as
/// often and in the same folder as agentq does, and do nothing else. No queue that keeps the same promises
/// can be faster than that.
/// </summary>
internal static class BareSyncs
{
    private const int Threads = 2;
    private static readonly byte[] s_content = new byte[800];

    public static TimeSpan Measure(string folder, int tasks, SyncsPerTask perTask)
    {
        Directory.CreateDirectory(folder);
        var errors = new string?[Threads];
        var begin = Stopwatch.GetTimestamp();
        var threads = Enumerable
            .Range(0, Threads)
            .Select(t => new Thread(() => errors[t] = Replace(folder, t, tasks, perTask)))
            .ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        var time = Stopwatch.GetElapsedTime(begin);
        return errors.FirstOrDefault(e => e is not null) is { } error
            ? throw new BenchException(error)
            : time;
    }

    /// <summary>Each kind of sync falls due in turn, so that a broken number per task comes out right.</summary>
    private static string? Replace(string folder, int thread, int tasks, SyncsPerTask perTask)
    {
        var directory = Native.Open(folder, Native.CloseOnExec);
        try
        {
            double files = 0,
                folders = 0,
                fileSystems = 0;
            for (var task = thread; task < tasks; task += Threads)
            {
                files += perTask.Files;
                folders += perTask.Folders;
                fileSystems += perTask.FileSystems;
                var folderEach = Math.Max(1, perTask.Files / Math.Max(1, perTask.Folders));
                for (var n = 1; files >= 1; files--, n++)
                {
                    ReplaceFile(Path.Join(folder, $"{task}.{n}"));
                    if (n % folderEach < 1 && folders >= 1)
                    {
                        folders--;
                        Check(Native.FSync(directory));
                    }
                }

                for (; folders >= 1; folders--)
                {
                    Check(Native.FSync(directory));
                }

                for (; fileSystems >= 1; fileSystems--)
                {
                    Check(Native.SyncFileSystem(directory));
                }
            }

            return null;
        }
        catch (Exception e) when (e is IOException or BenchException)
        {
            return e.Message;
        }
        finally
        {
            _ = Native.Close(directory);
        }
    }

    private static void ReplaceFile(string path)
    {
        var temporary = path + ".tmp";
        using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.Write(file, s_content, 0);
            Check(Native.FSync((int)file.DangerousGetHandle()));
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new BenchException($"fsync: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }
}
