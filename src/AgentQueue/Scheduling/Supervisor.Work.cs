using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Agents;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <content>The calls of the agent that make up an attempt, and what is learnt of them.</content>
internal sealed partial class Supervisor
{
    // Enough for an agent to see what is wrong; the whole stands in the log.
    private const int FixLines = 100;
    private const int FixLength = 16_000;

    // An error that comes so often in a row will come again.
    private const int MostSameErrors = 3;

    private AgentTask Work(
        AgentTask task,
        AgentPlan plan,
        HeldLock alive,
        long started,
        long changed,
        Action<string> report
    )
    {
        var id = task.Id;
        var reading = AgentReading.Of(queue, task, plan, clock);
        var tree =
            reading is not null || task.Checks is { Changes: true } or { Clean: true }
                ? WorkTree.Of(plan.WorkingFolder, queue.Folder, clock)
                : null;
        var calls = ImmutableArray<AgentCall>.Empty;
        for (var call = 0; ; call++)
        {
            var from = reading is null ? 0 : new Growth(queue, id, clock).Now();
            calls = calls.Add(new AgentCall(reading?.Place ?? default));
            IAgentProcess agent;
            try
            {
                agent = host.Start(LaunchOf(task, plan, alive));
            }
            catch (LaunchException e)
            {
                return FailToLaunch(task, e.Message, reading is not null, report);
            }

            using (agent)
            {
                // Without it, whoever finds us dead knows the agent by its mark alone.
                Note(id, agent, plan, calls);
                if (call == 0)
                {
                    report("started " + agent.Identity.Pid.ToString(CultureInfo.InvariantCulture));
                    Attempt(() => queue.Listener?.Started(task));
                }

                (task, var cause) = Watch(task, plan, agent, started, reading, from);
                WasToldToEnd = cause == Cause.Stopped;
                if (cause != Cause.None)
                {
                    agent.EndAll(plan.Grace);
                }
                else if (!plan.KeepChildren)
                {
                    agent.EndLeftovers(s_leftoverGrace);
                }

                reading?.Finish();
                LimitLogs(id, plan);
                var check = CheckResult.None;
                if (
                    cause == Cause.None
                    && HasChecks(task, plan)
                    && IsComplete(id, plan, agent, reading)
                )
                {
                    calls = calls.SetItem(
                        call,
                        calls[call] with
                        {
                            To = reading?.Place ?? default,
                            ExitCode = agent.Exit?.Code,
                        }
                    );
                    Note(id, agent, plan, calls);
                    (task, cause, check) = Check(task, plan, tree, alive, started);
                    WasToldToEnd = cause == Cause.Stopped;
                }

                if (cause == Cause.None && MayFix(task, plan, reading, check, call))
                {
                    plan = PlanFix(task, plan, reading!, check);
                    continue;
                }

                return Conclude(task, plan, agent, cause, check, reading, tree, changed);
            }
        }
    }

    private void Note(
        TaskId id,
        IAgentProcess agent,
        AgentPlan plan,
        ImmutableArray<AgentCall> calls
    ) =>
        Attempt(() =>
            new RunIdentity(ProcessIdentity.Own, agent.Identity, plan.Completion)
            {
                Calls = calls,
            }.Write(queue, id)
        );

    private AgentTask Conclude(
        AgentTask task,
        AgentPlan plan,
        IAgentProcess agent,
        Cause cause,
        CheckResult check,
        AgentReading? reading,
        WorkTree? tree,
        long changed
    )
    {
        var id = task.Id;
        var remark = cause == Cause.None ? KeepArtifacts(task, plan, changed) : null;
        var evidence = Patiently(
            id,
            () => _verdicts.Gather(id, plan.Completion, agent.Exit),
            () => queue.Say(id, LockWord.Ended, check.Problem is null ? agent.Exit?.Code : null)
        );
        evidence = evidence with { CheckFailed = check.Problem, Remark = remark };
        if (cause == Cause.Stopped && !_sentinels.AnyVerdict(id))
        {
            evidence = evidence with
            {
                Exit = null,
                LostDetail = "The supervisor was told to end (TERM) and ended the agent",
            };
        }

        evidence = WithCause(evidence, cause, task);
        ReadError? error = null;
        if (reading is not null)
        {
            evidence = evidence with
            {
                Remark = evidence.Remark ?? reading.OverBudget(plan),
                AgentProblem = reading.Problem,
                LogTail = reading.Tail ?? evidence.LogTail,
            };
            var seen = Verdict.Judge(evidence);
            error = seen is Verdict.Complete ? null : reading.ErrorOf(SeenBy(seen), agent.Exit);
            evidence = evidence with { ErrorClass = error?.Class };
            Attempt(() =>
                new Results(queue).Write(
                    reading.Result(
                        task,
                        tree?.Look()?.Files,
                        agent.Exit,
                        error,
                        (check.State, check.Problem)
                    )
                )
            );
        }
        else if (HasChecks(task, plan))
        {
            NoteChecks(task, agent.Exit, check, Verdict.Judge(evidence));
        }

        var verdict = Verdict.Judge(evidence);
        if (
            cause is Cause.None or Cause.Stalled
            && WaitingFor(task, plan, verdict, reading, error) is { } waiting
        )
        {
            return Park(waiting);
        }

        if (reading is not null && error is null)
        {
            Attempt(() => new AccountLimits(queue).Lift(plan.Reader!.Account, clock.GetUtcNow()));
        }

        if (verdict is Verdict.Failed { Message: var message } && error is not null)
        {
            evidence = evidence with
            {
                NoRetry = WhyNoRetry(task, plan, error, message),
                FallbackTo = FallbackOf(plan, error),
            };
        }

        if (
            verdict is Verdict.Failed { Reason: Reason.Exit or Reason.Agent }
            && ErrorClass.IsLimit(error?.Class)
            && reading?.Word != AgentWord.Success
        )
        {
            evidence = evidence with { IsAtLimit = true };
        }

        return RecordPatiently(task, evidence);
    }

    // Its file tells that a check failed, and not whether the check could be made.
    private void NoteChecks(AgentTask task, ExitStatus? exit, CheckResult check, Verdict verdict) =>
        Attempt(() =>
        {
            var results = new Results(queue);
            var seen = SeenBy(verdict) ?? ErrorClass.Unknown;
            results.Write(
                UnreadResult.Noted(
                    task,
                    results.Read(task.Id),
                    clock.GetUtcNow(),
                    exit,
                    (check.State, check.Problem),
                    verdict is Verdict.Complete
                        ? null
                        : new ReadError(
                            seen,
                            seen == ErrorClass.Unknown ? Confidence.Guess : Confidence.Certain,
                            (verdict as Verdict.Failed)?.Message
                        )
                )
            );
        });

    private static string? WhyNoRetry(
        AgentTask task,
        AgentPlan plan,
        ReadError error,
        string message
    )
    {
        if (!ErrorClass.MayPass(error.Class))
        {
            return $"an error of the class {error.Class} comes again until somebody mends its cause";
        }

        if (plan.RetryOn is { } classes && !classes.Contains(error.Class))
        {
            return $"its agent retries only {string.Join(", ", classes)}";
        }

        var before = task.RetryHistory.Reverse().TakeWhile(r => r.Error == message).Count();
        return before + 1 >= MostSameErrors
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"the same error came {before + 1} times in a row"
            )
            : null;
    }

    private static string? FallbackOf(AgentPlan plan, ReadError error) =>
        ErrorClass.IsLimit(error.Class) && plan.OnLimit.Fallback is { } agent ? agent
        : ErrorClass.MayBeHandedOn(error.Class) ? plan.Fallback.FirstOrDefault()
        : null;

    // What agentq has seen itself needs no reading.
    public static string? SeenBy(Verdict verdict) =>
        verdict switch
        {
            Verdict.Cancelled => ErrorClass.Killed,
            Verdict.Failed { Reason: Reason.Timeout } => ErrorClass.Timeout,
            Verdict.Failed { Reason: Reason.Stalled } => ErrorClass.Stalled,
            Verdict.Failed { Reason: Reason.Launch } => ErrorClass.Spawn,
            Verdict.Failed { Reason: Reason.Verify or Reason.Budget or Reason.Error } =>
                ErrorClass.Unknown,
            Verdict.Failed { Reason: Reason.Lost } => ErrorClass.Killed,
            _ => null,
        };

    // The error's file is the commitment, as with the deadline.
    private bool IsOverBudget(AgentTask task, AgentPlan plan, AgentReading reading)
    {
        reading.Look();
        // What is through cannot use any more.
        if (reading.HasEnded || reading.OverBudget(plan) is not { } why)
        {
            return false;
        }

        Attempt(() =>
            queue.Durable.TryCreate(
                queue.SentinelFile(task.Id, Sentinel.Error),
                Sentinels.ErrorContent(why, Reason.Budget, clock.GetUtcNow())
            )
        );
        return true;
    }

    private static bool MayFix(
        AgentTask task,
        AgentPlan plan,
        AgentReading? reading,
        CheckResult check,
        int call
    ) =>
        check.State == Verification.Failed
        && call < (task.Checks?.FixAttempts ?? 0)
        && reading?.Session is not null
        && reading.OverBudget(plan) is null;

    /// <summary>The agent goes on in its session, and is told what the check has said.</summary>
    private AgentPlan PlanFix(
        AgentTask task,
        AgentPlan before,
        AgentReading reading,
        CheckResult check
    )
    {
        // What it said of its work, the check has refuted.
        queue.Disk.Delete(queue.SentinelFile(task.Id, Sentinel.Done));
        reading.SkipToEnd();
        reading.BeginFix();
        var plan = planner.Plan(
            task with
            {
                WorkingFolder = before.WorkingFolder,
                Options = (task.Options ?? new()) with
                {
                    Session = reading.Session,
                    FollowUp =
                        $"Your work was checked, and does not hold yet: {check.Problem}.\n"
                        + (
                            check.Output.Length == 0
                                ? ""
                                : $"\nThis is what the check printed:\n\n{check.Output}\n"
                        )
                        + "\nFind the cause and mend it. The same check is made again when you are done.\n",
                },
            }
        );
        WritePrompt(task.Id, plan);
        return plan;
    }

    private static ImmutableArray<byte> HeaderOf(string shown) =>
        [.. System.Text.Encoding.UTF8.GetBytes($"===== verify: {shown} =====\n")];

    /// <summary>What the checks of an agent's work came to.</summary>
    /// <param name="Problem">What was wrong, in a sentence without its end.</param>
    /// <param name="Output">The end of what the check that failed has printed.</param>
    private sealed record CheckResult(Verification State, string? Problem, string Output)
    {
        public static readonly CheckResult None = new(Verification.None, null, "");
        public static readonly CheckResult Passed = new(Verification.Passed, null, "");

        public static CheckResult Failed(string problem, string output = "") =>
            new(Verification.Failed, problem, output);

        public static CheckResult Unavailable(string problem) =>
            new(Verification.Unavailable, problem, "");
    }
}
