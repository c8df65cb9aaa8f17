namespace AgentQueue.EndToEnd;

/// <summary>
/// What agents themselves wrote down, a line at each start and stop, appended in one write: how often and
/// how many at once is counted by them and not by agentq.
/// </summary>
internal sealed class Journal(string path)
{
    public string Path => path;

    /// <summary>A shell prompt that notes its start, does something, and notes its end.</summary>
    public string Around(string what) =>
        $"echo start $AGENTQ_TASK_ID $$ >> '{path}'; {what}; echo stop $AGENTQ_TASK_ID $$ >> '{path}'";

    public IReadOnlyList<(string Word, string Task)> Lines =>
        File.Exists(path)
            ?
            [
                .. File.ReadAllLines(path)
                    .Select(static l => l.Split(' '))
                    .Where(static w => w.Length >= 2)
                    .Select(static w => (w[0], w[1])),
            ]
            : [];

    public IEnumerable<string> Starts =>
        Lines.Where(static l => l.Word == "start").Select(static l => l.Task);

    public int StartsOf(string task) => Starts.Count(t => t == task);

    /// <summary>The most that ran at the same time.</summary>
    public int MostAtOnce
    {
        get
        {
            var most = 0;
            var now = 0;
            foreach (var (word, _) in Lines)
            {
                now += word == "start" ? 1 : -1;
                most = Math.Max(most, now);
            }

            return most;
        }
    }

    /// <summary>No task's agent was ever started twice: a retry is another task.</summary>
    public void ShowsNoSecondStart()
    {
        var twice = Starts.GroupBy(static t => t).Where(static g => g.Count() > 1);
        Assert.True(!twice.Any(), "started twice: " + string.Join(", ", twice.Select(g => g.Key)));
    }
}
