using System.Collections;
using AgentQueue.Scheduling;

namespace AgentQueue.Tests.Scheduling;

public sealed class LocalBackendTests
{
    [Fact]
    public void A_supervisor_that_is_started_inside_a_task_inherits_all_but_the_marks_of_that_task()
    {
        var environment = new Hashtable
        {
            ["PATH"] = "/bin",
            ["EMPTY"] = "",
            ["AGENTQ_TASK_ID"] = "task_a",
            ["AGENTQ_TASK_FILE"] = "/project/.agents/tasks/task_a.json",
            ["AGENTQ_ROOT"] = "/project",
        };

        Assert.Equal(
            ["AGENTQ_ROOT=/project", "EMPTY=", "PATH=/bin"],
            LocalBackend.WithoutMarks(environment).Order(StringComparer.Ordinal)
        );
    }
}
