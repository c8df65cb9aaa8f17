namespace AgentQueue.Bench;

/// <summary>
/// What each tool still has after the machine stopped. That cannot be timed, so it is told: each was tried
/// by killing all of its processes at once with KILL while two jobs ran and others waited.
/// </summary>
internal static class Losses
{
    public const string Markdown = """
        | When the machine stops | The queue | Exit codes | Found by |
        |---|---|---|---|
        | agentq | kept: a file for each task, synced before `start` returns; what ran is told as *lost* | kept: synced in `.exitcode` and the task's file | `./build.sh faults`, which kills and cuts power at every step |
        | tsp 1.0 | lost: only its server's memory has it; with `TS_SAVELIST` a TERM makes it write a list, a KILL or a power cut does not | lost with it; the output files stay, without a name or a code | TERM and KILL of the server: the next call starts an empty list |
        | nq 0.3 | the files stay, but nothing waits for them any more: what was queued never runs, and `nq -t` says it is done | kept as the last line of each job's file; one fsync for a job, none for its exit | KILL of all nq: `nq -t` of a job that waited ends with 0; strace |
        | GNU parallel | is the caller's own file; `--resume` goes on behind the last line of the joblog, and runs again what ran | kept in the joblog, which is not synced | KILL of parallel, then `--resume`; strace |
        | make | is the makefile; targets that are files are not made again | not kept | its manual, and KILL of make |

        """;
}
