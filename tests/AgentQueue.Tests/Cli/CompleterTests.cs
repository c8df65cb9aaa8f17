using AgentQueue.Cli;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Cli;

public sealed class CompleterTests : IDisposable
{
    private readonly TempQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void The_first_word_is_a_verb()
    {
        Assert.Equal(["start", "status"], Complete("sta"));
        Assert.Equal(Verbs.All.Select(v => v.Name), Complete(""));
    }

    [Fact]
    public void A_dash_offers_the_options_that_were_not_given_yet()
    {
        var offers = Complete("--", "cancel", "--json");

        Assert.Contains("--all", offers);
        Assert.Contains("--debug", offers);
        Assert.DoesNotContain("--json", offers);
    }

    [Fact]
    public void An_option_that_may_repeat_is_offered_again() =>
        Assert.Equal(["--label"], Complete("--lab", "start", "--label", "a=b"));

    [Fact]
    public void Ids_are_found_by_any_part_newest_first_with_what_they_are()
    {
        _temp.Add("01a");
        _temp.Add("01b", TempQueue.Complete());

        var offers = Offers("01", "cancel");

        Assert.Equal(
            [
                new Offer("task_01b", "complete, shell: do 01b"),
                new Offer("task_01a", "pending, shell: do 01a"),
            ],
            offers
        );
        Assert.Equal(["task_01a"], Complete("a", "hold", "01b").Where(o => o.EndsWith("1a")));
    }

    [Fact]
    public void Hashes_are_of_files_and_branches_of_tasks()
    {
        _temp.Add("01a");

        Assert.Equal([Completer.Files], Complete("", "hash", "a.txt"));
        Assert.Equal(["sha1"], Complete("sha1", "hash", "--algo"));
        Assert.Equal(["branch", "issue"], Complete("", "git"));
        Assert.Equal(["task_01a"], Complete("01", "git", "branch"));
        Assert.Equal(["--title"], Complete("--t", "git", "issue"));
        Assert.Equal(["git.issue"], Complete("git.i", "records", "--action"));
    }

    [Fact]
    public void Assistants_are_offered_by_name()
    {
        Assert.Contains(new Offer("claude", "Claude Code"), Offers("cl", "setup"));
        Assert.Equal(["all"], Complete("all", "setup", "claude"));
        Assert.Equal(["--check"], Complete("--ch", "setup"));
    }

    [Fact]
    public void In_a_list_of_ids_the_last_one_is_completed()
    {
        _temp.Add("01a");

        Assert.Equal(["x,task_01a"], Complete("x,01", "start", "--depends-on"));
        Assert.Equal(["--depends-on=task_01a"], Complete("--depends-on=01", "start"));
    }

    [Fact]
    public void Agents_come_from_the_configuration()
    {
        File.WriteAllText(
            Path.Join(_temp.Root, "agent-config.json"),
            """{ "agents": { "coder": { "command": "x", "description": "Writes" } } }"""
        );

        Assert.Equal(
            [
                new Offer("coder", "Writes"),
                new Offer("shell", "Runs the prompt as a shell command"),
            ],
            Offers("", "start")
        );
    }

    [Fact]
    public void Each_argument_has_its_own_words()
    {
        _temp.Add("01a");

        Assert.Empty(Complete("", "start", "shell"));
        Assert.Equal(["parallel"], Complete("par", "config", "set"));
        Assert.Equal(["task_01a"], Complete("", "deps", "add", "x"));
        Assert.Empty(Complete("", "deps", "add", "x", "y"));
    }

    [Fact]
    public void A_verb_with_verbs_below_it_offers_both_those_and_ids()
    {
        _temp.Add("01a");

        Assert.Equal(["list", "extend", "task_01a"], Complete("", "timeout"));
        Assert.Equal(["extend"], Complete("ext", "timeout"));
    }

    [Fact]
    public void Where_a_file_is_wanted_the_shell_completes_it()
    {
        Assert.Equal([Completer.Files], Complete("/et", "start", "--prompt-file"));
        Assert.Equal([Completer.Files], Complete("", "--root"));
    }

    [Fact]
    public void A_value_that_nobody_can_guess_has_no_offers() =>
        Assert.Empty(Complete("", "start", "--timeout"));

    [Fact]
    public void The_words_that_bash_makes_of_an_equals_sign_are_one_option()
    {
        _temp.Add("01a");

        Assert.Equal(["task_01a"], Complete("01", "start", "--depends-on", "="));
        Assert.Equal(["task_01a"], Complete("=", "start", "--depends-on"));
    }

    [Fact]
    public void A_bare_parallel_takes_nothing_from_what_follows()
    {
        _temp.Add("01a");

        Assert.Equal(["--wait"], Complete("--wa", "run", "--parallel"));
        Assert.Equal(["task_01a"], Complete("task_", "run", "-p"));
    }

    [Fact]
    public void After_two_dashes_nothing_is_an_option() =>
        Assert.Empty(Complete("--wa", "start", "shell", "--"));

    [Fact]
    public void Nothing_is_offered_for_a_project_that_does_not_exist()
    {
        Assert.Empty(Completer.Complete(["--root", "/no/such/folder", "cancel"], ""));
        Assert.Empty(Completer.Complete(["--root", "/no/such/folder", "start"], ""));
    }

    [Fact]
    public void A_broken_configuration_offers_no_agents_and_says_nothing()
    {
        File.WriteAllText(Path.Join(_temp.Root, "agent-config.json"), "{");

        Assert.Empty(Complete("", "start"));
    }

    [Fact]
    public void Completing_makes_no_files()
    {
        var empty = Directory.CreateTempSubdirectory("agentq-empty-").FullName;
        try
        {
            foreach (var verb in Verbs.All)
            {
                _ = Completer.Complete(["--root", empty, verb.Name], "");
            }

            Assert.Empty(Directory.GetFileSystemEntries(empty));
        }
        finally
        {
            Directory.Delete(empty, recursive: true);
        }
    }

    private IEnumerable<string> Complete(string current, params string[] words) =>
        Offers(current, words).Select(o => o.Word);

    private IReadOnlyList<Offer> Offers(string current, params string[] words) =>
        Completer.Complete(
            words is ["--root", ..] ? words : ["--root", _temp.Root, .. words],
            current
        );
}
