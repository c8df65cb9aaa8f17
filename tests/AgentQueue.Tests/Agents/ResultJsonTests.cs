using System.Text;
using System.Text.Json;
using AgentQueue.Agents;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Agents;

public sealed class ResultJsonTests
{
    private static readonly AgentResult s_bare = new()
    {
        Task = TimedQueue.Id(1),
        Attempt = 1,
        Agent = "coder",
        Adapter = "claude",
        EndedAt = TimedQueue.Now,
    };

    private static readonly AgentResult s_full = s_bare with
    {
        Model = "model-1",
        Text = "first\n\"second\" \u001b[2J ü 🙂",
        Session = "session-1",
        Turns = 4,
        ToolCalls = 3,
        Files = [new ResultFile("src/a b.cs", "added"), new ResultFile("old", "deleted")],
        Usage = new Usage
        {
            Input = 1200,
            Output = 300,
            CacheRead = 5000,
            CacheWrite = 0,
            Cost = 0.0213m,
        },
        SessionUsage = new Usage { Input = 2400 },
        Duration = TimeSpan.FromMilliseconds(72_003),
        Exit = ExitStatus.Killed(9),
        Word = AgentWord.Incomplete,
        WordMessage = "it broke off",
        Verification = Verification.Failed,
        VerificationMessage = "make test exited with code 2",
        FixAttempts = 2,
        Error = new ReadError(ErrorClass.Quota, Confidence.Likely, "usage limit reached"),
        ResetsAt = TimedQueue.Now.AddHours(3),
    };

    public static TheoryData<string> Names => ["bare", "full", "nothing changed", "exited"];

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_written_is_read_as_the_same(string name)
    {
        var result = name switch
        {
            "bare" => s_bare,
            "full" => s_full,
            "nothing changed" => s_bare with { Files = [], Exit = ExitStatus.Exited(0) },
            _ => s_full with { Exit = ExitStatus.Exited(137), Word = AgentWord.Success },
        };

        var read = ResultJson.Read(ResultJson.Write(result), result.Task)!;

        // A record compares the list itself.
        Assert.Equal(result.Files is null, read.Files is null);
        Assert.Equal<ResultFile>(result.Files ?? [], read.Files ?? []);
        Assert.Equal(result with { Files = null }, read with { Files = null });
    }

    [Fact]
    public void What_is_not_known_is_null_and_not_left_out()
    {
        using var json = JsonDocument.Parse(ResultJson.Write(s_bare));

        foreach (
            var name in (string[])
                ["model", "text", "sessionId", "turns", "toolCalls", "files", "costUsd", "error"]
        )
        {
            Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty(name).ValueKind);
        }

        Assert.Equal(
            ["input", "output", "cacheRead", "cacheWrite"],
            json.RootElement.GetProperty("tokens").EnumerateObject().Select(static m => m.Name)
        );
        Assert.False(json.RootElement.TryGetProperty("session", out _));
    }

    [Fact]
    public void Every_beginning_of_a_file_is_nothing_or_read()
    {
        var whole = ResultJson.Write(s_full);
        for (var length = 0; length < whole.Length - 2; length++)
        {
            Assert.Null(ResultJson.Read(whole.AsMemory(0, length), s_full.Task));
        }
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"tokens": 3, "files": [1], "exit": "no", "error": [], "costUsd": "free"}""")]
    public void What_is_strange_is_not_known(string text)
    {
        var read = ResultJson.Read(Encoding.UTF8.GetBytes(text), s_bare.Task);

        Assert.True(
            read is null || (read.Usage.IsEmpty && read.Exit is null && read.Error is null)
        );
    }

    [Fact]
    public void A_task_that_nobody_could_read_has_what_its_file_tells()
    {
        var task = TimedQueue.Failed(1, ago: 5);

        var result = UnreadResult.Of(task, (TaskState.Finished)task.State);

        Assert.Equal(ExitStatus.Exited(3), result.Exit);
        Assert.Equal(TimeSpan.FromSeconds(5), result.Duration);
        Assert.Equal(
            new ReadError(ErrorClass.Unknown, Confidence.Guess, "Exited with code 3"),
            result.Error
        );
        Assert.Equal(Verification.None, result.Verification);
        Assert.True(result.Usage.IsEmpty && result.Files is null && result.ToolCalls is null);
    }

    [Theory]
    [InlineData(1, "Unavailable")]
    [InlineData(2, "Failed")]
    public void Whether_a_check_could_be_made_is_what_was_noted_of_the_same_attempt(
        int attempt,
        string told
    )
    {
        var failed = TimedQueue.Failed(1, ago: 5);
        var task = failed with
        {
            State = (TaskState.Failed)failed.State with { Reason = Reason.Verify },
        };
        var noted = UnreadResult.Noted(
            task with
            {
                Attempt = 1,
            },
            earlier: null,
            TimedQueue.Now,
            ExitStatus.Exited(0),
            (Verification.Unavailable, "no git"),
            error: null
        );
        task = task with { Attempt = attempt };

        Assert.Equal(
            told,
            UnreadResult.Of(task, (TaskState.Finished)task.State, noted).Verification.ToString()
        );
    }

    [Fact]
    public void A_task_with_checks_that_is_complete_has_passed_them()
    {
        var task = TimedQueue.Complete(1, ago: 5) with { Checks = new WorkChecks { Clean = true } };

        Assert.Equal(
            Verification.Passed,
            UnreadResult.Of(task, (TaskState.Finished)task.State).Verification
        );
    }

    [Fact]
    public void What_was_lost_while_it_was_checked_is_neither_passed_nor_failed()
    {
        var failed = TimedQueue.Failed(1, ago: 5);
        var task = failed with
        {
            Checks = new WorkChecks { Clean = true },
            State = (TaskState.Failed)failed.State with { Reason = Reason.Lost, ExitCode = 0 },
        };

        Assert.Equal(
            Verification.Unavailable,
            UnreadResult.Of(task, (TaskState.Finished)task.State).Verification
        );
    }
}
