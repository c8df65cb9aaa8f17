using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AgentQueue.EndToEnd;

/// <summary>
/// The README is part of the product: what stands in its blocks is typed into one shell, from the first to the last,
/// and what comes out is compared with what it shows. With <c>AGENTQ_UPDATE_README=1</c> the file is rewritten with what
/// came out; read the difference before you commit it.
/// </summary>
internal static partial class Readme
{
    private const string Separator = "\u0001agentq-readme\u0001";

    /// <param name="fence">The word, or words, after the three backquotes of the blocks that are meant.</param>
    public static void Check(Sandbox sandbox, string fence, double seconds = 100)
    {
        var path = Path.Join(Binaries.Repository, "README.md");
        var lines = File.ReadAllLines(path);
        var examples = Example.FindAll(lines, "```" + fence);
        Assert.NotEmpty(examples);
        var outputs = RunAll(sandbox, examples, seconds);
        if (Environment.GetEnvironmentVariable("AGENTQ_UPDATE_README") == "1")
        {
            File.WriteAllText(path, Rewrite(lines, examples, outputs));
            return;
        }

        var expected = new Scrubber(sandbox);
        var actual = new Scrubber(sandbox);
        foreach (var (example, output) in examples.Zip(outputs))
        {
            Assert.Equal(
                $"$ {example.Command}\n{expected.Scrub(example.Output)}",
                $"$ {example.Command}\n{actual.Scrub(output)}"
            );
        }
    }

    // One shell for all, so that variables and the folder carry over from one example to the next.
    private static string[] RunAll(Sandbox sandbox, List<Example> examples, double seconds)
    {
        var script = new StringBuilder();
        foreach (var example in examples)
        {
            script.Append(
                CultureInfo.InvariantCulture,
                $"printf '%s' '{Separator}'\n{{ {example.Command}\n}} 2>&1\n"
            );
        }

        var outcome = sandbox.Sh(script.ToString(), seconds);
        var outputs = outcome.Out.Split(Separator)[1..];
        Assert.True(outputs.Length == examples.Count, $"The shell stopped early:\n{outcome}");
        return outputs;
    }

    private static string Rewrite(string[] lines, List<Example> examples, string[] outputs)
    {
        var text = new List<string>();
        var next = 0;
        for (var i = 0; i < examples.Count; i++)
        {
            text.AddRange(lines[next..(examples[i].Line + 1)]);
            var output = outputs[i].TrimEnd('\n');
            text.AddRange(output.Length == 0 ? [] : output.Split('\n'));
            next = examples[i].Line + 1 + examples[i].OutputLines;
        }

        text.AddRange(lines[next..]);
        return string.Join('\n', text) + "\n";
    }

    /// <summary>A line after <c>$ </c> and the lines that follow it up to the next one.</summary>
    private sealed record Example(int Line, string Command, string Output, int OutputLines)
    {
        public static List<Example> FindAll(string[] lines, string fence)
        {
            var examples = new List<Example>();
            var inside = false;
            for (var i = 0; i < lines.Length; i++)
            {
                if (lines[i].StartsWith("```", StringComparison.Ordinal))
                {
                    inside = !inside && lines[i] == fence;
                }
                else if (inside && lines[i].StartsWith("$ ", StringComparison.Ordinal))
                {
                    var output = lines
                        .Skip(i + 1)
                        .TakeWhile(static l =>
                            !l.StartsWith("$ ", StringComparison.Ordinal) && l != "```"
                        )
                        .ToList();
                    examples.Add(
                        new Example(i, lines[i][2..], string.Join('\n', output), output.Count)
                    );
                }
            }

            return examples;
        }
    }

    /// <summary>Takes out what differs from run to run: ids by their order, times, processes, layout.</summary>
    private sealed partial class Scrubber(Sandbox sandbox)
    {
        private readonly Dictionary<string, string> _ids = [];

        public string Scrub(string text)
        {
            text = text.Replace(sandbox.Folder, "~/project", StringComparison.Ordinal);
            text = Id().Replace(text, m => Named(m.Value));
            text = Date().Replace(text, "DATE");
            text = Session().Replace(text, "SESSION");
            text = Pid().Replace(text, "pid N");
            text = Seconds()
                .Replace(text.Replace("just now", "0s ago", StringComparison.Ordinal), "Ns");
            text = Rule().Replace(text, "---");
            text = Blanks().Replace(text, " ");
            return string.Join('\n', text.Split('\n').Select(static l => l.Trim())).Trim();
        }

        private string Named(string id)
        {
            if (!_ids.TryGetValue(id, out var name))
            {
                _ids[id] = name = $"task_{_ids.Count + 1}";
            }

            return name;
        }

        [GeneratedRegex("(task|run)_[0-9a-hjkmnp-tv-z]{14}(-p[0-9][A-Za-z0-9-]*)?")]
        private static partial Regex Id();

        [GeneratedRegex(@"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?")]
        private static partial Regex Date();

        [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", RegexOptions.ExplicitCapture)]
        private static partial Regex Session();

        [GeneratedRegex(@"pid \d+")]
        private static partial Regex Pid();

        [GeneratedRegex(@"\b\d+(\.\d)?s\b")]
        private static partial Regex Seconds();

        [GeneratedRegex("-{3,}")]
        private static partial Regex Rule();

        [GeneratedRegex(" {2,}")]
        private static partial Regex Blanks();
    }
}
