using System.Text;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Storage;

/// <summary>Files as the three versions of the older tool wrote them.</summary>
public sealed class OlderTaskFileTests
{
    [Fact]
    public void A_file_of_version_1_is_read()
    {
        // Written by a language model: times with zone, the pid as text, hardly any members.
        var task = Read(
            "task_1737000000000",
            """
            {
              "taskId": "task_1737000000000",
              "status": "running",
              "agent": "coder",
              "prompt": "Create a sum function",
              "planFile": ".gemini/agents/plans/task_1737000000000_plan.md",
              "logFile": ".gemini/agents/logs/task_1737000000000.log",
              "createdAt": "2025-01-16T04:00:00Z",
              "startedAt": "2025-01-16T04:00:05.123Z",
              "pid": "12345"
            }
            """
        );
        var running = Assert.IsType<TaskState.Running>(task.State);
        Assert.Equal(12345, running.Pid);
        Assert.Equal(
            new DateTimeOffset(2025, 1, 16, 4, 0, 5, 123, TimeSpan.Zero),
            running.StartedAt
        );
        Assert.Equal(3, task.MaxRetries);
        Assert.Equal(5, task.Priority);
        Assert.Empty(task.Unknown);
    }

    [Theory]
    [InlineData("\"unknown\"")]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData("-1")]
    [InlineData("99999999999")]
    [InlineData("{}")]
    public void A_pid_that_is_none_is_no_reason_to_refuse(string pid)
    {
        var task = Read(
            "task_1",
            $$"""{"taskId":"task_1","status":"running","agent":"a","prompt":"p","pid":{{pid}}}"""
        );
        Assert.Null(Assert.IsType<TaskState.Running>(task.State).Pid);
    }

    [Fact]
    public void A_file_of_version_2_is_read_with_its_times_as_local()
    {
        var task = Read(
            "task_1737000000001",
            """
            {
              "taskId": "task_1737000000001",
              "status": "failed",
              "agent": "tester",
              "prompt": "Test it",
              "planFile": "plans/x.md",
              "logFile": "logs/x.log",
              "createdAt": "2025-01-16T04:00:00.123456",
              "startedAt": "2025-01-16T04:00:01",
              "completedAt": "2025-01-16T04:05:01.5",
              "pid": null,
              "errorMessage": "Timed out after 300 seconds",
              "retryCount": 1,
              "maxRetries": 3,
              "autoRetry": true,
              "priority": 8,
              "timeout": 300,
              "timeoutWarning": 60,
              "timedOutAt": "2025-01-16T04:05:01.5",
              "parentTaskId": "task_1736999999999",
              "retriedBy": null,
              "retriedAt": null,
              "retryHistory": [
                {"attempt": 1, "timestamp": "2025-01-16T04:00:00", "error": "boom", "retriedFrom": "task_1736999999999"}
              ]
            }
            """
        );
        var failed = Assert.IsType<TaskState.Failed>(task.State);
        Assert.Equal(Reason.Timeout, failed.Reason);
        Assert.Equal(Local(2025, 1, 16, 4, 5, 1, 500), failed.CompletedAt);
        Assert.Equal(failed.CompletedAt, failed.TimedOutAt);
        Assert.Equal(Local(2025, 1, 16, 4, 0, 1), failed.StartedAt);
        Assert.Equal(TimeSpan.FromMinutes(5), task.Timeout);
        Assert.Equal("task_1736999999999", task.Parent?.Value);
        Assert.Equal("boom", Assert.Single(task.RetryHistory).Error);
        Assert.NotNull(RetryPolicy.DueAt(task));
    }

    [Fact]
    public void A_file_of_version_3_is_read_with_its_dependencies()
    {
        var task = Read(
            "task_1737000000002",
            """
            {
              "taskId": "task_1737000000002", "status": "pending", "agent": "coder", "prompt": "Later",
              "createdAt": "2025-06-16T04:00:00", "startedAt": null, "completedAt": null, "pid": null,
              "errorMessage": null, "retryCount": 0, "maxRetries": 3, "autoRetry": false, "priority": 5,
              "timeout": null, "timeoutWarning": null, "timedOutAt": null, "parentTaskId": null,
              "retriedBy": null, "retriedAt": null, "retryHistory": [],
              "dependsOn": ["task_1737000000000", "task_1737000000001"],
              "blockedBy": "task_1737000000001", "blockedReason": "Dependency task_1737000000001 failed"
            }
            """
        );
        var pending = Assert.IsType<TaskState.Pending>(task.State);
        Assert.Equal(2, task.DependsOn.Length);
        Assert.Equal("task_1737000000001", pending.BlockedBy?.Value);
        Assert.Equal(Local(2025, 6, 16, 4, 0, 0), task.CreatedAt);
    }

    [Theory]
    [InlineData("\"text\"", "text")]
    [InlineData("404", "404")]
    [InlineData("true", "true")]
    [InlineData("{\"code\": 7}", "{\"code\": 7}")]
    [InlineData("[\"a\", \"b\"]", "[\"a\", \"b\"]")]
    [InlineData("null", "Unknown error")]
    public void An_error_of_any_type_is_kept_as_text(string error, string message)
    {
        var task = Read(
            "task_1",
            $$"""{"taskId":"task_1","status":"failed","agent":"a","prompt":"p","errorMessage":{{error}}}"""
        );
        Assert.Equal(message, Assert.IsType<TaskState.Failed>(task.State).Message);
    }

    [Theory]
    [InlineData("complete", (int)TaskStatus.Complete)]
    [InlineData("cancelled", (int)TaskStatus.Cancelled)]
    public void An_end_without_a_time_has_the_last_one_known(string status, int expected)
    {
        var task = Read(
            "task_1",
            $$"""{"taskId":"task_1","status":"{{status}}","agent":"a","prompt":"p","createdAt":"2025-01-16T04:00:00Z"}"""
        );
        Assert.Equal((TaskStatus)expected, task.Status);
        Assert.Equal(
            task.CreatedAt,
            Assert.IsAssignableFrom<TaskState.Finished>(task.State).CompletedAt
        );
    }

    [Theory]
    [InlineData("\"yesterday\"")]
    [InlineData("\"2025-13-45T99:00:00\"")]
    [InlineData("1737000000000")]
    [InlineData("\"\"")]
    public void A_time_that_is_none_is_no_reason_to_refuse(string time)
    {
        var task = Read(
            "task_1",
            $$"""{"taskId":"task_1","status":"pending","agent":"a","prompt":"p","createdAt":{{time}}}"""
        );
        Assert.Equal(DateTimeOffset.UnixEpoch, task.CreatedAt);
    }

    private static DateTimeOffset Local(int y, int mo, int d, int h, int mi, int s, int ms = 0) =>
        new(new DateTime(y, mo, d, h, mi, s, ms, DateTimeKind.Local));

    private static AgentTask Read(string id, string json) =>
        TaskJson.Read(Encoding.UTF8.GetBytes(json), TaskId.Parse(id));
}
