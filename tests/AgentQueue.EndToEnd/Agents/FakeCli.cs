using System.Globalization;
using System.Text.Json.Nodes;

namespace AgentQueue.EndToEnd.Agents;

/// <summary>
/// A program under the name of an agent's CLI, on the PATH of a sandbox. Each call reads its standard input, records it
/// and its arguments, and then does what was planned for it; the last plan holds for all further calls. Asked for
/// <c>--version</c> it answers, and that counts as no call.
/// </summary>
internal sealed class FakeCli
{
    private readonly string _folder;
    private int _plans;

    public FakeCli(Sandbox box, string name, string version = "9.9.9")
    {
        _folder = Directory.CreateDirectory(Path.Join(box.Outside, "fake-" + name)).FullName;
        var script = Path.Join(box.Bin, name);
        File.WriteAllText(
            script,
            $"""
            #!/bin/sh
            if [ "$1" = --version ]; then echo '{version}'; exit 0; fi
            d='{_folder}'
            n=1
            until mkdir "$d/call.$n" 2>/dev/null; do n=$((n + 1)); done
            call="$d/call.$n"
            for argument in "$@"; do printf '%s\0' "$argument"; done > "$call/argv"
            cat > "$call/stdin"
            : > "$call/begun"
            plan=$n
            while [ ! -f "$d/plan.$plan" ] && [ "$plan" -gt 1 ]; do plan=$((plan - 1)); done
            . "$d/plan.$plan"
            """
        );
        File.SetUnixFileMode(
            script,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        );
    }

    /// <summary>How many calls have read their standard input by now.</summary>
    public int Calls =>
        Directory
            .EnumerateDirectories(_folder, "call.*")
            .Count(static c => File.Exists(Path.Join(c, "begun")));

    /// <summary>The arguments of a call, from 1.</summary>
    public string[] Arguments(int call = 1)
    {
        var text = File.ReadAllText(Recorded(call, "argv"));
        return text.Length == 0 ? [] : text[..^1].Split('\0');
    }

    public string Input(int call = 1) => File.ReadAllText(Recorded(call, "stdin"));

    /// <summary>Plans the next call.</summary>
    /// <param name="lines">Printed one after the other, each with an end of the line.</param>
    /// <param name="exit">The exit code.</param>
    /// <param name="first">Shell commands before the lines, in the task's working folder.</param>
    /// <param name="last">Shell commands after them, such as <c>exec sleep 600</c> for an agent that hangs.</param>
    /// <param name="error">Printed to standard error before the lines.</param>
    public FakeCli Plays(
        IEnumerable<string> lines,
        int exit = 0,
        string first = "",
        string last = "",
        string error = ""
    )
    {
        _plans++;
        var said = Path.Join(_folder, Numbered("lines"));
        var wrong = Path.Join(_folder, Numbered("errors"));
        File.WriteAllText(said, string.Concat(lines.Select(static l => l + "\n")));
        File.WriteAllText(wrong, error);
        // In one piece: a call that begins meanwhile does as the plan before it says.
        var plan = Path.Join(_folder, Numbered("plan"));
        File.WriteAllText(
            plan + ".new",
            $"{first}\ncat '{wrong}' >&2\ncat '{said}'\n{last}\nexit {exit}\n"
        );
        File.Move(plan + ".new", plan);
        return this;
    }

    private string Recorded(int call, string what) =>
        Path.Join(_folder, string.Create(CultureInfo.InvariantCulture, $"call.{call}"), what);

    private string Numbered(string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{what}.{_plans}");
}

/// <summary>Lines as the stream of Claude Code has them.</summary>
internal static class ClaudeLine
{
    public static string Begin(string session = "session-1", string model = "model-1") =>
        Line(
            new JsonObject
            {
                ["type"] = "system",
                ["subtype"] = "init",
                ["session_id"] = session,
                ["model"] = model,
            }
        );

    public static string Says(string text) =>
        Content(new JsonObject { ["type"] = "text", ["text"] = text });

    public static string Writes(string path) =>
        Tool("Write", new JsonObject { ["file_path"] = path });

    public static string Runs(string command) =>
        Tool("Bash", new JsonObject { ["command"] = command });

    public static string TriesAgain(int status, string error) =>
        Line(
            new JsonObject
            {
                ["type"] = "system",
                ["subtype"] = "api_retry",
                ["error_status"] = status,
                ["error"] = error,
            }
        );

    /// <param name="cost">Null: it tells none.</param>
    public static string Ends(
        string text,
        decimal? cost = 0.05m,
        int input = 1000,
        int output = 200,
        int turns = 2
    )
    {
        var line = Result(text, turns, input, output);
        line["is_error"] = false;
        line["usage"]!["cache_read_input_tokens"] = 50;
        if (cost is { } known)
        {
            line["total_cost_usd"] = known;
        }

        return Line(line);
    }

    public static string Fails(string error, int? status = null)
    {
        var line = Result(error, 1, 0, 0);
        line["is_error"] = true;
        line["api_error_status"] = status;
        line["total_cost_usd"] = 0;
        return Line(line);
    }

    /// <summary>A whole run that goes well.</summary>
    public static string[] Run(string answer, decimal? cost = 0.05m) =>
        [Begin(), Says(answer), Ends(answer, cost)];

    private static string Tool(string name, JsonObject input) =>
        Content(
            new JsonObject
            {
                ["type"] = "tool_use",
                ["name"] = name,
                ["input"] = input,
            }
        );

    private static string Content(JsonObject part) =>
        Line(
            new JsonObject
            {
                ["type"] = "assistant",
                ["message"] = new JsonObject { ["content"] = new JsonArray(part) },
            }
        );

    private static JsonObject Result(string text, int turns, int input, int output) =>
        new()
        {
            ["type"] = "result",
            ["subtype"] = "success",
            ["num_turns"] = turns,
            ["result"] = text,
            ["usage"] = new JsonObject { ["input_tokens"] = input, ["output_tokens"] = output },
        };

    private static string Line(JsonObject line) => line.ToJsonString();
}
