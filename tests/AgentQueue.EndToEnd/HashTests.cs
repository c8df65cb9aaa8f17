namespace AgentQueue.EndToEnd;

/// <summary>Hashes of files, and lists of them.</summary>
public sealed class HashTests
{
    // Of "abc".
    private const string Sha256 =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    private const string Sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";

    [Fact]
    public void A_program_gets_one_line_with_three_members_and_nothing_else()
    {
        using var box = new Sandbox();
        var path = box.Write("a.txt", "abc");

        foreach (var debug in new[] { "", "1" })
        {
            box.Environment["AGENTQ_DEBUG"] = debug;
            Assert.Equal(
                $$"""{"file":"{{path}}","algorithm":"sha256","hash":"{{Sha256}}"}""" + "\n",
                box.Run("hash", "a.txt", "--json").Gives(0).Out
            );
        }
    }

    [Fact]
    public void Several_files_are_one_document_and_make_no_project()
    {
        using var box = new Sandbox();
        box.Write("a", "abc");
        box.Write("b", "");

        var files = box.Run("hash", "a", "b", "--json", "--algo", "sha1").Gives(0).Json;

        Assert.Equal(
            [Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
            files
                .GetProperty("files")
                .EnumerateArray()
                .Select(f => f.GetProperty("hash").GetString())
        );
        Assert.False(Directory.Exists(box.Queue));
    }

    [Fact]
    public void Sha256sum_and_agentq_read_each_others_lists_whatever_the_names()
    {
        using var box = new Sandbox();
        string[] names =
        [
            "plain",
            "with space",
            " first",
            "new\nline",
            "back\\slash",
            "star*",
            "ü",
        ];
        foreach (var name in names)
        {
            box.Write(name, "of " + name);
        }

        var list = box.Run(["hash", .. names]).Gives(0).Out;
        box.Write("ours", list);
        box.Write("theirs", box.Sh("sha256sum -- plain *' '* new* back* star* ü").Gives(0).Out);

        Assert.All(box.Sh("sha256sum -c ours").Gives(0).Lines, l => Assert.EndsWith(": OK", l));
        Assert.Equal(names.Length, box.Run("hash", "-c", "theirs").Gives(0).Lines.Length);
        Assert.Equal(names.Length, box.Run("hash", "--check", "ours").Gives(0).Lines.Length);
    }

    [Fact]
    public void Standard_input_is_hashed_and_checked_as_a_dash()
    {
        using var box = new Sandbox();
        box.Write("a", "abc");

        Assert.Equal($"{Sha256}  -\n", box.RunWith("abc"u8.ToArray(), "hash", "-").Gives(0).Out);
        var list = System.Text.Encoding.UTF8.GetBytes($"{Sha256} *a\n{Sha1}  a\n");
        Assert.Equal("a: OK\na: OK\n", box.RunWith(list, "hash", "--check", "-").Gives(0).Out);
    }

    [Fact]
    public void A_file_that_differs_or_is_missing_is_named_and_gives_3()
    {
        using var box = new Sandbox();
        box.Write("a", "changed");
        box.Write("list", $"{Sha256}  a\n{Sha256}  gone\n");

        Assert.Equal("a: FAILED\ngone: MISSING\n", box.Run("hash", "-c", "list").Gives(3).Out);
        Assert.Equal(
            ["failed", "missing"],
            box.Run("hash", "-c", "list", "--json")
                .Gives(3)
                .Json.GetProperty("files")
                .EnumerateArray()
                .Select(f => f.GetProperty("status").GetString())
        );
    }

    [Fact]
    public void A_line_that_cannot_be_compared_does_not_pass_for_good()
    {
        using var box = new Sandbox();
        box.Write("a", "abc");
        box.Write("list", $"{Sha256}  a\nnonsense\n\\{Sha256}  a\\q\n");

        var outcome = box.Run("hash", "-c", "list").Gives(1);

        Assert.Equal("a: OK\n", outcome.Out);
        Assert.Contains("list, line 2", outcome.Err, StringComparison.Ordinal);
        Assert.Contains("list, line 3", outcome.Err, StringComparison.Ordinal);
        box.Run("hash", "-c", "a").Gives(1);
        box.Run("hash", "-c", "none").Gives(1);
    }

    [Fact]
    public void What_is_no_file_is_refused_and_the_others_are_hashed()
    {
        using var box = new Sandbox();
        box.Write("a", "abc");
        box.Write("folder/x", "");
        box.Sh("mkfifo fifo; ln -s a link").Gives(0);

        var outcome = box.Run("hash", "fifo", "folder", "/dev/zero", "none", "link").Gives(1);

        Assert.Equal($"{Sha256}  link\n", outcome.Out);
        Assert.Contains("fifo: it is not a regular file", outcome.Err, StringComparison.Ordinal);
        Assert.Contains("folder: it is a folder", outcome.Err, StringComparison.Ordinal);
        Assert.Contains("/dev/zero: it is not a regular", outcome.Err, StringComparison.Ordinal);
        Assert.Contains("none: No such file", outcome.Err, StringComparison.Ordinal);
        Assert.Equal("", box.Run("hash", "none", "--json").Gives(1).Out);
    }

    [Fact]
    public void A_wrong_call_is_told_from_a_file_that_cannot_be_read()
    {
        using var box = new Sandbox();
        box.Write("a", "abc");

        box.Run("hash").Gives(2);
        box.Run("hash", "a", "--algo", "md5").Gives(2);
        box.Run("hash", "none").Gives(1);
    }

    [Needs(Machine.Linux)]
    public void A_file_that_is_larger_than_the_memory_is_hashed_in_pieces()
    {
        using var box = new Sandbox();
        box.Sh("truncate -s 300M big; sha256sum big > list").Gives(0);

        Assert.Equal("big: OK\n", box.Sh("ulimit -d 120000; agentq hash -c list").Gives(0).Out);
    }
}
