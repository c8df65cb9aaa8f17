using System.Text.Json;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Architecture;

/// <summary>
/// The agents and clients of other makers that the tests install: by number and hash, from whatever registry is there.
/// </summary>
public sealed class RealAgentLockTests
{
    public static TheoryData<string> Folders =>
        [
            .. Directory
                .EnumerateDirectories(Repository.PathOf("tests/RealAgents"))
                .Select(static f => "tests/RealAgents/" + Path.GetFileName(f)),
            "tests/McpClient",
        ];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Everything_that_Linux_on_x64_installs_has_its_hash_and_names_no_registry(
        string folder
    )
    {
        var packages = Locked(folder).Where(static p => p.Name.Length > 0).ToList();

        Assert.NotEmpty(packages);
        Assert.All(packages, static p => Assert.False(p.Value.TryGetProperty("resolved", out _)));
        Assert.All(
            packages.Where(static p => IsInstalled(p.Value)),
            static p => Assert.True(p.Value.TryGetProperty("integrity", out _), p.Name)
        );
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void The_version_that_is_asked_for_is_the_one_that_is_locked(string folder)
    {
        using var asked = JsonDocument.Parse(
            File.ReadAllText(Repository.PathOf($"{folder}/package.json"))
        );
        var packages = Locked(folder).ToDictionary(static p => p.Name, static p => p.Value);
        foreach (var wanted in asked.RootElement.GetProperty("dependencies").EnumerateObject())
        {
            Assert.Equal(
                wanted.Value.GetString(),
                packages[$"node_modules/{wanted.Name}"].GetProperty("version").GetString()
            );
        }
    }

    private static List<JsonProperty> Locked(string folder)
    {
        using var document = JsonDocument.Parse(
            File.ReadAllText(Repository.PathOf($"{folder}/package-lock.json"))
        );
        return [.. document.RootElement.Clone().GetProperty("packages").EnumerateObject()];
    }

    private static bool IsInstalled(JsonElement package) =>
        Allows(package, "os", "linux")
        && Allows(package, "cpu", "x64")
        && Allows(package, "libc", "glibc");

    private static bool Allows(JsonElement package, string member, string value) =>
        !package.TryGetProperty(member, out var list)
        || list.EnumerateArray().Any(v => v.GetString() == value);
}
