namespace AgentQueue.Plans;

/// <summary>A file that looks like a plan.</summary>
/// <param name="Path">From the project's root.</param>
/// <param name="Tasks">How many it has; null if something is wrong with it.</param>
internal sealed record FoundPlan(string Path, int? Tasks, string? Goal);

/// <summary>Looks for plans where people put them: in the project's root, in <c>plans/</c> and in <c>examples/</c>.</summary>
internal static class PlanFinder
{
    private const int MostFiles = 1000;
    private const long LongestFile = 1 << 20;
    private static readonly string[] s_folders = ["", "plans", "examples"];
    private static readonly string[] s_extensions = [".yaml", ".yml", ".json"];

    public static IReadOnlyList<FoundPlan> Find(string root)
    {
        var found = new List<FoundPlan>();
        foreach (var folder in s_folders)
        {
            foreach (var path in FilesIn(Path.Join(root, folder)))
            {
                if (Look(path, Path.GetRelativePath(root, path)) is { } plan)
                {
                    found.Add(plan);
                }
            }
        }

        return found;
    }

    private static IEnumerable<string> FilesIn(string folder)
    {
        try
        {
            return
            [
                .. new DirectoryInfo(folder)
                    .EnumerateFiles()
                    .Where(static f =>
                        s_extensions.Contains(f.Extension, StringComparer.OrdinalIgnoreCase)
                        && f.Length <= LongestFile
                        && f.LinkTarget is null
                    )
                    .Take(MostFiles)
                    .Select(static f => f.FullName)
                    .Order(StringComparer.Ordinal),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // Any file may be YAML or JSON: one with a list of tasks, each with an id, is meant as a plan.
    private static FoundPlan? Look(string path, string shownAs)
    {
        try
        {
            var bytes = PlanFile.ReadOrThrow(path, shownAs);
            if (!PlanReader.LooksLikePlan(bytes))
            {
                return null;
            }

            var (plan, _) = PlanReader.Read(shownAs, bytes, PlanText.Nothing);
            return new FoundPlan(shownAs, plan?.Tasks.Length, plan?.Goal);
        }
        catch (QueueException)
        {
            // Not readable, or no text: whoever names it is told why.
            return null;
        }
    }
}
