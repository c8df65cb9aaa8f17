using System.Collections.Immutable;

namespace AgentQueue.Config;

/// <summary>What the configuration says about the worktrees of tasks; null where it says nothing.</summary>
internal sealed record WorktreeRule
{
    public static readonly TimeSpan DefaultSetupTimeout = TimeSpan.FromMinutes(10);
    public static readonly TimeSpan DefaultTeardownTimeout = TimeSpan.FromMinutes(1);

    public static readonly WorktreeRule None = new();

    /// <summary>Tasks have one without being asked for it.</summary>
    public bool IsDefault { get; init; }

    /// <summary>Where they are made: absolute, below <c>~/</c>, or relative to the project's root.</summary>
    public string? Root { get; init; }

    /// <summary>Run in a new one, one after the other, before the agent.</summary>
    public ImmutableArray<ImmutableArray<string>>? Setup { get; init; }

    /// <summary>Of all of <see cref="Setup"/> together.</summary>
    public TimeSpan? SetupTimeout { get; init; }

    /// <summary>Run in it before it is removed.</summary>
    public ImmutableArray<ImmutableArray<string>>? Teardown { get; init; }

    /// <summary>Of all of <see cref="Teardown"/> together.</summary>
    public TimeSpan? TeardownTimeout { get; init; }

    /// <summary>This, with what another says for what this leaves open.</summary>
    public WorktreeRule Or(WorktreeRule other) =>
        new()
        {
            IsDefault = IsDefault,
            Root = Root ?? other.Root,
            Setup = Setup ?? other.Setup,
            SetupTimeout = SetupTimeout ?? other.SetupTimeout,
            Teardown = Teardown ?? other.Teardown,
            TeardownTimeout = TeardownTimeout ?? other.TeardownTimeout,
        };
}
