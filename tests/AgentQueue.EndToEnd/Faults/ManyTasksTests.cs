using System.Globalization;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Many thousand tasks in one folder, and an index of them that lies: the files are the truth at every look.
/// What it costs is measured by the bench, and asserted nowhere.
/// </summary>
public sealed class ManyTasksTests
{
    private const int Pending = 50;
    private static readonly int s_finished = Fault.Count(2_000, 100_000);

    [Fact]
    [Trait("Fault", "F21")]
    public void Among_many_thousand_tasks_the_files_are_believed_and_nothing_else() =>
        Fault.Inject("F21", Inject, seeded: true);

    private static void Inject(Fault fault)
    {
        using var box = new Sandbox();
        var random = new Random(Fault.Seed);
        var done = box.RunInBackground("true");
        box.Ended(done);
        var waits = box.Enqueue(box.Journal.Around("true"), "--hold");
        var finished = Copies(box, done, s_finished, "0aaa");
        var pending = Copies(box, waits, Pending, "1bbb");
        fault.Injected(finished.Count + pending.Count);
        var index = Path.Join(box.Queue, "run", "index");
        Check(box, finished.Count + 1, 0, pending.Count + 1);
        Eventually.Holds(
            () =>
            {
                box.Run("status").Gives(0);
                return File.Exists(index);
            },
            "there is an index"
        );

        for (var i = 0; i < 20; i++)
        {
            var bytes = File.ReadAllBytes(index);
            switch (i % 4)
            {
                case 0:
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 + random.Next(255));
                    break;
                case 1:
                    bytes = bytes[..random.Next(bytes.Length)];
                    break;
                case 2:
                    bytes = [.. bytes, .. bytes.AsSpan(random.Next(bytes.Length))];
                    break;
                default:
                    random.NextBytes(bytes.AsSpan(random.Next(bytes.Length)));
                    break;
            }

            File.WriteAllBytes(index, bytes);
            Check(box, finished.Count + 1, 0, pending.Count + 1);
            fault.Injected();
        }

        // Written into, with the same size: the index knows another time of the file.
        for (var i = 0; i < 20; i++)
        {
            var file = box.TaskPath(
                finished[random.Next(finished.Count / 20) + (i * (finished.Count / 20))]
            );
            var text = File.ReadAllText(file);
            File.WriteAllText(
                file,
                text.Replace(
                    "\"status\": \"complete\"",
                    "\"status\":\"cancelled\"",
                    StringComparison.Ordinal
                )
            );
            Check(box, finished.Count - i, i + 1, pending.Count + 1);
            fault.Injected();
        }

        File.Delete(index);
        Check(box, finished.Count - 19, 20, pending.Count + 1);
        Assert.Contains(waits, box.Run("show", waits).Gives(0).Out, StringComparison.Ordinal);
        var first = box.Enqueue(box.Journal.Around("true"), "--priority", "9");
        box.Run("cancel", pending[0]).Gives(0);
        box.Run("release", pending[1], pending[2]).Gives(0);
        box.Run("run", "--wait").Gives(0);
        Assert.Equal("complete", box.Task(first).Status);
        box.Run("run", "--drain", "--parallel", "2", "--wait").Gives(0);
        Assert.Equal(1, box.Journal.StartsOf(first));
        Assert.Equal(1, box.Journal.StartsOf(pending[1]));
        Assert.Equal(1, box.Journal.StartsOf(pending[2]));
        box.Journal.ShowsNoSecondStart();
        Check(box, finished.Count - 19 + 3, 21, pending.Count + 1 - 3);
    }

    private static void Check(Sandbox box, int complete, int cancelled, int pending)
    {
        var counts = box.Run("status", "--json").Gives(0).Json.GetProperty("counts");
        Assert.Equal(
            (complete, cancelled, pending),
            (
                counts.GetProperty("complete").GetInt32(),
                counts.GetProperty("cancelled").GetInt32(),
                counts.GetProperty("pending").GetInt32()
            )
        );
    }

    /// <summary>The files of a task under other ids, as if each had been queued.</summary>
    private static List<string> Copies(Sandbox box, string id, int count, string tag)
    {
        var files = Directory
            .EnumerateFiles(Path.Join(box.Queue, "tasks"), id + ".*")
            .Select(f => (Extension: Path.GetExtension(f), Text: File.ReadAllText(f)))
            .ToList();
        var ids = new List<string>(count);
        for (var i = 0; i < count; i++)
        {
            var copy = string.Create(CultureInfo.InvariantCulture, $"task_{tag}{i:00000000}");
            ids.Add(copy);
            foreach (var (extension, text) in files)
            {
                File.WriteAllText(
                    box.PathOf("tasks", copy, extension),
                    text.Replace(id, copy, StringComparison.Ordinal)
                );
            }
        }

        return ids;
    }
}
