namespace AgentQueue.Tests.Support;

/// <summary>Killing a process at a step of the disk.</summary>
internal static class Crash
{
    /// <summary>
    /// Lets a new process act and kills it before the change of that number, counted from its beginning;
    /// false if it came to its end first.
    /// </summary>
    public static bool At(World world, int change, Action<AgentqProcess> act)
    {
        var process = world.Open("victim");
        var first = world.Disk.Changes;
        var outer = world.Disk.Before;
        world.Disk.Before = step =>
        {
            if (step.Process == process.Disk && step.Changes && step.Number - first >= change)
            {
                process.Disk.Die();
            }
        };
        try
        {
            act(process);
            return false;
        }
        catch (ProcessDied)
        {
            return true;
        }
        finally
        {
            world.Disk.Before = outer;
            process.Disk.Die();
        }
    }
}
