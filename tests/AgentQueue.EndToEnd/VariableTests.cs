using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>Variables of templates, up to the bytes that arrive in what a shell has started.</summary>
public sealed class VariableTests
{
    private const int ValuesAtOnce = 20;
    private const int RandomValues = 300;
    private const int Seed = 50_617;

    // Each prints something for the variable @; all of them for every value.
    private static readonly (string Script, Func<string, string> Expected)[] s_places =
    [
        ("printf '%s\\0' @", static v => v + "\0"),
        ("printf '%s\\0' pre@post", static v => $"pre{v}post\0"),
        ("printf '%s\\0' --file=@", static v => $"--file={v}\0"),
        ("printf '%s\\0' 'a @ b'", static v => $"a {v} b\0"),
        ("printf '%s\\0' \"a @ b\"", static v => $"a {v} b\0"),
        ("printf '%s\\0' 'a'@\"@\"", static v => $"a{v}{v}\0"),
        ("h=h; printf '%s\\0' \"$h@\" $h@", static v => $"h{v}\0h{v}\0"),
        ("printf '%s\\0' \"$(printf '%s.' @)\"", static v => v + ".\0"),
        ("printf '%s\\0' \"$(printf '%s.' \"x@\" '@y')\"", static v => $"x{v}.{v}y.\0"),
        ("x=@; y=\"@\"; printf '%s\\0' \"$x$y\"", static v => $"{v}{v}\0"),
        ("for i in @ \"@\"; do printf '%s\\0' \"$i\"; done", static v => $"{v}\0{v}\0"),
        ("case @ in @) printf 'same\\0';; *) printf 'other\\0';; esac", static _ => "same\0"),
        ("# a comment, it's odd\nprintf '%s\\0' @ # \"more", static v => v + "\0"),
        ("(printf '%s\\0' @) | { cat; printf '%s\\0' @; }", static v => $"{v}\0{v}\0"),
    ];

    private static readonly string[] s_pieces =
    [
        .. "'\"`$\\!#~*?[]{}()<>|&;=%^@ \t\n\r/-:,.".Select(static c => c.ToString()),
        "$(touch pwned)",
        "`touch pwned`",
        "${HOME}",
        "$HOME",
        "'\\''",
        "\"'\"",
        "\\\n",
        "$'\\x27'",
        "; touch pwned;",
        "\n touch pwned\n",
        "{{ v0 }}",
        "{prompt}",
        "EOF\n",
        "ä日🙂",
        "\u0001",
        "\u007f",
        "\u0085",
        "\u202e",
        "a",
        "x y",
    ];

    public static TheoryData<string> Shells =>
        [.. new[] { "/bin/sh", "/bin/bash", "/bin/dash", "/bin/zsh" }.Where(File.Exists)];

    private static List<string> Values()
    {
        var random = new Random(Seed);
        var values = HostilePrompts.Corpus.Append("").ToList();
        for (var i = 0; i < RandomValues; i++)
        {
            var value = new StringBuilder();
            for (var length = random.Next(1, 9); length > 0; length--)
            {
                value.Append(s_pieces[random.Next(s_pieces.Length)]);
            }

            values.Add(value.ToString());
        }

        return values;
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public void A_value_arrives_byte_for_byte_wherever_it_stands_in_a_script(string shell)
    {
        using var box = new Sandbox();
        var names = Enumerable
            .Range(0, ValuesAtOnce)
            .Select(static i => string.Create(CultureInfo.InvariantCulture, $"v{i}"))
            .ToList();
        var script = string.Join(
            '\n',
            names.SelectMany(static n =>
                s_places.Select(p =>
                    p.Script.Replace("@", $"{{{{ {n} }}}}", StringComparison.Ordinal)
                )
            )
        );
        box.Configure(
            $$"""
            "a": { "command": "{{shell}}", "args": ["-c", {{JsonSerializer.Serialize(
                script
            )}}], "cwd": ".", "triggers": ["x"] }
            """
        );

        foreach (var chunk in Values().Chunk(ValuesAtOnce))
        {
            var values = names.Select((_, i) => chunk[i % chunk.Length]).ToList();
            var options = names
                .Zip(values)
                .SelectMany(static v => new[] { "--var", $"{v.First}={v.Second}" });
            var preview = box.Run(["preview", "a", "--json", .. options]).Gives(0).Json;
            var words = preview
                .GetProperty("command")
                .EnumerateArray()
                .Select(static w => w.GetString()!)
                .ToArray();

            using var running = box.Program(words[0], null, words[1..]);
            var said = running.End().Gives(0).Out.Split('\0');

            var expected = values
                .SelectMany(v => s_places.Select(p => p.Expected(v)))
                .Aggregate(new StringBuilder(), static (all, text) => all.Append(text))
                .ToString()
                .Split('\0');
            Assert.Equal(expected, said);
        }

        Assert.False(File.Exists(Path.Join(box.Folder, "pwned")));
    }

    [Fact]
    public void An_agent_that_is_started_by_hand_gets_the_variables_of_the_configuration()
    {
        using var box = new Sandbox();
        Directory.CreateDirectory(Path.Join(box.Folder, "it's src"));
        box.Write(
            "agent-config.json",
            """
            {
              "include": ["ci/agents.json"],
              "variables": { "src": "it's src", "told": "{{ src }}; touch pwned" }
            }
            """
        );
        box.Write(
            "ci/agents.json",
            """
            { "agents": { "job": { "command": "sh",
                "args": ["-c", "printf '%s|' {{ told }} \"$TOLD\" \"${PWD##*/}\" > ../said"],
                "env": { "TOLD": "env {{ told }} ${HOME}" }, "cwd": "{{ src }}" } } }
            """
        );

        box.Run("start", "job", "--wait").Gives(0);

        Assert.Equal(
            $"it's src; touch pwned|env it's src; touch pwned {box.Home}|it's src|",
            File.ReadAllText(Path.Join(box.Folder, "said"))
        );
        Assert.False(File.Exists(Path.Join(box.Folder, "it's src", "pwned")));
    }

    [Fact]
    public void A_value_of_the_environment_reaches_the_agent_and_no_file_and_no_screen()
    {
        const string Canary = "canary-31cc-env";
        using var box = new Sandbox();
        box.Environment["TOKEN"] = Canary;
        box.Write(
            "agent-config.json",
            """
            {
              "variables": { "header": "auth: {{ env.TOKEN }}" },
              "agents": { "job": { "command": "sh", "args": ["-c", "h={{ header }}; echo ${#h}", "{{ env.TOKEN }}"],
                "env": { "A": "{{ header }}" }, "triggers": ["x"] },
                "lost": { "command": "sh", "args": ["x"], "cwd": "{{ env.TOKEN }}/nowhere", "triggers": ["x"] } }
            }
            """
        );
        var id = box.Run("start", "job", "--quiet").Gives(0).Text;
        var said = new List<Outcome>
        {
            box.Run("preview", "job"),
            box.Run("preview", "job", "--json"),
            box.Run("preview", "lost"),
            box.Run("agents", "job"),
            box.Run("agents", "job", "--json"),
            box.Run("run", "--dry-run"),
            box.Run("run", "--wait"),
            box.Run("show", id),
            box.Run("show", id, "--json"),
            box.Run("start", "lost", "--wait"),
            box.Run("status", "--json"),
        };
        box.AllHaveLeft();

        Assert.Equal("21\n", box.Log(id));
        Assert.Contains("h='\\''auth: {{ env.TOKEN }}'\\''", said[0].Out, StringComparison.Ordinal);
        Assert.Contains(
            "{{ env.TOKEN }}/nowhere, does not exist",
            said[2].Out,
            StringComparison.Ordinal
        );
        Assert.All(
            said,
            static o => Assert.DoesNotContain(Canary, o.Out + o.Err, StringComparison.Ordinal)
        );
        Assert.All(
            Directory.EnumerateFiles(box.Queue, "*", SearchOption.AllDirectories),
            static f => Assert.DoesNotContain(Canary, File.ReadAllText(f), StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_variable_without_a_value_fails_the_task_with_the_place()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "job": { "command": "sh", "args": ["-c", "echo {{ path }}"], "triggers": ["x"] }
            """
        );
        var id = box.Run("start", "job", "--quiet").Gives(0).Text;

        box.Run("run", "--wait").Gives(3);

        Assert.Contains(
            "agents.job.args[1] needs {{ path }}, which has no value",
            box.Run("show", id).Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_preview_says_everything_and_leaves_nothing()
    {
        using var box = new Sandbox();
        box.Write(
            "agent-config.json",
            """
            {
              "variables": { "path": "src" },
              "agents": { "lint": { "command": "sh", "args": ["-c", "ruff {{ path }}\ntrue"], "timeout": "10m",
                  "env": { "SECRET": "x{{ path }}", "GONE": null }, "triggers": ["saved"] },
                "ask": { "command": "cat", "promptVia": "stdin", "promptTemplate": "<{userPrompt}>",
                  "prompt": "look at {{ path }}, {{ event }}", "triggers": ["saved"] } }
            }
            """
        );
        var before = box.Picture();

        var lint = box.Run("preview", "lint", "--var", "path=it's").Gives(0).Out;
        var ask = box.Run("preview", "ask", "--json").Gives(0).Json;

        Assert.Contains(
            "/sh -c $'ruff \\'it\\'\\\\\\'\\'s\\'\\ntrue'\n",
            lint,
            StringComparison.Ordinal
        );
        Assert.Contains("SECRET", lint, StringComparison.Ordinal);
        Assert.Contains("GONE", lint, StringComparison.Ordinal);
        Assert.DoesNotContain("xit's", lint, StringComparison.Ordinal);
        Assert.Contains("10m", lint, StringComparison.Ordinal);
        Assert.Equal("look at src, {{ event }}", ask.GetProperty("prompt").GetString());
        Assert.Equal("<look at src, {{ event }}>", ask.GetProperty("promptText").GetString());
        Assert.Equal(before, box.Picture());
        Assert.False(Directory.Exists(box.Queue));
    }

    [Fact]
    public void A_preview_refuses_what_could_not_be_started()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "a": { "command": "nowhere-to-be-found", "args": ["{{ x }}"], "triggers": ["x"] }
            """
        );

        Assert.Contains(
            "which has no value",
            box.Run("preview", "a").Gives(1).Err,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "is not on PATH",
            box.Run("preview", "a", "--var", "x=1").Gives(1).Out,
            StringComparison.Ordinal
        );
        box.Run("preview", "a", "--var", "x").Gives(2);
        box.Run("preview", "a", "--var", "1x=1").Gives(2);
    }
}
