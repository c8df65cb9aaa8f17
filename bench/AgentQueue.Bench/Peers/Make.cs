using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>make: a makefile with a target for each task.</summary>
internal sealed class Make(Workbench bench) : Peer(bench, "make", "make")
{
    public override string Name => "make -j";

    public override string Remark => "keeps neither logs nor records; its queue is a makefile";

    public override TimeSpan Drain(int count)
    {
        WriteMakefile("true", count);
        return Run(Program, "-s", "-j2", "-C", Folder).Wall;
    }

    protected override void Hold(int running, int waiting)
    {
        WriteMakefile("exec sleep 1000", running + waiting);
        Shell(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""setsid "$tool" -s -j{running} -C '{Folder}' > /dev/null 2>&1 &"""
            )
        );
    }

    private void WriteMakefile(string command, int count)
    {
        var targets = Enumerable.Range(0, count).Select(i => $"t{i}").ToList();
        File.WriteAllText(
            Path.Join(Folder, "Makefile"),
            $"all: {string.Join(' ', targets)}\n"
                + string.Concat(targets.Select(t => $"{t}:\n\t@{command}\n"))
        );
    }
}
