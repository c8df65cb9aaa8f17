using System.IO.Compression;

namespace AgentQueue.EndToEnd;

/// <summary>What is handed on is unpacked as people unpack it, and is whole: it needs nothing of the checkout.</summary>
public sealed class PackageTests
{
    [Fact]
    public void The_tarball_works_where_it_is_unpacked()
    {
        using var box = new Sandbox();
        box.Sh($"tar -xzf '{Packages.Tarball}' -C '{box.Outside}'").Gives(0);
        var folder = Unpacked(box, Packages.Tarball, ".tar.gz");

        Works(box, Path.Join(folder, "agentq"));
        HasWhatTheReadmePointsTo(folder);
        HasCompletions(
            box,
            Path.Join(folder, "completions/agentq.bash"),
            Path.Join(folder, "completions/_agentq"),
            Path.Join(folder, "completions/agentq.fish")
        );
    }

    [Fact]
    public void The_zip_works_where_it_is_unpacked()
    {
        using var box = new Sandbox();
        ZipFile.ExtractToDirectory(Packages.Zip, box.Outside);
        var folder = Unpacked(box, Packages.Zip, ".zip");

        Works(box, Path.Join(folder, "agentq"));
        HasWhatTheReadmePointsTo(folder);
    }

    [Fact]
    public void The_zip_holds_what_the_tarball_holds()
    {
        using var box = new Sandbox();
        var names = box.Sh($"tar -tzf '{Packages.Tarball}'").Gives(0).Lines;
        using var zip = ZipFile.OpenRead(Packages.Zip);

        Assert.Equal(
            names.Where(static n => !n.EndsWith('/')),
            zip.Entries.Select(static e => e.FullName)
        );
    }

    [Needs(Machine.Ar)]
    public void The_deb_works_where_it_is_unpacked_without_dpkg()
    {
        using var box = new Sandbox();
        box.Sh($"cd '{box.Outside}' && ar x '{Packages.Deb}' && tar -xzf data.tar.gz").Gives(0);

        Works(box, Path.Join(box.Outside, "usr/bin/agentq"));
        HasWhatTheReadmePointsTo(Path.Join(box.Outside, "usr/share/doc/agentq"));
        HasCompletions(
            box,
            Path.Join(box.Outside, "usr/share/bash-completion/completions/agentq"),
            Path.Join(box.Outside, "usr/share/zsh/vendor-completions/_agentq"),
            Path.Join(box.Outside, "usr/share/fish/vendor_completions.d/agentq.fish")
        );
        Assert.Equal(
            File.ReadAllText(Path.Join(Binaries.Repository, "LICENSE")),
            File.ReadAllText(Path.Join(box.Outside, "usr/share/doc/agentq/copyright"))[
                ..File.ReadAllText(Path.Join(Binaries.Repository, "LICENSE")).Length
            ]
        );
        // Nothing of it runs at install or removal, so nothing can touch what is not its own.
        Assert.Equal(
            ["./", "./control", "./md5sums"],
            box.Sh($"cd '{box.Outside}' && tar -tzf control.tar.gz").Gives(0).Lines
        );
    }

    [Needs(Machine.Dpkg, Machine.Ar)]
    public void Dpkg_installs_the_deb_and_takes_it_away_without_a_trace()
    {
        using var box = new Sandbox();
        var root = Path.Join(box.Outside, "root");
        var dpkg =
            $"dpkg --root='{root}' --force-not-root --force-script-chrootless --log=/dev/null";
        box.Sh(
                $"""
                mkdir -p '{root}/var/lib/dpkg/info' '{root}/var/lib/dpkg/updates'
                dpkg -s libc6:$(dpkg --print-architecture) > '{root}/var/lib/dpkg/status'
                """
            )
            .Gives(0);

        box.Sh($"{dpkg} -i '{Packages.Deb}'").Gives(0);
        Works(box, Path.Join(root, "usr/bin/agentq"));
        // The files are those of its checksums.
        Assert.Equal("", box.Sh($"{dpkg} -V agentq").Gives(0).Text);
        Assert.Contains(
            "Installed-Size: ",
            box.Sh($"{dpkg} -s agentq").Gives(0).Out,
            StringComparison.Ordinal
        );

        var before = box.Picture();
        box.Sh($"{dpkg} -r agentq").Gives(0);
        Assert.Equal(
            ["var"],
            Directory.EnumerateFileSystemEntries(root).Select(static p => Path.GetFileName(p))
        );
        Assert.Equal(before, box.Picture());
        // What was only removed would still be known to it.
        box.Sh($"{dpkg} -s agentq").Gives(1);
    }

    [Fact]
    public void Packing_again_makes_the_same_bytes_whoever_does_it_and_where()
    {
        using var box = new Sandbox();
        var again = Path.Join(box.Outside, "again");
        var build = Path.Join(Binaries.Repository, "build.sh");
        box.Sh(
                $"""
                umask 077
                export TZ=Asia/Kolkata LC_ALL=C SOURCE_DATE_EPOCH=1
                '{build}' package --executable '{Binaries.Agentq}' --into '{again}'
                """,
                seconds: 100
            )
            .Gives(0);

        foreach (var made in Directory.EnumerateFiles(again))
        {
            var first = Path.Join(Packages.Folder, Path.GetFileName(made));
            Assert.True(
                File.Exists(first)
                    && File.ReadAllBytes(first).AsSpan().SequenceEqual(File.ReadAllBytes(made)),
                $"{first} is another one; if a document has changed since, run ./build.sh package"
            );
        }

        Assert.NotEmpty(Directory.EnumerateFiles(again));
    }

    private static string Unpacked(Sandbox box, string package, string extension)
    {
        // One folder, called as the file: nothing is strewn about.
        var folder = Assert.Single(Directory.EnumerateFileSystemEntries(box.Outside));
        Assert.Equal(Path.GetFileName(package)[..^extension.Length], Path.GetFileName(folder));
        return folder;
    }

    private static void Works(Sandbox box, string agentq)
    {
        Packages.IsTheExecutable(agentq);
        using var version = box.Program(agentq, null, "--version");
        Assert.Equal(box.Run("--version").Gives(0).Out, version.End().Gives(0).Out);

        // What serves assistants stands beside it.
        Assert.Equal(
            """{"result":{},"id":1,"jsonrpc":"2.0"}""" + "\n",
            box.Sh($$"""echo '{"jsonrpc":"2.0","id":1,"method":"ping"}' | '{{agentq}}' mcp""")
                .Gives(0)
                .Out
        );
        box.Sh(
                $"""
                '{agentq}' start shell 'echo packed > proof; exit 3' && '{agentq}' run --wait
                """
            )
            .Gives(3);
        Assert.Equal("packed\n", File.ReadAllText(Path.Join(box.Folder, "proof")));
        Assert.Equal(3, Assert.Single(box.Tasks).ExitCode);
    }

    // Links to a heading or to another host are not files.
    private static void HasWhatTheReadmePointsTo(string folder)
    {
        var text = File.ReadAllText(Path.Join(folder, "README.md"));
        var links = System
            .Text.RegularExpressions.Regex.Matches(text, @"\]\((docs/[^)#]+)")
            .Select(static m => m.Groups[1].Value)
            .ToList();

        Assert.NotEmpty(links);
        Assert.All(links, l => Assert.True(Path.Exists(Path.Join(folder, l)), l));
    }

    private static void HasCompletions(Sandbox box, string bash, string zsh, string fish)
    {
        foreach (
            var (shell, file) in (IEnumerable<(string, string)>)
                [("bash", bash), ("zsh", zsh), ("fish", fish)]
        )
        {
            Assert.Equal(box.Run("completion", shell).Gives(0).Out, File.ReadAllText(file));
        }
    }
}
