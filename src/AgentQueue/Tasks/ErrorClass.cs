namespace AgentQueue.Tasks;

/// <summary>What kind of error ended an agent; the words of <c>errorClass</c>.</summary>
internal static class ErrorClass
{
    /// <summary>It is not logged in, or its key is refused. Trying again changes nothing.</summary>
    public const string Auth = "auth";

    /// <summary>The account has used what it may until a reset.</summary>
    public const string Quota = "quota";

    /// <summary>Too many requests for the moment.</summary>
    public const string RateLimit = "rate_limit";

    /// <summary>The service failed, or has too much to do.</summary>
    public const string Overloaded = "overloaded";

    /// <summary>The conversation has become too long.</summary>
    public const string Context = "context";

    /// <summary>It was not allowed to do what it wanted. Trying again changes nothing.</summary>
    public const string Permission = "permission";

    /// <summary>A tool of the agent failed.</summary>
    public const string Tool = "tool";

    public const string Timeout = "timeout";
    public const string Stalled = "stalled";

    /// <summary>By a signal.</summary>
    public const string Killed = "killed";

    /// <summary>It could not be started.</summary>
    public const string Spawn = "spawn";

    public const string Unknown = "unknown";

    /// <summary>All of them.</summary>
    public static readonly string[] All =
    [
        Auth,
        Quota,
        RateLimit,
        Overloaded,
        Context,
        Permission,
        Tool,
        Timeout,
        Stalled,
        Killed,
        Spawn,
        Unknown,
    ];

    /// <summary>True if the same task may go well the next time.</summary>
    public static bool MayPass(string? word) => word is not (Auth or Permission);

    /// <summary>True if another agent may well do what this one could not.</summary>
    public static bool MayBeHandedOn(string? word) =>
        word is Auth or Quota or RateLimit or Overloaded or Context or Stalled or Spawn;

    /// <summary>True if the account will be served again by itself.</summary>
    public static bool IsLimit(string? word) => word is Quota or RateLimit;
}
