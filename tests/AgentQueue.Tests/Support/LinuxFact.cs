namespace AgentQueue.Tests.Support;

/// <summary>A test of what is only built for Linux, or only shown there: links, pipes, names of bytes.</summary>
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "Only on Linux";
}

/// <summary>As <see cref="LinuxFactAttribute"/>, for several cases.</summary>
public sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute() => Skip = OperatingSystem.IsLinux() ? null : "Only on Linux";
}
