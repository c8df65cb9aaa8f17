using System.Text;

namespace AgentQueue.Bench;

/// <summary>Reading what an agent has printed at its end: 100 MB of it, most in short lines, some in lines of 5 MB.</summary>
internal static class Streams
{
    private const string Section = "Streams";
    private const int Size = 100_000_000;
    private const int LongLine = 5_000_000;
    private const int LongEvery = 15_000_000;
    private const int Repeats = 3;
    private const int EndOf = 4096;

    /// <summary>How an agent begins and ends, what it prints over and over, and a long line with <c>$</c> in it.</summary>
    private static readonly (
        string Agent,
        string Begin,
        string[] Lines,
        string Long,
        string End
    )[] s_streams =
    [
        (
            "claude",
            """{"type":"system","subtype":"init","session_id":"bench","model":"opus"}""",
            [
                """{"type":"assistant","message":{"id":"m","type":"message","role":"assistant","model":"opus","content":[{"type":"text","text":"I look at the next file, and say \"how\" it goes on.\nThen I change it."}],"usage":{"input_tokens":1000,"output_tokens":1}},"parent_tool_use_id":null,"session_id":"bench","uuid":"u"}""",
                """{"type":"assistant","message":{"id":"m","type":"message","role":"assistant","model":"opus","content":[{"type":"tool_use","id":"t","name":"Edit","input":{"file_path":"/project/src/file.cs","old_string":"a","new_string":"b"}}],"usage":{"input_tokens":1000,"output_tokens":1}},"parent_tool_use_id":null,"session_id":"bench","uuid":"u"}""",
                """{"type":"user","message":{"role":"user","content":[{"tool_use_id":"t","type":"tool_result","content":"The file was changed. This is how it looks now: one line, and another line, and one more."}]},"parent_tool_use_id":null,"session_id":"bench","uuid":"u"}""",
            ],
            """{"type":"assistant","message":{"role":"assistant","model":"opus","content":[{"type":"text","text":"$"}]},"session_id":"bench"}""",
            """{"type":"result","subtype":"success","is_error":false,"num_turns":9,"result":"Done.","session_id":"bench","total_cost_usd":1.5,"usage":{"input_tokens":10,"output_tokens":20}}"""
        ),
        (
            "codex",
            """{"type":"thread.started","thread_id":"bench"}""",
            [
                """{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"I look at the next file, and say \"how\" it goes on.\nThen I change it."}}""",
                """{"type":"item.started","item":{"id":"i","type":"command_execution","command":"bash -lc 'make test'","aggregated_output":"","exit_code":null,"status":"in_progress"}}""",
                """{"type":"item.completed","item":{"id":"i","type":"command_execution","command":"bash -lc 'make test'","aggregated_output":"all is well: one line, and another line, and one more","exit_code":0,"status":"completed"}}""",
            ],
            """{"type":"item.completed","item":{"id":"i","type":"command_execution","command":"cat","aggregated_output":"$","exit_code":0,"status":"completed"}}""",
            """{"type":"turn.completed","usage":{"input_tokens":30,"cached_input_tokens":20,"output_tokens":20}}"""
        ),
        (
            "gemini",
            """{"type":"init","timestamp":"2026-11-05T10:00:00.000Z","session_id":"bench","model":"flash"}""",
            [
                """{"type":"message","timestamp":"2026-11-05T10:00:00.000Z","role":"assistant","content":"a piece of what it says, ","delta":true}""",
                "    at async Models.generate (file:///opt/gemini/bundle/chunk.js:268692:16) {",
            ],
            """{"type":"tool_result","timestamp":"2026-11-05T10:00:00.000Z","tool_id":"t","status":"success","output":"$"}""",
            """{"type":"result","timestamp":"2026-11-05T10:00:00.000Z","status":"success","stats":{"input_tokens":30,"output_tokens":20,"cached":20}}"""
        ),
    ];

    public static void Measure(Workbench bench, Findings findings)
    {
        using var queue = bench.NewQueue();
        foreach (var (agent, begin, lines, longLine, end) in s_streams)
        {
            Workbench.Say($"a stream of {agent}");
            var file = Path.Join(bench.Folder, agent + ".log");
            Write(file, begin, lines, longLine, end);
            try
            {
                Add(bench, findings, queue.Folder, agent, file);
            }
            finally
            {
                File.Delete(file);
            }
        }
    }

    private static void Add(
        Workbench bench,
        Findings findings,
        string root,
        string agent,
        string file
    )
    {
        string[] arguments = ["agents", "check", agent, "--stream", file, "--root", root];
        var output = Path.Join(bench.Folder, "output");
        Samples wall = new(),
            memory = new();
        for (var i = 0; i < Repeats; i++)
        {
            var cost = Child.Run(bench.Agentq, arguments, output);
            if (cost.ExitCode != 0 || !File.ReadAllText(output).Contains("bench"))
            {
                throw new BenchException($"the stream of {agent} was not read");
            }

            wall.Add(cost.Wall.TotalSeconds);
            memory.Add(Child.PeakMemory(bench.Agentq, arguments, output));
        }

        findings.Add(
            new Figure(
                Section,
                $"100 MB printed by {agent}, read at the end, wall",
                "s",
                wall,
                Target.AtMost(1, "s")
            )
        );
        findings.Add(
            new Figure(
                Section,
                $"100 MB printed by {agent}, read at the end, memory",
                "MB",
                memory,
                Target.AtMost(40, "MB")
            )
        );
    }

    private static void Write(
        string path,
        string begin,
        string[] lines,
        string longLine,
        string end
    )
    {
        using var file = new StreamWriter(
            path,
            new UTF8Encoding(),
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                BufferSize = 1 << 20,
            }
        );
        file.NewLine = "\n";
        file.WriteLine(begin);
        var text = new string('x', LongLine);
        for (int written = 0, since = 0, i = 0; written < Size - EndOf; i++)
        {
            var line = lines[i % lines.Length];
            if (since >= LongEvery)
            {
                line = longLine.Replace("$", text, StringComparison.Ordinal);
                since = 0;
            }

            file.WriteLine(line);
            written += line.Length + 1;
            since += line.Length + 1;
        }

        file.WriteLine(end);
    }
}
