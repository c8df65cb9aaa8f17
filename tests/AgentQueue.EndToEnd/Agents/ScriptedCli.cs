using System.Globalization;
using System.Text;

namespace AgentQueue.EndToEnd.Agents;

/// <summary>
/// A program in the place of Claude Code that does, call by call, what a test wants: it keeps its arguments and its
/// prompt, runs a piece of shell, and prints lines of the stream. The last call is repeated.
/// </summary>
internal sealed class ScriptedCli
{
    private readonly Sandbox _box;
    private readonly string _folder;

    public ScriptedCli(Sandbox box, params string[] calls)
    {
        _box = box;
        _folder = Directory.CreateDirectory(Path.Join(box.Outside, "cli")).FullName;
        for (var i = 0; i < calls.Length; i++)
        {
            File.WriteAllText(Path.Join(_folder, $"call{i + 1}"), calls[i]);
        }

        var program = Path.Join(box.Bin, "claude");
        File.WriteAllText(
            program,
            $$"""
            #!/bin/sh
            # Calls that come at once get numbers of their own.
            n=1; while ! mkdir "{{_folder}}/n$n" 2>/dev/null; do n=$((n+1)); done
            cat > "{{_folder}}/n$n/prompt"
            printf '%s\n' "$@" > "{{_folder}}/n$n/args"
            m=$n; while [ ! -e "{{_folder}}/call$m" ]; do m=$((m-1)); done
            . "{{_folder}}/call$m"

            """
        );
        File.SetUnixFileMode(
            program,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        );
    }

    public int Calls => Directory.GetDirectories(_folder).Length;

    public string PromptOf(int call) => File.ReadAllText(PathOf(call, "prompt"));

    public string[] ArgsOf(int call) => File.ReadAllLines(PathOf(call, "args"));

    public override string ToString() => $"{Calls} calls in {_box.Folder}";

    private string PathOf(int call, string file) =>
        Path.Join(_folder, string.Create(CultureInfo.InvariantCulture, $"n{call}"), file);

    /// <summary>Shell that prints the stream of a good run.</summary>
    public static string Says(string text, decimal cost = 0.1m, string session = "s-1") =>
        Prints(
            $$"""{"type":"system","subtype":"init","session_id":"{{session}}","model":"m"}""",
            $$$$"""{"type":"assistant","message":{"content":[{"type":"text","text":"{{{{text}}}}"}]}}""",
            string.Create(
                CultureInfo.InvariantCulture,
                $$$$"""{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"{{{{text}}}}","session_id":"{{{{session}}}}","total_cost_usd":{{{{cost}}}},"usage":{"input_tokens":10,"cache_read_input_tokens":3,"output_tokens":5}}"""
            )
        );

    /// <summary>Shell that prints the stream of a run that the service refused, and fails.</summary>
    public static string Refused(int status, string message, string? resetsAt = null) =>
        Prints([
            """{"type":"system","subtype":"init","session_id":"s-1","model":"m"}""",
            .. resetsAt is null
                ? Array.Empty<string>()
                :
                [
                    $$$$"""{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":{{{{resetsAt}}}}}}""",
                ],
            $$$"""{"type":"result","subtype":"success","is_error":true,"api_error_status":{{{status}}},"num_turns":1,"result":"API Error: {{{status}}} {{{message}}}","session_id":"s-1","total_cost_usd":0,"usage":{"input_tokens":0,"output_tokens":0}}""",
        ]) + "exit 1\n";

    /// <summary>Shell that prints these lines.</summary>
    public static string Prints(params string[] lines)
    {
        var script = new StringBuilder("cat <<'END'\n");
        foreach (var line in lines)
        {
            script.Append(line).Append('\n');
        }

        return script.Append("END\n").ToString();
    }
}
