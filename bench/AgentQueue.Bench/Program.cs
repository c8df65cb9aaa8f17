using AgentQueue.Bench;

// Measures agentq: its targets, and whether they are met. `./build.sh bench` builds everything and calls this.
// Ends with 0 if all could be measured, met or not; with 1 if something could not.
if (args is not [var agentq, var empty, .. var options] || options is not ([] or ["--json"]))
{
    Console.Error.WriteLine("usage: agentq-bench PATH/TO/agentq PATH/TO/empty [--json]");
    return 2;
}

var folder = Directory.CreateTempSubdirectory("agentq-bench-").FullName;
var measurements = new Measurements(Path.GetFullPath(agentq), Path.GetFullPath(empty), folder);
var figures = new List<Figure>();
var gaps = new List<Gap>();

// Ctrl-C ends the child that is being measured too, and the failure leads out through the finally below.
var interrupted = false;
Console.CancelKeyPress += (_, e) => (e.Cancel, interrupted) = (true, true);
try
{
    foreach (var (name, measure) in measurements.All())
    {
        if (interrupted)
        {
            return 130;
        }

        Console.Error.WriteLine($"measuring {name} …");
        try
        {
            figures.AddRange(measure());
        }
        catch (Exception e) when (e is BenchException or IOException)
        {
            gaps.Add(new Gap(name, e.Message));
        }
    }
}
finally
{
    measurements.CancelAll();
    Directory.Delete(folder, recursive: true);
}

Console.Write(options is [] ? Report.Markdown(figures, gaps) : Report.Json(figures, gaps));
return gaps.Count == 0 ? 0 : 1;
