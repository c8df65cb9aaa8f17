using System.CommandLine;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;

namespace AgentQueue.Cli.Commands;

/// <summary><c>hash</c>: the hashes of files, in the format of <c>sha256sum</c>, or checked against such a list.</summary>
internal static class HashCommand
{
    private static readonly Argument<string[]> s_files = new("FILE")
    {
        HelpName = "FILE",
        Description = "Files to hash, or with --check lists of hashes; - is standard input",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string?> s_algorithm = Options.Word(
        "--algo",
        $"How to hash (default: {HashKind.Sha256.Name})",
        [.. HashKind.All.Select(static k => k.Name)]
    );

    private static readonly Option<bool> s_check = Options.Flag(
        "--check",
        "Compare files with the hashes that are listed in FILE (exit code 3: a difference)",
        "-c"
    );

    public static Command Create()
    {
        var command = new Verb(
            "hash",
            "Hash files, or check them against a list of hashes",
            "agentq hash report.pdf --json",
            "agentq hash dist/* > dist.sha256",
            "agentq hash --check dist.sha256"
        )
        {
            s_files,
            s_algorithm,
            s_check,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var files = parsed.GetValue(s_files)!;
        var named = parsed.GetValue(s_algorithm);
        var kind = HashKind.All.FirstOrDefault(k => k.Name == named);
        return parsed.GetValue(s_check)
            ? new ChecksumCheck(session, kind).Run(files)
            : Hash(session, files, kind ?? HashKind.Sha256);
    }

    private static ExitCode Hash(Session session, string[] files, HashKind kind)
    {
        var screen = Session.Screen;
        var hashed = new List<ChecksumLine>();
        foreach (var file in files.TakeWhile(_ => !screen.ReaderGone))
        {
            try
            {
                hashed.Add(
                    new ChecksumLine(
                        NamedInput.Read(session, file, c => FileHash.Of(c, kind)),
                        file
                    )
                );
            }
            catch (QueueException e)
            {
                screen.Error(e);
                continue;
            }

            if (!session.Json)
            {
                Print(screen, hashed[^1]);
            }
        }

        if (session.Json)
        {
            PrintJson(session, files, hashed, kind);
        }

        return hashed.Count == files.Length ? ExitCode.Ok : ExitCode.Refused;
    }

    // A program that reads the list needs the name as it is; a terminal must not obey it.
    private static void Print(Screen screen, ChecksumLine line)
    {
        if (screen.OutIsTerminal)
        {
            screen.Line(line.ToString());
        }
        else
        {
            screen.Out(line + "\n");
        }

        screen.Flush();
    }

    private static void PrintJson(
        Session session,
        string[] files,
        List<ChecksumLine> hashed,
        HashKind kind
    )
    {
        if (files.Length == 1)
        {
            hashed.ForEach(h =>
                JsonOutput.PrintBareLine(Session.Screen, w => Write(w, session, h, kind))
            );
            return;
        }

        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("files"u8);
                foreach (var line in hashed)
                {
                    w.WriteStartObject();
                    Write(w, session, line, kind);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }
        );
    }

    private static void Write(Utf8JsonWriter w, Session session, ChecksumLine line, HashKind kind)
    {
        w.WriteString(
            "file"u8,
            line.File == NamedInput.StandardInput
                ? line.File
                : Path.GetFullPath(line.File, session.CurrentFolder)
        );
        w.WriteString("algorithm"u8, kind.Name);
        w.WriteString("hash"u8, line.Hash);
    }
}
