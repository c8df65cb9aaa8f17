using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>GNU parallel: reads commands from a file and writes a line for each that has ended.</summary>
internal sealed class GnuParallel(Workbench bench) : Peer(bench, "parallel", "parallel")
{
    public override string Name => "parallel";

    public override string Remark =>
        "`--joblog`; its queue is a file that it reads, so there is nothing to enqueue into and no list";

    public override TimeSpan Drain(int count) =>
        Shell(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""seq {count} | "$tool" --will-cite -j2 --joblog '{Log()}' true"""
            )
        ).Wall;

    protected override void Hold(int running, int waiting) =>
        Shell(
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""
                yes 1000 | head -n {{running + waiting}} > '{{Folder}}/list'
                setsid "$tool" --will-cite -j{{running}} --joblog '{{Log()}}' exec sleep < '{{Folder}}/list' > /dev/null 2>&1 &
                """
            )
        );

    private string Log()
    {
        var log = Path.Join(Folder, "log");
        File.Delete(log);
        return log;
    }
}
