using System.Globalization;
using System.Text;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public class TomlSourceTests
{
    private const string Sample = """
        # what is run
        title = "a # in text" # and a comment
        'quoted key' = 1
        "" = 2

        [variables]
        src.main = "app" # a dotted key
        src . test = 'C:\no\escapes'

        [variables.more]
        on = true
        off = false

        [[command]]
        name = "Lint"
        triggers = [
            "saved", # by hand
            'a "b"',
        ]
        [command.vars]
        x = "y"

        [[command]]
        name = "Tests"
        nested = [[1, 2], ["a"], []]
        env = { A = "1", b.c = [{ d = 2 }] }
        """;

    [Fact]
    public void Tables_lists_of_them_and_their_values_come_in_the_order_of_the_file() =>
        Assert.Equal(
            """
            {title: "a # in text", quoted key: 1, : 2, variables: {src: {main: "app", test: "C:\no\escapes"}, more: {on: true, off: false}}, command: [{name: "Lint", triggers: ["saved", "a "b""], vars: {x: "y"}}, {name: "Tests", nested: [[1, 2], ["a"], []], env: {A: "1", b: {c: [{d: 2}]}}}]}
            """,
            Shown(Sample)
        );

    [Fact]
    public void Line_ends_of_windows_and_a_byte_order_mark_change_nothing() =>
        Assert.Equal(
            Shown(Sample + "\nm = \"\"\"\na\nb\"\"\""),
            Shown(
                "\uFEFF"
                    + (Sample + "\nm = \"\"\"\na\nb\"\"\"").Replace(
                        "\n",
                        "\r\n",
                        StringComparison.Ordinal
                    )
            )
        );

    [Fact]
    public void Every_value_knows_its_line_and_column()
    {
        var root = Read(Sample);
        var command = root.Members.Single(m => m.Name == "command");
        var triggers = command.Value.Items[0].Members[1];

        Assert.Equal(new SourcePlace(14, 3), command.At);
        Assert.Equal([14, 23], command.Value.Items.Select(i => i.Line));
        Assert.Equal(
            (new SourcePlace(16, 1), new SourcePlace(16, 12), new SourcePlace(17, 5)),
            (triggers.At, triggers.Value.At, triggers.Value.Items[0].At)
        );
        Assert.Equal(new SourcePlace(8, 7), root.Members[3].Value.Members[0].Value.Members[1].At);
    }

    [Theory]
    [InlineData("0", "0")]
    [InlineData("+17", "17")]
    [InlineData("-17", "-17")]
    [InlineData("-0", "-0")]
    [InlineData("1_000_000", "1000000")]
    [InlineData("9223372036854775807", "9223372036854775807")]
    [InlineData("-9223372036854775808", "-9223372036854775808")]
    [InlineData("3.14", "3.14")]
    [InlineData("+0.5", "0.5")]
    [InlineData("5e+22", "5e+22")]
    [InlineData("1E06", "1E06")]
    [InlineData("-2.5e-1_0", "-2.5e-10")]
    [InlineData("9_224.445_991", "9224.445991")]
    public void A_number_is_read_as_JSON_would_write_it(string toml, string expected)
    {
        var value = Read($"x = {toml}").Members[0].Value;

        Assert.Equal((JsonValueKind.Number, expected), (value.Kind, value.Text));
    }

    [Theory]
    [InlineData("""x = "a\tb\n\"\\" """, "a\tb\n\"\\")]
    [InlineData("""x = "\u00e9 \U0001F600 \b\f\r" """, "é \U0001F600 \b\f\r")]
    [InlineData("""x = '\u00e9' """, "\\u00e9")]
    [InlineData("x = \"\"", "")]
    [InlineData("x = \"a\tb é \U0001F600\"", "a\tb é \U0001F600")]
    [InlineData("x = \"\"\"\na\n  b\"\"\"", "a\n  b")]
    [InlineData("x = \"\"\"a \\\n\n   b\\\t\n c\"\"\"", "a bc")]
    [InlineData("x = \"\"\"a\"\"b\\\"\"\"\"", "a\"\"b\"")]
    [InlineData("x = \"\"\"\"a\"\"\"\"\"", "\"a\"\"")]
    [InlineData("x = '''\n'a' \\n\n'''", "'a' \\n\n")]
    [InlineData("x = '''''a'''''", "''a''")]
    [InlineData("x = \"\"\"\"\"\"", "")]
    public void Text_is_what_its_quotes_make_of_it(string toml, string expected) =>
        Assert.Equal(expected, Read(toml).Members[0].Value.Text);

    [Theory]
    [InlineData("")]
    [InlineData("\n\n# only this")]
    [InlineData("[a]\n[b]\n")]
    [InlineData("[a.b.c]\n[a.b]\n[a]\n")]
    [InlineData("[a]\nb.c = 1\n[a.d]\n[a.b.x]\n")]
    [InlineData("[a.b]\n[a]\nc.d = 1\n")]
    [InlineData("[[a]]\n[[a.b]]\n[[a.b]]\n[[a]]\n[[a.b]]\n")]
    [InlineData("[[a]]\n[a.b]\n[[a]]\n[a.b]\n")]
    [InlineData("[ a . 'b' ]\nx=[]\ny={}\n")]
    [InlineData("a.b.c = 1\na.b.d = 2\na.e = 3\n")]
    public void Tables_may_be_filled_in_every_order_that_TOML_allows(string toml) =>
        Assert.Equal(JsonValueKind.Object, Read(toml).Kind);

    [Theory]
    [InlineData("a = 1\na = 2", 2, 1, "a stands here twice, first in line 1")]
    [InlineData("a = 1\n\"a\" = 2", 2, 1, "twice")]
    [InlineData("[a]\n[b]\n[a]", 3, 2, "a stands here twice, first in line 1")]
    [InlineData("[a]\nb = 1\n[a.b]", 3, 4, "twice")]
    [InlineData("[a]\nb = 1\n[a.b.c]", 3, 4, "b is no table to add to")]
    [InlineData("a.b = 1\na.b.c = 2", 2, 3, "complete since line 1")]
    [InlineData("a.b = 1\n[a]", 2, 2, "twice")]
    [InlineData("[a.b.c]\n[a]\nb.c.d = 1", 3, 3, "complete since line 1")]
    [InlineData("[a]\nb.c = 1\n[x]\n[a.b]", 4, 4, "twice")]
    [InlineData("[[a]]\n[a]", 2, 2, "twice")]
    [InlineData("[a]\n[[a]]", 2, 3, "twice")]
    [InlineData("a = []\n[[a]]", 2, 3, "twice")]
    [InlineData("a = [{}]\n[a.b]", 2, 2, "no table")]
    [InlineData("a = {}\n[a.b]", 2, 2, "no table")]
    [InlineData("a = {}\na.b = 1", 2, 1, "complete")]
    [InlineData("a = {b = 1, b = 2}", 1, 13, "twice")]
    [InlineData("a = {b.c = 1, b = 2}", 1, 15, "twice")]
    public void What_stands_there_twice_is_refused(
        string toml,
        int line,
        int column,
        string says
    ) => IsRefused(toml, line, column, says);

    [Theory]
    [InlineData("a = 1979-05-27", 1, 5, "dates and times")]
    [InlineData("a = 1979-05-27T07:32:00Z", 1, 5, "dates and times")]
    [InlineData("a = 07:32:00", 1, 5, "dates and times")]
    [InlineData("a = 0xff", 1, 5, "hexadecimal")]
    [InlineData("a = 0o7", 1, 5, "octal")]
    [InlineData("a = 0b1", 1, 5, "binary")]
    [InlineData("a = inf", 1, 5, "inf is not read here")]
    [InlineData("a = -nan", 1, 5, "-nan is not read here")]
    [InlineData("a = [1, 9223372036854775808]", 1, 9, "too large")]
    [InlineData("a = 012", 1, 5, "not a number")]
    [InlineData("a = 1__0", 1, 5, "not a number")]
    [InlineData("a = 1_", 1, 5, "not a number")]
    [InlineData("a = 1.", 1, 5, "not a number")]
    [InlineData("a = 1e", 1, 5, "not a number")]
    [InlineData("a = 1.e3", 1, 5, "not a number")]
    [InlineData("a = .5", 1, 5, "no value")]
    [InlineData("a = ++1", 1, 5, "no value")]
    [InlineData("a = yes", 1, 5, "text stands in quotes")]
    [InlineData("a = True", 1, 5, "text stands in quotes")]
    public void A_value_of_another_kind_is_refused(
        string toml,
        int line,
        int column,
        string says
    ) => IsRefused(toml, line, column, says);

    [Theory]
    [InlineData("a", 1, 2, "'='")]
    [InlineData("a\n= 1", 1, 2, "the end of the line")]
    [InlineData("a =", 1, 4, "the end of the file")]
    [InlineData("a = # 1", 1, 5, "'#'")]
    [InlineData("= 1", 1, 1, "a key is expected")]
    [InlineData("a. = 1", 1, 4, "a key is expected")]
    [InlineData("ä = 1", 1, 1, "stands in quotes")]
    [InlineData("\"\"\"a\"\"\" = 1", 1, 1, "one line")]
    [InlineData("a = 1 b = 2", 1, 7, "a new line")]
    [InlineData("[a] b = 2", 1, 5, "a new line")]
    [InlineData("\n  [a", 2, 5, "must end in ]")]
    [InlineData("[[a]", 1, 5, "must end in ]]")]
    [InlineData("[]", 1, 2, "a key is expected")]
    [InlineData("a = [1 2]", 1, 8, "a comma or ]")]
    [InlineData("a = [1,,2]", 1, 8, "a value is expected")]
    [InlineData("b = 1\na = [1,\n2", 2, 5, "no ] at its end")]
    [InlineData("a = {b = 1,}", 1, 12, "a key is expected")]
    [InlineData("a = {b = 1\n}", 1, 11, "the same line")]
    [InlineData("a = {", 1, 6, "a key is expected")]
    [InlineData("a = \"b", 1, 5, "no \" at its end")]
    [InlineData("a = 'b\n'", 1, 5, "no ' at its end")]
    [InlineData("a = \"\"\"b\"\"", 1, 5, "no \"\"\" at its end")]
    [InlineData("a = \"\\x41\"", 1, 6, "a backslash")]
    [InlineData("a = \"\\ud800\"", 1, 6, "hexadecimal digits")]
    [InlineData("a = \"\\u12\"", 1, 6, "hexadecimal digits")]
    [InlineData("a = \"\\U00110000\"", 1, 6, "hexadecimal digits")]
    [InlineData("a = \"b\0\"", 1, 7, "U+0000")]
    [InlineData("a = \"b\u007f\"", 1, 7, "U+007F")]
    [InlineData("# \u0001", 1, 3, "U+0001")]
    [InlineData("a = 1\rb = 2", 1, 6, "the end of the line")]
    public void What_is_not_TOML_is_refused_with_its_place(
        string toml,
        int line,
        int column,
        string says
    ) => IsRefused(toml, line, column, says);

    [Fact]
    public void Text_that_is_not_UTF_8_is_refused_with_its_place()
    {
        var e = Assert.Throws<QueueException>(() =>
            TomlSource.Read("f.toml", [.. "a = 1\nb = \""u8, 0xFF, .. "\""u8])
        );

        Assert.StartsWith("f.toml:2:6: this is not UTF-8", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a = ", "[", "]")]
    [InlineData("a = ", "{b=", "}")]
    [InlineData("", "a.", "a = 1")]
    [InlineData("[", "a.", "a]")]
    public void What_is_nested_too_deep_is_refused_however_deep(
        string begin,
        string part,
        string end
    )
    {
        var toml = new StringBuilder(begin).Insert(begin.Length, part, 200_000).Append(end);

        var e = Assert.Throws<QueueException>(() => Read(toml.ToString()));

        Assert.Contains("more than 64 levels deep", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_thousand_spoilt_files_give_values_or_a_refusal_with_a_place()
    {
        const int Seed = 20_117;
        var random = new Random(Seed);
        var pieces = "[]{}=.,#\"'\\\n\r\t 0a_-+e:\0é"
            .EnumerateRunes()
            .Select(r => r.ToString())
            .ToList();
        for (var round = 0; round < 10_000; round++)
        {
            var text = new StringBuilder(Sample);
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                text.Append(' ');
                var at = random.Next(text.Length);
                var piece = pieces[random.Next(pieces.Count)];
                switch (random.Next(4))
                {
                    case 0:
                        text.Insert(at, piece);
                        break;
                    case 1:
                        text.Remove(at, random.Next(1, Math.Min(20, text.Length - at) + 1));
                        break;
                    case 2:
                        text.Remove(at, 1).Insert(at, piece);
                        break;
                    default:
                        text.Length = Math.Max(1, at);
                        break;
                }
            }

            var bytes = Encoding.UTF8.GetBytes(text.ToString());
            if (random.Next(10) == 0)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var problem = Record.Exception(() => TomlSource.Read("f.toml", bytes));

            Assert.True(
                problem is null || (problem is QueueException && HasPlace(problem.Message)),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"seed {Seed}, round {round}: {problem}\n{text}"
                )
            );
        }
    }

    private static bool HasPlace(string message) =>
        message.Split(':') is ["f.toml", var line, var column, ..]
        && int.Parse(line, CultureInfo.InvariantCulture) > 0
        && int.Parse(column, CultureInfo.InvariantCulture) > 0;

    private static void IsRefused(string toml, int line, int column, string says)
    {
        var e = Assert.Throws<QueueException>(() => Read(toml));

        Assert.StartsWith(
            string.Create(CultureInfo.InvariantCulture, $"f.toml:{line}:{column}: "),
            e.Message,
            StringComparison.Ordinal
        );
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Hint);
        Assert.Equal(ExitCode.Usage, e.ExitCode);
    }

    private static SourceValue Read(string toml) =>
        TomlSource.Read("f.toml", Encoding.UTF8.GetBytes(toml));

    private static string Shown(string toml) => Shown(Read(toml));

    private static string Shown(SourceValue value) =>
        value.Kind switch
        {
            JsonValueKind.Object =>
                $"{{{string.Join(", ", value.Members.Select(m => $"{m.Name}: {Shown(m.Value)}"))}}}",
            JsonValueKind.Array => $"[{string.Join(", ", value.Items.Select(Shown))}]",
            JsonValueKind.String => $"\"{value.Text}\"",
            JsonValueKind.Number => value.Text!,
            _ => value.Kind == JsonValueKind.True ? "true" : "false",
        };
}
