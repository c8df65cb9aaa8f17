using AgentQueue.Cli.Output;

namespace AgentQueue.Cli.Commands;

/// <summary>A table on stdout: laid out on a terminal, Markdown elsewhere.</summary>
internal static class TableOutput
{
    public static void Print(Screen screen, Table table) =>
        screen.Lines(screen.OutIsTerminal ? table.ToTerminal(screen.Style) : table.ToMarkdown());
}
