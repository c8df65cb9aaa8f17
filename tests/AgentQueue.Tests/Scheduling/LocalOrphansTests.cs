using System.Diagnostics;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class LocalOrphansTests : IDisposable
{
    private static readonly TaskId s_id = TempQueue.Id("a");

    private readonly TempQueue _temp = new();
    private readonly List<Process> _processes = [];

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Kill();
            process.WaitForExit(10_000);
            process.Dispose();
        }

        _temp.Dispose();
    }

    [Fact]
    public void The_recorded_agent_is_ended_and_nothing_of_another_task()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var (agent, other) = (Start(s_id), Start(TempQueue.Id("b")));

        Assert.True(End(IdentityOf(agent)));

        Assert.True(agent.WaitForExit(10_000));
        Assert.False(other.HasExited);
    }

    [Fact]
    public void Without_a_record_the_mark_in_the_environment_tells_what_is_ended()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var agent = Start(s_id);

        Assert.True(End(null));

        Assert.True(agent.WaitForExit(10_000));
    }

    [Fact]
    public void What_was_started_before_the_recorded_agent_is_no_part_of_it()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var older = Start(s_id);
        var identity = IdentityOf(older);

        Assert.True(
            End(
                identity with
                {
                    Agent = identity.Agent with { Pid = 0, StartTicks = long.MaxValue },
                }
            )
        );

        Assert.False(older.HasExited);
    }

    [Fact]
    public void What_runs_on_another_machine_is_out_of_reach()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var agent = Start(s_id);
        var identity = IdentityOf(agent);

        Assert.False(
            End(identity with { Agent = identity.Agent with { Machine = "elsewhere/1/pid" } })
        );

        Assert.False(agent.HasExited);
    }

    private bool End(RunIdentity? identity) =>
        new LocalOrphans(_temp.Queue, TimeProvider.System).End(s_id, identity);

    private static RunIdentity IdentityOf(Process process) =>
        new(ProcessIdentity.Own, ProcessIdentity.Of(process.Id)!.Value, Completion.Auto);

    private Process Start(TaskId id)
    {
        var process = Process.Start(
            new ProcessStartInfo("sleep", ["60"])
            {
                Environment = { [AgentEnvironment.TaskFileVariable] = _temp.Queue.TaskFile(id) },
            }
        )!;
        _processes.Add(process);
        return process;
    }
}
