using AgentQueue.Bench;

// Measures agentq: its targets, and whether they are met. `./build.sh bench` builds everything and calls this.
// Ends with 0 if all could be measured, met or not; with 1 if something could not, or --check finds a ratio
// that is worse than the committed one.
if (BenchOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(BenchOptions.Usage);
    return 2;
}

var parts = Part.All.Where(p => options.Only is [] || options.Only.Contains(p.Name)).ToList();
if (options.Only.Any(name => Part.All.All(p => p.Name != name)))
{
    Console.Error.WriteLine($"--only takes: {string.Join(", ", Part.All.Select(p => p.Name))}");
    return 2;
}

// Read before the long run: what is not there cannot be checked.
Baseline? committed;
try
{
    committed = options.Check ? Baseline.Read(options.Baseline) : null;
}
catch (BenchException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

// As agentq's own files: for nobody else.
_ = Native.SetUmask(0x3f);
var folder = Directory.CreateTempSubdirectory("agentq-bench-").FullName;
const string SharedMemory = "/dev/shm";
var memoryFolder = Directory.Exists(SharedMemory)
    ? Directory.CreateDirectory(Path.Join(SharedMemory, Path.GetFileName(folder))).FullName
    : null;
var bench = new Workbench(options, folder, memoryFolder);
var findings = new Findings();

using var watching = Interruption.Watch();
try
{
    foreach (var part in parts)
    {
        Interruption.Check();
        Console.Error.WriteLine($"measuring {part.Title}");
        try
        {
            part.Measure(bench, findings);
        }
        catch (Exception e) when (e is BenchException or IOException)
        {
            findings.Gaps.Add(Gap.Of(part.Title, e));
        }
    }
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("interrupted; nothing is written");
    return 130;
}
finally
{
    Directory.Delete(folder, recursive: true);
    if (memoryFolder is not null)
    {
        Directory.Delete(memoryFolder, recursive: true);
    }
}

Console.Write(options.Json ? JsonReport.Write(findings) : Report.Markdown(findings));

// A plot of less would replace the one that README shows.
var isWholePlot = !options.Quick && parts.Count(p => p.Name is "scale" or "peers") == 2;
if (isWholePlot && findings.Points.Count > 0)
{
    File.WriteAllText(options.Plot, Plot.Svg(findings.Points));
    Console.Error.WriteLine($"wrote {options.Plot}");
}

var now = Baseline.Of(findings.Figures);
if (options.UpdateBaseline)
{
    File.WriteAllText(options.Baseline, now.ToString());
    Console.Error.WriteLine($"wrote {options.Baseline}");
}

if (committed is not null)
{
    var comparison = new Comparison(committed, now);
    (options.Json ? Console.Error : Console.Out).Write("\n" + comparison.Markdown());
    return comparison.Holds ? 0 : 1;
}

return findings.Gaps.TrueForAll(g => g.IsMissingTool) ? 0 : 1;
