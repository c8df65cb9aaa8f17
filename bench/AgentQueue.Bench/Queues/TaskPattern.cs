using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text;
using System.Text.RegularExpressions;

namespace AgentQueue.Bench;

/// <summary>
/// The files of one pending, one complete and one failed task, taken from a real run, with blanks for id
/// and times: so a folder of 100,000 tasks is filled in seconds, and in agentq's own format.
/// </summary>
internal sealed partial class TaskPattern
{
    private const int Seed = 42;
    private const string IdBlank = "\u0001";
    private const string Digits = "0123456789abcdefghjkmnpqrstvwxyz";
    private static readonly DateTime s_first = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly TimeSpan s_period = TimeSpan.FromDays(60);

    private readonly TaskFile[] _pending;
    private readonly TaskFile[] _complete;
    private readonly TaskFile[] _failed;

    private TaskPattern(TaskFile[] pending, TaskFile[] complete, TaskFile[] failed) =>
        (_pending, _complete, _failed) = (pending, complete, failed);

    public static TaskPattern Learn(Workbench bench)
    {
        using var queue = bench.NewQueue();
        var complete = queue.Start("true");
        var failed = queue.Start("exit 3");
        queue.Agentq("run", "--parallel", "2");
        queue.AwaitExitCodes(2, TimeSpan.FromSeconds(20));
        // The exit code is written first; the task's file, last.
        for (var look = 0; look < 400 && queue.CountOf("running") > 0; look++)
        {
            Thread.Sleep(10);
        }

        var pending = queue.Start("true");
        return new(Files(pending), Files(complete), Files(failed));

        TaskFile[] Files(string id) =>
            [
                .. Directory
                    .EnumerateFiles(queue.Tasks, "*" + id + "*", SearchOption.AllDirectories)
                    .Select(path => new TaskFile(
                        Path.GetRelativePath(queue.Tasks, path)
                            .Replace(id, IdBlank, StringComparison.Ordinal),
                        Times()
                            .Replace(File.ReadAllText(path), Blank)
                            .Replace(id, IdBlank, StringComparison.Ordinal)
                    )),
            ];
    }

    /// <summary>
    /// Fills a queue. Ids, times and the order in which the files come into the folder are shuffled, and
    /// the same each time; of the finished tasks one in ten has failed.
    /// </summary>
    public void Fill(ScratchQueue queue, int count, int finished)
    {
        var random = new Random(Seed);
        var made = new DateTime[count];
        for (var i = 0; i < count; i++)
        {
            made[i] = s_first + s_period * random.NextDouble();
        }

        var isPending = new bool[count];
        isPending.AsSpan(finished).Fill(true);
        random.Shuffle(isPending);
        var ids = new string[count];
        for (var i = 0; i < count; i++)
        {
            ids[i] = Id(made[i], random);
        }

        foreach (var folder in _pending.Concat(_complete).Concat(_failed))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Join(queue.Tasks, folder.Name))!);
        }

        try
        {
            Parallel.For(
                0,
                count,
                i =>
                {
                    if (i % 1000 == 0)
                    {
                        Interruption.Check();
                    }

                    var pattern =
                        isPending[i] ? _pending
                        : i % 10 == 0 ? _failed
                        : _complete;
                    foreach (var file in pattern)
                    {
                        file.Write(queue.Tasks, ids[i], made[i]);
                    }
                }
            );
        }
        catch (AggregateException several)
        {
            // Of what all threads met, the first says enough: a full disk, or an interruption.
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }

        queue.Settle();
    }

    private static string Id(DateTime made, Random random)
    {
        var number =
            (new DateTimeOffset(made).ToUnixTimeMilliseconds() << 25) | (long)random.Next(1 << 25);
        return "task_"
            + string.Create(
                14,
                number,
                static (token, rest) =>
                {
                    for (var i = token.Length - 1; i >= 0; i--, rest >>= 5)
                    {
                        token[i] = Digits[(int)(rest & 31)];
                    }
                }
            );
    }

    /// <summary>A time becomes the letter of what it is: created, started, or anything later.</summary>
    private static string Blank(Match time) =>
        time.Groups["name"].Value switch
        {
            "createdAt" => time.Groups["before"].Value + "\u0002",
            "startedAt" => time.Groups["before"].Value + "\u0003",
            _ => time.Groups["before"].Value + "\u0004",
        };

    [GeneratedRegex("""(?<before>"(?<name>\w+)": ?")\d{4}-\d\d-\d\dT[\d:.]+Z""")]
    private static partial Regex Times();

    private sealed record TaskFile(string Name, string Content)
    {
        public void Write(string folder, string id, DateTime made)
        {
            var content = Content
                .Replace(IdBlank, id, StringComparison.Ordinal)
                .Replace("\u0002", Text(made), StringComparison.Ordinal)
                .Replace("\u0003", Text(made.AddSeconds(1)), StringComparison.Ordinal)
                .Replace("\u0004", Text(made.AddSeconds(2)), StringComparison.Ordinal);
            // Hundreds of thousands of them: three calls each, where the library would make seven.
            var path = Path.Join(folder, Name.Replace(IdBlank, id, StringComparison.Ordinal));
            Native.WriteNew(path, Encoding.UTF8.GetBytes(content));
        }

        private static string Text(DateTime time) =>
            time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }
}
