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
var committed = options.Check ? Baseline.Read(options.Baseline) : null;

// As agentq's own files: for nobody else.
_ = Native.SetUmask(0x3f);
var folder = Directory.CreateTempSubdirectory("agentq-bench-").FullName;
var bench = new Workbench(options, folder);
var findings = new Findings();

// Ctrl-C ends the child that is being measured too, and the failure leads out through the finally below.
var interrupted = false;
Console.CancelKeyPress += (_, e) => (e.Cancel, interrupted) = (true, true);
try
{
    foreach (var part in parts)
    {
        if (interrupted)
        {
            return 130;
        }

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
finally
{
    Directory.Delete(folder, recursive: true);
}

Console.Write(options.Json ? JsonReport.Write(findings) : Report.Markdown(findings));
var isComplete =
    options is { Quick: false, Only: [] } && findings.Gaps.TrueForAll(g => g.IsMissingTool);
if (isComplete && findings.Points.Count > 0)
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
    Console.Error.Write("\n" + comparison.Markdown());
    return comparison.Holds ? 0 : 1;
}

return findings.Gaps.TrueForAll(g => g.IsMissingTool) ? 0 : 1;
