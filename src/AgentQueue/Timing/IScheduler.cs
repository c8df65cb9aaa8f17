namespace AgentQueue.Timing;

/// <summary>What calls agentq by the clock: a part of the system, which keeps what it is told over a restart.</summary>
internal interface IScheduler
{
    /// <summary>For people: where the rules are.</summary>
    string Name { get; }

    /// <summary>When it does not call; null if there is no such time.</summary>
    string? Note { get; }

    /// <summary>True if it is there and answers.</summary>
    bool IsAvailable { get; }

    /// <summary>True if anything of this project is in it.</summary>
    bool HasAny { get; }

    /// <summary>For each call whether it is there just so.</summary>
    IReadOnlyList<bool> Look(IReadOnlyList<ScheduledCall> calls);

    /// <summary>Makes it hold exactly these calls of this project; false, and nothing was touched, if it does.</summary>
    /// <exception cref="QueueException">The system refused; calling again goes on where it stopped.</exception>
    bool Install(IReadOnlyList<ScheduledCall> calls);

    /// <summary>Takes out all of this project and nothing else; false if there was nothing.</summary>
    bool Remove();
}

/// <summary>How a program of the system ended, with all that it printed.</summary>
internal sealed record ProgramEnd(int ExitCode, byte[] Output, string Errors);

/// <summary>Runs a program that is looked up on PATH; null if it is not there.</summary>
internal delegate ProgramEnd? RunProgram(
    string program,
    IReadOnlyList<string> arguments,
    ReadOnlyMemory<byte> input
);
